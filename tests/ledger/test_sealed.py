"""Forecasts that isoflop sealed: what counts, and why others do not."""

import json
import os
import shutil
import time

import pytest
from plan.forecasts import forecast
from runs.conftest import result_of, small_spec

from isoflop.digest import digest_of_json
from isoflop.ledger.sealed import sealed_entry
from isoflop.plan import score, score_path, seal
from isoflop.runs.folder import RunFolder

FINAL = "forecasts/final.json"


def of(study):
    return sealed_entry(study / FINAL, "a study")


def changed(path, **values):
    """Writes other values into the JSON object at `path`."""
    value = json.loads(path.read_text())
    path.chmod(0o644)
    path.write_text(json.dumps(value | values))


def test_a_finished_study_counts(study):
    found, stored = of(study), json.loads((study / FINAL).read_text())
    assert (found.why_not, found.predicted) == ("", stored["forecast"]["loss"])
    assert found.actual == json.loads((study / "forecasts/final.score.json").read_text())["actual"]
    assert found.study == stored["forecast"]["observations_digest"]
    assert found.factor == pytest.approx(4, rel=0.01)


def test_data_that_changed_do_not_count(study):
    result = next((study / "runs").glob("*/result.json"))
    names = {line.split(",")[0] for line in (study / "fits/observations.csv").read_text().splitlines()[1:]}
    result = next(study / "runs" / name / "result.json" for name in sorted(names))
    value = json.loads(result.read_text())
    loss = value["val_loss_nats"] * 1.001
    domains = {name: one | {"loss_nats": one["loss_nats"] * 1.001} for name, one in value["domains"].items()}
    result.write_text(json.dumps(value | {"val_loss_nats": loss, "domains": domains}))
    assert "its data changed" in of(study).why_not


def test_data_are_read_from_the_table_where_the_runs_are_gone(study):
    shutil.rmtree(study / "runs")
    found = of(study)
    assert (found.why_not, found.evidence, found.stated_only) == ("", "by the times in its files", True)
    table = study / "fits" / "observations.csv"
    first, row, *others = table.read_text().splitlines()
    table.write_text("\n".join([first, *others]) + "\n")
    assert "its data changed" in of(study).why_not
    del row


def test_a_forecast_that_was_changed_is_listed_and_does_not_count(study):
    value = json.loads((study / FINAL).read_text())
    changed(study / FINAL, forecast=value["forecast"] | {"loss": 0.99})
    found = of(study)
    assert "changed after it was sealed" in found.why_not
    assert (found.predicted, found.actual) == (0.99, None)


@pytest.fixture
def begun(tmp_path):
    """(its study's folder, a run) that is forecast and may begin."""
    run = RunFolder.create(tmp_path / "mine" / "runs", small_spec())
    return tmp_path / "mine", run


def test_a_forecast_that_was_sealed_before_its_run(begun):
    study, run = begun
    sealed = seal(study / FINAL, forecast(run_id=run.run_id))
    run.name_forecast(sealed.digest)
    run.record_attempt(0)
    assert of(study).why_not == "no outcome yet"
    run.write_result(result_of(run))
    score(study / FINAL, run.read_result().val_loss_nats, run_id=run.run_id)
    found = of(study)
    assert (found.why_not, found.stated_only, found.evidence) == ("", False, "the first start of the run names it")


def test_a_forecast_that_was_sealed_after_its_run_began(begun):
    study, run = begun
    run.record_attempt(0)
    seal(study / FINAL, forecast(run_id=run.run_id))
    run.write_result(result_of(run))
    score(study / FINAL, run.read_result().val_loss_nats, run_id=run.run_id)
    found = of(study)
    assert found.why_not.startswith("sealed after its run began")
    assert found.actual == run.read_result().val_loss_nats


def test_a_score_of_another_loss_than_the_runs(begun):
    study, run = begun
    sealed = seal(study / FINAL, forecast(run_id=run.run_id))
    run.name_forecast(sealed.digest)
    run.record_attempt(0)
    run.write_result(result_of(run))
    score(study / FINAL, run.read_result().val_loss_nats + 0.1, run_id=run.run_id)
    assert "and its run has another" in of(study).why_not


def test_a_score_without_a_start_does_not_count(begun):
    study, run = begun
    seal(study / FINAL, forecast(run_id=run.run_id))
    score(study / FINAL, 1.5, run_id=run.run_id)
    assert of(study).why_not == "it has a score, and its run has not begun"


def test_a_forecast_in_a_file_of_its_own_counts_by_its_times(tmp_path):
    path = tmp_path / "big.json"
    seal(path, forecast(run_id=None))
    score(path, 1.52)
    found = sealed_entry(path, "big")
    assert (found.why_not, found.stated_only, found.factor) == ("", True, None)


def test_an_outcome_that_is_older_than_its_forecast(tmp_path):
    path = tmp_path / "big.json"
    seal(path, forecast(run_id=None))
    score(path, 1.52)
    changed(score_path(path), scored=time.time() - 1e6)
    assert "older than the forecast" in sealed_entry(path, "big").why_not


def test_a_damaged_score_is_told(tmp_path):
    path = tmp_path / "big.json"
    seal(path, forecast(run_id=None))
    score_path(path).write_text("{")
    assert "not JSON" in sealed_entry(path, "big").why_not


@pytest.mark.parametrize("name", ["../../etc", "..", ".", "a/b", "/etc"])
def test_a_run_is_never_looked_for_outside_of_its_study(tmp_path, name):
    body = {"schema": 1, "sealed": 1.0, "isoflop_version": "0", "forecast": vars(forecast(run_id=name))}
    path = tmp_path / "mine" / FINAL
    path.parent.mkdir(parents=True)
    (tmp_path / "mine" / "runs" / "a" / "b").mkdir(parents=True)
    path.write_text(json.dumps({**body, "digest": digest_of_json(json.loads(json.dumps(body)))}))
    assert of(tmp_path / "mine").evidence == "by the times in its files"


def test_a_link_in_the_run_is_told_and_not_followed(begun, tmp_path):
    study, run = begun
    seal(study / FINAL, forecast(run_id=run.run_id))
    os.symlink(tmp_path / "elsewhere", run.path / "attempts.jsonl")
    assert "follows none" in of(study).why_not
