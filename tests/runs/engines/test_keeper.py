import os
import signal
import subprocess
import sys
import time

import pytest

from isoflop.runs.engines.keeper import give_order, keep, read_order, take_back_orders, trainer_command
from isoflop.runs.folder import RunFolder

from ..conftest import small_spec
from ..step_driver import hold, step_command

KEEP = """
import sys
from isoflop.runs.engines.keeper import keep
print(keep(sys.argv[1], sys.argv[2:]), flush=True)
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


def wait(come, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_the_exit_code_and_the_last_words_are_reported(folder):
    code = "import sys; print('a line', file=sys.stderr); print('the last one', file=sys.stderr); sys.exit(7)"
    assert keep(str(folder.path), [sys.executable, "-c", code]) == (7, "the last one")
    assert folder.log.read_text() == "a line\nthe last one\n"
    assert keep(str(folder.path), [sys.executable, "-c", ""]) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2])
def test_a_signal_of_the_scheduler_saves_a_checkpoint(folder, number):
    with kept(folder) as keeper:
        wait(folder.read_heartbeat)
        keeper.send_signal(number)
        assert keeper.stdout.read() == "(143, '')\n"
    assert (folder.status(), bool(list(folder.checkpoints.iterdir()))) == ("interrupted", True)


def test_orders_are_heeded(folder):
    with kept(folder) as keeper:
        wait(folder.read_heartbeat)
        give_order(folder, "stop")
        assert keeper.stdout.read() == "(143, '')\n"
    assert read_order(folder) == "stop"
    take_back_orders(folder)
    with kept(folder) as keeper:
        wait(lambda: len(folder.attempts()) == 2)
        os.kill(folder.attempts()[1].pid, signal.SIGSTOP)  # it hangs
        give_order(folder, "kill")
        assert keeper.stdout.read() == "(-9, '')\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_trainer_does_not_outlive_its_keeper_by_much(folder):
    with kept(folder) as keeper:
        wait(folder.read_heartbeat)
        keeper.kill()
    wait(lambda: not folder.is_locked())
    assert folder.status() == "interrupted"
    assert list(folder.checkpoints.iterdir())


def test_the_handlers_of_before_are_back(folder):
    before = signal.getsignal(signal.SIGTERM)
    keep(str(folder.path), [sys.executable, "-c", ""])
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_command_of_the_trainer(folder, tmp_path):
    command = trainer_command(folder, tmp_path / "corpus")
    assert command[1:4] == ["-m", "isoflop.train", str(folder.path.resolve())]
    assert command[4:] == ["--corpus", str((tmp_path / "corpus").resolve())]
    assert trainer_command(folder, None)[4:] == []
