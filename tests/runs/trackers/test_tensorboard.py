import pytest

from .contract import TrackerContract


class TestContract(TrackerContract):
    """Read back by TensorBoard's own reader."""

    name = "tensorboard"
    ends = ("", "")  # TensorBoard has no word for how a run ended

    def read(self, study, run):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        (folder,) = (study / "tracked" / "tensorboard").iterdir()
        assert run.run_id in folder.name
        found = EventAccumulator(str(folder))
        found.Reload()
        return found

    def losses(self, study, run):
        found = {}
        for event in self.read(study, run).Scalars("train_loss_nats"):
            found.setdefault(event.step, []).append(event.value)
        return found

    def outcome(self, study, run):
        found = self.read(study, run)
        if "val_loss_nats" not in found.Tags()["scalars"]:
            return None, ""
        (event,) = found.Scalars("val_loss_nats")
        return event.value, ""

    def test_the_time_of_a_point_is_that_of_its_training(self, study, run):
        self.followed(study)
        times = [event.wall_time for event in self.read(study, run).Scalars("lr")]
        assert times[3] - times[0] == pytest.approx(0.3, abs=1e-5)
        assert times[0] - run.attempts()[0].started == pytest.approx(0.1, abs=1e-5)
