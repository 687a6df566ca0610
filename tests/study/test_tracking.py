"""Trackers beside a study that trains: what they show is what the run folders say, and a dead one costs a warning."""

import importlib.util
import json
import shutil

import pytest

from isoflop.runs import registry
from isoflop.runs.folder import run_folders
from isoflop.study.folder import StudyFolder
from isoflop.study.settings import read_settings

from .test_kill import outcome
from .tiny import call, isoflop, refused


def needs(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs the extras {', '.join(missing)}")


@needs("tensorboard", "mlflow")
def test_one_tracker_shows_the_runs_and_a_dead_one_costs_a_warning(finished_study, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port: nobody listens
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    study = finished_study.copy(tmp_path / "study")
    again = run_folders(study / "runs")[:2]
    for folder in again:
        shutil.rmtree(folder.path)
    code, stdout, stderr = isoflop("run", study, "--log", "tensorboard", "--log", "mlflow")
    assert (code, stdout) == (0, "2 runs done\n"), stderr
    (warning,) = [line for line in stderr.splitlines() if line.startswith("warning: mlflow")]
    assert warning.endswith("[tracker]")
    assert read_settings(StudyFolder(study)).log == ("tensorboard", "mlflow")  # the same command goes on with them
    assert outcome(study) == outcome(finished_study.path)
    call("log", study, "--to", "tensorboard")  # what a busy machine had no time for before the driver ended
    for folder in again:
        (shown,) = (study / "tracked" / "tensorboard").glob(f"*{folder.run_id}")
        events = EventAccumulator(str(shown))
        events.Reload()
        curve = [(event.step, event.value) for event in events.Scalars("train_loss_nats")]
        lines = [(line["step"], pytest.approx(line["train_loss_nats"])) for line in folder.read_metrics().lines]
        assert curve == lines
        (last,) = events.Scalars("val_loss_nats")
        assert last.value == pytest.approx(folder.read_result().val_loss_nats)


@needs("tensorboard")
def test_an_old_study_is_shown_after_the_fact(finished_study, tmp_path):
    study = finished_study.copy(tmp_path / "study")
    done = call("log", study, "--to", "tensorboard", "--json")
    (sent,) = json.loads(done.stdout)["sent"]
    runs = run_folders(study / "runs")
    assert sent["runs"] == len(runs)
    assert sent["points"] == sum(len(run.read_metrics().lines) + 1 for run in runs)
    assert "0 points of 0 runs" in call("log", study, "--to", "tensorboard").stdout


def test_a_missing_extra_is_told_before_any_time_is_spent(finished_study, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    said = refused("study", tmp_path / "new", "--log", "wandb")
    assert said == "Error: wandb: not installed; the tracker wandb needs it: pip install 'isoflop[wandb]'\n"
    assert "pip install 'isoflop[mlflow]'" in refused("log", finished_study.path, "--to", "mlflow")


def test_a_tracker_must_be_named_and_runs_be_there(finished_study, tmp_path):
    assert "expected a tracker, such as --to tensorboard" in refused("log", finished_study.path)
    assert "no runs in this folder" in refused("log", tmp_path / "nothing", "--to", "tensorboard")
