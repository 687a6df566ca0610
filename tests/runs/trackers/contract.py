"""What every tracker keeps of a run, held against the run's folder and read back with the tracker's own reader."""

import importlib.util
import json
import signal
import subprocess
import sys

import pytest
from waiting import wait_until

from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import TRACKERS, make_tracker
from isoflop.runs.trackers.follow import Follower

from ..conftest import result_of, small_spec


def line(step):
    return {"step": step, "tokens": 64 * step, "train_loss_nats": 3 - step / 100, "lr": 0.01, "wall_seconds": step / 10}


def points(steps):
    """What a reader finds of these steps: {step: [loss]}, a value for each time that it was sent."""
    return {step: [pytest.approx(3 - step / 100)] for step in steps}


class TrackerContract:
    """Subclassed for each tracker. `losses` reads the tracker's files."""

    name = ""

    def losses(self, study, run):
        """{step: training losses}"""
        raise NotImplementedError

    def outcome(self, study, run):
        """(validation loss, how the tracker calls the run's end)"""
        raise NotImplementedError

    ends = ("done", "failed")
    """What `outcome` says of both."""

    @pytest.fixture(autouse=True)
    def _offline(self, monkeypatch):
        if importlib.util.find_spec(TRACKERS[self.name].library) is None:
            pytest.skip(f"needs the extra {self.name}")
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_PROJECT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("WANDB_MODE", "offline")

    @pytest.fixture
    def study(self, tmp_path):
        """A study's folder with one run that has begun."""
        run = RunFolder.create(tmp_path / "study" / "runs", small_spec())
        run.record_attempt(0)
        run.append_metrics([line(step) for step in range(1, 6)])
        return tmp_path / "study"

    @pytest.fixture
    def run(self, study):
        (path,) = (study / "runs").iterdir()
        return RunFolder(path)

    def follower(self, study, said=None):
        tracker = make_tracker(self.name, study / "tracked", "study")
        warned = [] if said is None else said
        sent = study / "tracked" / "sent.json"
        return Follower(runs=study / "runs", trackers=[tracker], sent_file=sent, on_warning=warned.append)

    def followed(self, study):
        """Follows it once, and closes: (points that were sent, warnings)."""
        said = []
        follower = self.follower(study, said)
        follower.look()
        follower.close()
        return follower.sent[self.name].points, said

    def test_what_the_folder_says_is_there_and_a_step_once(self, study, run):
        follower = self.follower(study)
        follower.look()
        run.append_metrics([line(6), line(7)])
        follower.look()
        follower.look()
        run.append_metrics([line(8)])
        run.write_result(result_of(run))
        follower.look()
        follower.look()
        follower.close()
        assert follower.sent[self.name].points == 9
        assert self.losses(study, run) == points(range(1, 9))
        assert self.outcome(study, run) == (pytest.approx(2.625), self.ends[0])

    def test_what_was_sent_whole_is_not_sent_again(self, study, run):
        run.write_result(result_of(run))
        assert self.followed(study) == (6, [])
        assert self.followed(study) == (0, [])
        (study / "tracked" / "sent.json").unlink()
        self.followed(study)
        assert self.losses(study, run) == points(range(1, 6))
        assert self.outcome(study, run) == (pytest.approx(2.625), self.ends[0])

    def test_a_trainer_that_repeats_steps_doubles_none(self, study, run):
        assert self.followed(study)[1] == []
        run.truncate_metrics(3)  # killed, and gone on with from its checkpoint
        run.append_metrics([line(4)])
        assert self.followed(study)[1] == []
        run.append_metrics([line(step) for step in range(5, 9)])
        assert self.followed(study)[1] == []
        assert self.losses(study, run) == points(range(1, 9))

    def test_a_failed_run_is_shown_as_failed(self, study, run):
        run.write_result(result_of(run, status="failed", reason="diverged", steps=5, val_loss_nats=None))
        assert self.followed(study)[1] == []
        assert self.outcome(study, run)[1] == self.ends[1]

    def test_a_follower_that_is_killed_doubles_none(self, study, run):
        command = [sys.executable, "-m", "isoflop", "log", str(study), "--to", self.name, "--follow"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            wait_until(lambda: self.sent_something(study, run), process)
            process.send_signal(signal.SIGKILL)
        run.append_metrics([line(6)])
        assert self.followed(study)[1] == []
        assert self.losses(study, run) == points(range(1, 7))

    def sent_something(self, study, run):
        try:
            return self.losses(study, run) == points(range(1, 6))
        except Exception:  # a reader may meet a file that is being made
            return False

    def test_the_command_sends_and_says_where(self, study, run):
        run.write_result(result_of(run))
        command = [sys.executable, "-m", "isoflop", "log", str(study), "--to", self.name, "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (sent,) = json.loads(done.stdout)["sent"]
        assert (sent["tracker"], sent["runs"], sent["points"], sent["failed"]) == (self.name, 1, 6, False)
        assert str(study.resolve()) in sent["where"]
        assert done.stderr == ""
