import pytest

from isoflop.runs.engines.jobs import JobEngine
from isoflop.runs.engines.slurm import Slurm

from .stepping import StepContract, step_command

pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")


class TestContract(StepContract):
    engine = "slurm"

    def make_engine(self, tmp_path, workers):
        system = Slurm(logs=tmp_path / "logs", cluster="local", options={"timeout_min": 60})
        return JobEngine(system=system, workers=workers, command=step_command)
