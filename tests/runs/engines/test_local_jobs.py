from waiting import wait_until

from isoflop.runs.engines.local_jobs import LocalJobs
from isoflop.runs.folder import RunFolder

from ..conftest import small_spec
from ..step_driver import hold, step_command
from .stepping import StepContract


class TestContract(StepContract):
    """Keepers in threads of the driver."""

    kind = "here"


def test_a_job_is_cancelled_where_no_order_can_be_written(tmp_path):
    folder = RunFolder.create(tmp_path, small_spec())
    hold(folder, 5)
    folder.command_file.mkdir()  # as good as a full disk
    system = LocalJobs(slots=1)
    job = system.submit(folder, step_command(folder))
    wait_until(folder.read_heartbeat)
    job.cancel()
    assert job.report() == (-9, "")
    system.close()
