import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_until

from isoflop.runs.engines.processes import TORCHRUN, Processes, trainer_command
from isoflop.runs.engines.supervisor import clear_command, read_command, supervise, write_command
from isoflop.runs.folder import RunFolder

from ..conftest import small_spec
from ..step_driver import hold, step_command
from .pair import PAIR

KEEP = """
import sys
from isoflop.runs.engines.supervisor import supervise
print(supervise(sys.argv[1], sys.argv[2:]), flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    """A run that waits half-way for what is to meet it."""
    made = RunFolder.create(tmp_path / "runs", small_spec())
    hold(made, 5)
    return made


def kept(folder):
    return subprocess.Popen(
        [sys.executable, "-c", KEEP, str(folder.path), *step_command(folder)], stdout=subprocess.PIPE, text=True
    )


def test_the_exit_code_and_the_last_words_are_reported(folder):
    code = "import sys; print('a line', file=sys.stderr); print('the last one', file=sys.stderr); sys.exit(7)"
    assert supervise(str(folder.path), [sys.executable, "-c", code]) == (7, "the last one")
    assert folder.log.read_text() == "a line\nthe last one\n"
    assert supervise(str(folder.path), [sys.executable, "-c", ""]) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_of_the_scheduler_saves_a_checkpoint(folder, number):
    with kept(folder) as supervisor:
        wait_until(folder.read_heartbeat)
        supervisor.send_signal(number)
        assert supervisor.stdout.read() == "(143, '')\n"
    assert (folder.status(), bool(list(folder.checkpoints.iterdir()))) == ("interrupted", True)


def test_orders_are_heeded(folder):
    with kept(folder) as supervisor:
        wait_until(folder.read_heartbeat)
        write_command(folder, "stop")
        assert supervisor.stdout.read() == "(143, '')\n"
    assert read_command(folder) == "stop"
    clear_command(folder)
    with kept(folder) as supervisor:
        wait_until(lambda: len(folder.attempts()) == 2)
        os.kill(folder.attempts()[1].pid, signal.SIGSTOP)  # it hangs
        write_command(folder, "kill")
        assert supervisor.stdout.read() == "(-9, '')\n"


def both(folder):
    """Process ids of a pair under torchrun, once they have met."""
    return [int(path.read_text() or 0) for path in folder.path.glob("rank-*") if path.read_text()]


def gone(pid):
    """Whether it has ended; one that nobody has waited for yet is a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks the processes up in /proc")
@pytest.mark.parametrize(("order", "said", "faults"), [("stop", 143, ["wait"]), ("kill", -9, ["wait", "deaf"])])
def test_orders_reach_the_processes_of_torchrun(folder, order, said, faults):
    command = [sys.executable, "-m", TORCHRUN, "--standalone", "--nproc-per-node", "2", str(PAIR), str(folder.path)]
    for fault in faults:
        (folder.path / fault).touch()
    code = KEEP.replace("print(supervise(sys.argv[1], sys.argv[2:])", "print(supervise(sys.argv[1], sys.argv[2:])[0]")
    with subprocess.Popen([sys.executable, "-c", code, str(folder.path), *command], stdout=-1, text=True) as supervisor:
        wait_until(lambda: len(both(folder)) == 2, supervisor)
        write_command(folder, order)
        assert int(supervisor.stdout.read()) == said
    for pid in both(folder):
        wait_until(lambda pid=pid: gone(pid))


def test_what_torchrun_keeps_to_itself_is_told(folder, tmp_path):
    nowhere = tmp_path / "nowhere"
    code, words = supervise(str(folder.path), trainer_command(folder, nowhere, Processes(count=2, per_machine=2)))
    assert code == 2
    assert words.startswith(f"{folder.path}: {nowhere}")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_trainer_does_not_outlive_its_supervisor_by_much(folder):
    with kept(folder) as supervisor:
        wait_until(folder.read_heartbeat)
        supervisor.kill()
    wait_until(lambda: not folder.is_locked())
    assert folder.status() == "interrupted"
    assert list(folder.checkpoints.iterdir())


def test_the_handlers_of_before_are_back(folder):
    before = signal.getsignal(signal.SIGTERM)
    supervise(str(folder.path), [sys.executable, "-c", ""])
    assert signal.getsignal(signal.SIGTERM) is before
