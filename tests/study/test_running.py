"""running.json: what `isoflop status` says of a study at work, from files alone."""

from __future__ import annotations

from pathlib import Path

from isoflop.study.folder import StudyFolder
from isoflop.study.lock import study_lock
from isoflop.study.running import Running, read_running, reported
from isoflop.study.settings import checked_settings
from isoflop.study.training_stages import Study

KEYS = {"stage", "elapsed_seconds", "remaining_seconds", "remaining_known", "runs_done", "runs"}


def test_it_is_there_while_the_driver_is(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    study = Study(folder=folder, settings=checked_settings({"minutes": 15}, "study"))
    with study_lock(tmp_path), reported(study) as told:
        told.listener.expect({"corpus": 10.0, "fit": 15.0})
        told.listener.stage("corpus")
        running = read_running(folder)
        assert running is not None
        assert (running.stage, running.runs) == ("corpus", 0)
        assert running.ends is not None
        assert 20 < running.ends - running.began <= 25.1
        written = folder.running.read_bytes()
    assert not folder.running.exists()
    # of a driver that was killed
    folder.running.write_bytes(written)
    assert read_running(folder) is None
    with study_lock(tmp_path):
        folder.running.write_text("{")
        assert read_running(folder) is None, "a hint is worth no error"


def test_an_end_that_has_passed_is_not_known() -> None:
    running = Running(stage="sweep", began=100.0, ends=160.0, known=True, runs_done=3, runs=21)
    assert set(running.at(130.0)) == KEYS
    assert (running.at(130.0)["elapsed_seconds"], running.at(130.0)["remaining_seconds"]) == (30.0, 30.0)
    late = running.at(161.0)
    assert (late["remaining_seconds"], late["remaining_known"]) == (None, False)
    assert running.at(90.0)["elapsed_seconds"] == 0.0, "another machine's clock"
