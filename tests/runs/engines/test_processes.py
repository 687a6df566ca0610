import sys

import pytest

from isoflop.errors import InputError
from isoflop.runs.engines.processes import TORCHRUN, Processes, trainer_command
from isoflop.runs.folder import RunFolder

from ..conftest import small_spec


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", small_spec(steps=4))


def test_the_command_of_the_trainer(folder, tmp_path):
    command = trainer_command(folder, tmp_path / "corpus")
    assert command[1:5] == ["-P", "-m", "isoflop.train", str(folder.path.resolve())]
    assert command[5:] == ["--corpus", str((tmp_path / "corpus").resolve())]
    assert trainer_command(folder, None)[5:] == []


def test_several_processes_are_torchruns(folder):
    trainer = ["-m", "isoflop.train", str(folder.path.resolve())]
    eight = trainer_command(folder, None, Processes(count=8, device="cuda", per_machine=8))
    started = [sys.executable, "-P", "-m", TORCHRUN, "--standalone", "--nproc-per-node", "8"]
    assert eight == [*started, *trainer, "--device", "cuda"]
    many = trainer_command(folder, None, Processes(count=32, device="cuda", per_machine=8))
    meeting = ["--nnodes", "4", "--rdzv-backend", "c10d", "--rdzv-id", folder.run_id]
    joined = [sys.executable, "-P", "-m", TORCHRUN, *meeting, "--nproc-per-node", "8"]
    assert many == [*joined, *trainer, "--device", "cuda"]
    one = trainer_command(folder, None, Processes(device="cuda"))
    assert one == [sys.executable, "-P", *trainer, "--device", "cuda"]


def test_machines_are_filled_evenly():
    machines = Processes(count=16, device="cuda", per_machine=8)
    assert (machines.machines, machines.each, machines.gpus_each) == (2, 8, 8)
    assert (Processes(count=4, per_machine=8).machines, Processes(count=4, per_machine=8).gpus_each) == (1, 0)
    with pytest.raises(InputError, match="13 processes do not divide over 2 machines of 8"):
        Processes(count=13, per_machine=8)
