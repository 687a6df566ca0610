import pytest

from isoflop.runs.engines.jobs import JobEngine
from isoflop.runs.engines.ray import Ray

from .stepping import StepContract, step_command

ray = pytest.importorskip("ray", reason="the engine ray needs the extra `ray`")


@pytest.fixture(scope="module", autouse=True)
def one_ray_for_all():
    """Starting one takes seconds: the engine uses the one that is there, and leaves it."""
    system = Ray(slots=2)
    yield
    assert ray.is_initialized()
    system.close()
    assert not ray.is_initialized()


class TestContract(StepContract):
    engine = "ray"

    def make_engine(self, tmp_path, workers):
        return JobEngine(system=Ray(slots=workers), workers=workers, command=step_command)
