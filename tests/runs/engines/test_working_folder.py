"""No program that isoflop starts imports from the folder where it was started: that may be a study of somebody else."""

import os
import sys

import pytest
from waiting import next_ended

from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.engines.processes import TORCHRUN, Processes, trainer_command
from isoflop.runs.engines.supervisor import supervise, write_command
from isoflop.study.trainer import require_gpus, run_trainers

PLANTED = ("torch", "numpy", "isoflop", "safetensors")


@pytest.fixture
def mark(tmp_path, monkeypatch):
    """What planted modules leave; the working folder has them."""
    received = tmp_path / "received"
    received.mkdir()
    for name in PLANTED:
        (received / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit(7)\n")
    monkeypatch.chdir(received)
    return tmp_path / "ran"


def test_a_worker(mark, folder, tmp_path):
    engine = LocalEngine(workers=1, logs=tmp_path / "logs", corpus=tmp_path / "no corpus")
    engine.start(folder)
    ended = next_ended(engine)
    engine.close()
    assert ("no corpus here" in ended[0].message, mark.exists()) == (True, False)


def test_a_trainer_of_a_job(mark, folder, tmp_path):
    code, words = supervise(str(folder.path), trainer_command(folder, tmp_path / "no corpus"))
    assert ((code, "no corpus here" in words), mark.exists()) == ((2, True), False)


def test_the_processes_of_torchrun(mark, folder, tmp_path):
    code, words = supervise(
        str(folder.path), trainer_command(folder, tmp_path / "no corpus", Processes(count=2, per_machine=2))
    )
    assert ((code, "no corpus here" in words), mark.exists()) == ((2, True), False)


def test_programs_next_to_training(mark, folder):
    with pytest.raises(Exception, match="not finished|no such"):
        run_trainers([[sys.executable, "-P", "-m", "isoflop.train.generate", str(folder.path)]])
    require_gpus(0)
    assert not mark.exists()


def test_torchrun_is_told_by_the_environment_and_others_are_left_as_they_are(folder, monkeypatch, tmp_path):
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    show = [
        sys.executable,
        "-c",
        f"import os; open({str(tmp_path / 'said')!r}, 'w').write(str(os.environ.get('PYTHONSAFEPATH')))",
    ]
    for more, told in (([], "None"), ([TORCHRUN], "1")):
        assert supervise(str(folder.path), [*show, *more])[0] == 0
        assert (tmp_path / "said").read_text() == told


def test_a_keeper_writes_its_log_and_its_order_through_no_link(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder.command_file.symlink_to(victim)
    write_command(folder, "stop")
    folder.log.symlink_to(victim)
    with pytest.raises(Exception, match="is a link"):
        supervise(str(folder.path), [sys.executable, "-c", "print('x')"])
    assert victim.read_text() == "precious"
    assert os.path.islink(folder.command_file)
