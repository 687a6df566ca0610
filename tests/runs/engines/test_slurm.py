import pytest

from .stepping import StepContract

pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")


class TestContract(StepContract):
    """With processes of this machine in the place of a cluster."""

    kind = "slurm"
