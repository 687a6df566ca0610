"""Run folders of our own, held to what the room that writes them reads."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs
from isoflop.logs.final import final_row
from isoflop.runs.folder import RunFolder, run_folders

GOLDEN = Path(__file__).parents[2] / "golden" / "study-0.1.0.tar.xz"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    with tarfile.open(GOLDEN) as packed:
        packed.extractall(folder, filter="data")
    (found,) = [path.parent for path in folder.rglob("study.toml")]
    return found


def test_a_study_gives_each_run_as_its_folder_has_it(study):
    runs = {run.name: run for run in read_logs(study)}
    results = {folder.run_id: json.loads(folder.result.read_text()) for folder in run_folders(study / "runs")}
    assert results
    assert sorted(runs) == sorted(results)
    for name, result in results.items():
        row = final_row(runs[name])
        assert row.params == result["params"]["non_embedding"]
        assert row.tokens == result["tokens_seen"]
        assert row.flops == result["flops"]["matmul"]
        assert row.steps == result["steps"]
        assert row.losses.pop("validation") == result["val_loss_nats"]
        assert row.losses == {domain: facts["loss_nats"] for domain, facts in result["domains"].items()}
        assert (row.params_convention, row.flops_convention, row.ended) == ("non_embedding", "matmul", True)


def test_the_curve_is_that_of_the_metrics(study):
    folder = run_folders(study / "runs")[0]
    (run,) = read_logs(folder.path)
    lines = RunFolder(folder.path).read_metrics().lines
    logged = [(line["step"], line["train_loss_nats"]) for line in lines if line.get("train_loss_nats") is not None]
    assert list(zip(run.training.steps.tolist(), run.training.values.tolist(), strict=True)) == logged


@pytest.fixture
def run(study, tmp_path):
    source = run_folders(study / "runs")[0].path
    shutil.copytree(source, tmp_path / source.name)
    return tmp_path / source.name


def test_a_run_without_a_result_has_a_curve_and_no_end(run):
    (run / "result.json").unlink()
    (read,) = read_logs(run)
    assert read.ended is False
    assert read.evaluations == {}
    assert read.params is not None


def test_a_torn_line_of_the_metrics_is_left_out(run):
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 99999')
    (read,) = read_logs(run)
    assert "torn_line" in {notice.code for notice in read.notices}
    assert read.training.steps[-1] < 99999


def test_a_run_that_failed_says_why(run):
    result = json.loads((run / "result.json").read_text())
    (run / "result.json").write_text(json.dumps(result | {"status": "failed", "reason": "diverged"}))
    (read,) = read_logs(run)
    assert (read.ended, read.failure) == (False, "diverged")


def test_a_damaged_result_is_named(run):
    (run / "result.json").write_text("{")
    with pytest.raises(InputError, match=r"result\.json"):
        read_logs(run)


def test_a_link_inside_a_run_is_not_followed(run, tmp_path):
    (run / "metrics.jsonl").rename(tmp_path / "elsewhere.jsonl")
    (run / "metrics.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(InputError, match="link"):
        read_logs(run)
