import errno
import fcntl
import os
import socket
import subprocess
import sys

import pytest

from isoflop.errors import InputError
from isoflop.runs.lock import LockedError, held, is_held, unseen_holder


def test_lock_is_held_by_one_and_freed_by_death(folder, monkeypatch):
    monkeypatch.setattr("isoflop.runs.lock.LOCK_TIMEOUT_SECONDS", 0.05)
    code = (
        "import sys, time; from pathlib import Path; from isoflop.runs.folder import RunFolder\n"
        f"with RunFolder(Path({str(folder.path)!r})).lock():\n  print('held', flush=True); time.sleep(1e6)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        assert folder.is_locked()
        with pytest.raises(LockedError, match=f"process {holder.pid} on") as caught, folder.lock():
            pass
        assert caught.value.exit_code == 3
        holder.kill()
    assert not folder.is_locked()
    with folder.lock():
        pass


def test_looking_at_a_lock_never_keeps_a_trainer_out(folder, monkeypatch):
    # a busy machine may leave the looker without a core while it holds the lock
    monkeypatch.setattr("isoflop.runs.lock.LOCK_TIMEOUT_SECONDS", 600.0)
    code = (
        "from pathlib import Path; from isoflop.runs.folder import RunFolder\n"
        f"folder = RunFolder(Path({str(folder.path)!r})); print('go', flush=True)\n"
        "while True: folder.is_locked()"
    )
    with folder.lock():
        pass
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as looker:
        assert looker.stdout.readline() == "go\n"
        for _ in range(200):
            with folder.lock():
                pass
        assert looker.poll() is None
        looker.kill()


def test_a_lock_outlives_nothing_but_its_block(tmp_path):
    lock = tmp_path / "lock"
    assert not is_held(lock)
    with held(lock, "it"):
        assert is_held(lock)
    assert lock.exists()
    assert not is_held(lock)


def test_a_child_process_does_not_inherit_the_lock(tmp_path):
    lock = tmp_path / "lock"
    with held(lock, "it"):
        child = subprocess.Popen(["sleep", "30"])
    assert not is_held(lock)
    child.kill()
    child.wait()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_disk_without_locks_is_one_message(tmp_path, monkeypatch, number):
    def refuse(descriptor, kind):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match="this disk takes no locks"), held(tmp_path / "lock", "it"):
        pass


def test_words_that_nobody_holds_are_of_one_that_died(tmp_path, monkeypatch):
    lock = tmp_path / "lock"
    assert unseen_holder(lock) == ""
    with held(lock, "it"):
        words = lock.read_text()
        assert unseen_holder(lock) == ""
    assert (words, lock.read_text()) == (f"process {os.getpid()} on {socket.gethostname()}\n", "")
    with pytest.raises(ValueError), held(lock, "it"):
        raise ValueError  # it ended by itself all the same
    assert lock.read_text() == ""
    lock.write_text(words)
    assert unseen_holder(lock) == ""  # of this machine, whose locks are seen: dead
    lock.write_text("process 7 on elsewhere\n")
    assert unseen_holder(lock) == "process 7 on elsewhere"
    with held(lock, "it"):
        monkeypatch.setattr(socket, "gethostname", lambda: "a third")
        assert unseen_holder(lock) == ""  # held, and seen to be
