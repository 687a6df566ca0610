"""Checkpoints that a thread writes: of the moment of the call, one at a time, complete or absent."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import safetensors.torch
import torch

from isoflop.errors import InputError
from isoflop.train.checkpoint import Saver, restore
from isoflop.train.safetensors_buffer import SafetensorsBuffer
from train.test_checkpoint import folders, fresh, go_on, progress, save, trained


class SlowDisk:
    """An fsync that waits for permission, and then succeeds or finds the disk full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may, self.requested, self.full, self.fsync = threading.Event(), threading.Event(), False, os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        self.requested.set()
        assert self.may.wait(60)
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.fsync(descriptor)


def test_training_continues_and_the_checkpoint_is_of_the_moment_of_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, optimizer = trained()
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    disk, saver = SlowDisk(monkeypatch), Saver(tmp_path)
    saver.save(model, optimizer, progress(3))
    assert disk.requested.wait(60)
    after = go_on(model, optimizer, 4)  # while the disk does not answer
    assert folders(tmp_path) == [".step-00000003.partial"]
    assert not saver.failed
    disk.may.set()
    saver.wait()
    again, moments = fresh()
    assert restore(tmp_path, again, moments) == progress(3)
    assert all(torch.equal(parameter, before[name]) for name, parameter in again.named_parameters())
    assert go_on(again, moments, 4) == after


def test_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = trained()
    disk, saver = SlowDisk(monkeypatch), Saver(tmp_path)
    saver.save(model, optimizer, progress(3))
    assert disk.requested.wait(60)
    second = threading.Thread(target=saver.save, args=(model, optimizer, progress(20)))
    second.start()
    second.join(0.2)
    assert second.is_alive()
    assert folders(tmp_path) == [".step-00000003.partial"]
    disk.may.set()
    second.join()
    saver.wait()
    assert folders(tmp_path) == ["step-00000003", "step-00000020"]


def test_an_error_of_the_thread_is_raised_in_the_trainer_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, optimizer = trained()
    save(tmp_path, model, optimizer, progress(3))
    disk, saver = SlowDisk(monkeypatch), Saver(tmp_path)
    disk.full = True
    saver.save(model, optimizer, progress(20))
    disk.may.set()
    saver.join()
    assert saver.failed
    with pytest.raises(InputError, match="disk full while writing .*run the same command again"):
        saver.save(model, optimizer, progress(21))
    monkeypatch.undo()
    assert folders(tmp_path) == ["step-00000003"]
    saver.save(model, optimizer, progress(21))
    saver.wait()
    assert folders(tmp_path) == ["step-00000003", "step-00000021"]


KILLED = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from isoflop.train.checkpoint import Saver
from train.test_checkpoint import go_on, progress, save, trained
model, optimizer = trained()
save(Path(sys.argv[1]), model, optimizer, progress(3))
calls, fsync = [], os.fsync
def slow(descriptor):
    calls.append(descriptor)
    if len(calls) == int(sys.argv[3]):
        print("in the middle", flush=True)
        time.sleep(1e6)
    fsync(descriptor)
os.fsync = slow
Saver(Path(sys.argv[1])).save(model, optimizer, progress(20))
while True:
    go_on(model, optimizer, 1)
"""


@pytest.mark.parametrize("call", [1, 3])  # with half the state written, and with all but the rename
def test_kill_9_while_writing_leaves_the_previous_checkpoint(tmp_path: Path, call: int) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parents[1]), str(call)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        os.kill(process.pid, signal.SIGKILL)
    assert ".step-00000020.partial" in folders(tmp_path)
    model, optimizer = fresh()
    assert restore(tmp_path, model, optimizer) == progress(3)
    save(tmp_path, model, optimizer, progress(20))
    assert folders(tmp_path) == ["step-00000003", "step-00000020"]


def test_a_buffer_is_the_file_that_the_library_reads_whatever_it_held_before(tmp_path: Path) -> None:
    buffer = SafetensorsBuffer()
    generator = torch.Generator().manual_seed(0)
    for shapes in ({"a": (2, 3), "b/é": ()}, {"a": (2, 3), "b/é": ()}, {"a": (0,), "c": (5,)}, {}):
        tensors = {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}
        (tmp_path / "file").write_bytes(buffer.fill(tensors)())
        read = safetensors.torch.load_file(tmp_path / "file")
        assert {name: value.tolist() for name, value in read.items()} == {n: t.tolist() for n, t in tensors.items()}


def test_a_buffer_allocates_its_memory_once() -> None:
    buffer, tensors = SafetensorsBuffer(), {"a": torch.zeros(7)}
    first = buffer.fill(tensors)()
    assert buffer.fill({"a": torch.ones(7)})().obj is not None
    assert first[-4:] == torch.ones(1).numpy().tobytes()
