"""The engine slurm with a real Slurm, which `make test-slurm` sets up and takes down again."""

import os

import pytest

from .real_slurm import RealSlurm, unusable
from .stepping import StepContract

pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")
pytestmark = pytest.mark.skipif(
    os.environ.get("ISOFLOP_TEST_SLURM") != "1", reason="a real Slurm is set up by `make test-slurm`"
)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    if why := unusable():
        pytest.skip(f"no real Slurm: {why}")
    with RealSlurm(tmp_path_factory.mktemp("slurm") / "home") as slurm, pytest.MonkeyPatch.context() as environment:
        for name, value in slurm.environment.items():
            environment.setenv(name, value)
        yield slurm


@pytest.mark.usefixtures("slurm")
class TestContract(StepContract):
    kind = "real-slurm"
