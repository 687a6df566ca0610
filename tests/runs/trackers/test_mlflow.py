import pytest

from .contract import TrackerContract


class TestContract(TrackerContract):
    """Read back by MLflow's own client, from a folder."""

    name = "mlflow"
    ends = ("FINISHED", "FAILED")

    def client(self, study):
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=(study / "tracked" / "mlflow").resolve().as_uri())

    def found(self, study, run):
        client = self.client(study)
        experiment = client.get_experiment_by_name("study")
        (found,) = client.search_runs([experiment.experiment_id], f"tags.`isoflop.run_id` = '{run.run_id}'")
        return found

    def losses(self, study, run):
        found = {}
        for point in self.client(study).get_metric_history(self.found(study, run).info.run_id, "train_loss_nats"):
            found.setdefault(point.step, []).append(point.value)
        return found

    def outcome(self, study, run):
        shown = self.found(study, run)
        values = self.client(study).get_metric_history(shown.info.run_id, "val_loss_nats")
        assert len(values) <= 1
        return values[0].value if values else None, shown.info.status

    def test_the_spec_is_there_as_parameters(self, study, run):
        self.followed(study)
        params = self.found(study, run).data.params
        assert (params["architecture.d_model"], params["peak_lr"], params["schedule.kind"]) == ("16", "0.005", "cosine")

    def test_an_interrupted_run_is_called_so_until_it_goes_on(self, study, run):
        self.followed(study)
        assert self.found(study, run).info.status == "KILLED"
        follower = self.follower(study)
        follower.look()
        assert self.found(study, run).info.status == "RUNNING"
        follower.close()

    def test_a_server_that_is_not_there_is_one_warning(self, study, run, monkeypatch):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # the discard port: nobody listens
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        said = []
        follower = self.follower(study, said)
        follower.look()
        run.append_metrics([])
        follower.look()
        follower.close()
        assert len(said) == 1
        assert said[0].startswith("mlflow: ")
        assert follower.failed == {"mlflow"}

    @pytest.fixture(autouse=True)
    def _folder_store(self, monkeypatch):
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
