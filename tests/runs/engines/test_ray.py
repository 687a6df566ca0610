import pytest

from isoflop.runs.engines.ray import Ray

from .stepping import StepContract

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
    kind = "ray"
