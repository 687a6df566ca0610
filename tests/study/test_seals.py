"""A finished study in which something was changed: what is refused, and what is said."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isoflop.digest import write_with_digest
from isoflop.errors import InputError
from isoflop.plan import Forecast, load_forecast, score_path, seal
from isoflop.report.html import page_html
from isoflop.report.pages import study_page
from isoflop.runs.attempts import named_forecast
from isoflop.runs.folder import RunFolder
from isoflop.study import StudyFolder, status_of, study_record
from isoflop.study.seals import DOUBTS, forecast_run, name_forecast, read_seals
from isoflop.sweep import Design
from study.tiny import call, refused


@pytest.fixture
def folder(finished_study, tmp_path) -> StudyFolder:
    """A copy of a finished study."""
    return StudyFolder(finished_study.copy(tmp_path / "study"))


def rewrite(path: Path, change: Callable[[Any], object]) -> None:
    """The JSON file with `change` made to it, without the digest being made anew."""
    value = json.loads(path.read_text())
    change(value)
    path.chmod(0o644)
    path.write_text(json.dumps(value))


def doubts(folder: StudyFolder) -> set[str]:
    return {notice["code"] for notice in status_of(folder)["notices"]} & set(DOUBTS)


def test_a_study_that_was_left_alone(folder):
    seals = read_seals(folder)
    assert (seals.order.order, seals.order.evidence, seals.notices) == (
        "before", "the first start of the run names it", (),
    )  # fmt: skip
    assert doubts(folder) == set()
    status = status_of(folder)["forecast"]
    assert status["sealed_before_run"] is True
    answer = json.loads(call("score", folder.path, "--json").stdout)
    assert (answer["sealed_before_run"], answer["warnings"]) == (True, [])
    assert answer["observations_digest"] == status["observations_digest"] != answer["forecast_digest"]
    shown = " ".join(call("score", folder.path).stdout.split())
    assert f"before the run, from data with digest {answer['observations_digest'][:12]}" in shown
    page = page_html(study_page(study_record(folder)))
    assert f"from data with digest {answer['observations_digest'][:12]}" in page


def test_a_forecast_that_was_sealed_after_the_run_counts_as_none(folder):
    forecast = load_forecast(folder.forecast).forecast
    for path in (folder.forecast, score_path(folder.forecast)):
        path.unlink()
    seal(folder.forecast, forecast)
    late = "sealed after the run began: not a forecast"
    result = call("score", folder.path)
    assert late in " ".join(result.stdout.split())
    assert late in result.stderr
    answer = json.loads(call("score", folder.path, "--json").stdout)
    assert (answer["sealed_before_run"], answer["seal_order"]["order"]) == (False, "after")
    assert [warning["code"] for warning in answer["warnings"]] == ["sealed_after_start"]
    assert doubts(folder) == {"sealed_after_start"}
    status = call("status", folder.path)
    assert late in " ".join(status.stdout.split())
    assert late in status.stderr
    assert status_of(folder)["forecast"]["sealed_before_run"] is False
    page = page_html(study_page(study_record(folder)))
    assert late in page
    assert "before the runs, and what came" not in page


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("fit", lambda value: value["settings"].update(seed=7)),
        ("plan", lambda value: value.update(tokens=1.0)),
        ("final_design", lambda value: value["runs"].reverse()),
        ("sweep", lambda value: value["runs"].pop()),
        ("backtest", lambda value: value.update(error=0.0)),
        ("serving", lambda value: value.update(other={})),
        ("forecast", lambda value: value["forecast"].update(loss=1.0)),
    ],
)
def test_a_file_that_was_changed_is_refused_at_every_read(folder, name, change):
    path = getattr(folder, name)
    rewrite(path, change)
    for verb in ("status", "report"):
        assert f"{path}: changed after it was" in refused(verb, folder.path)
    if name == "fit":
        for options in (("plan", "--flops", "1e10"), ("predict", "--params", "1K", "--tokens", "1M")):
            assert "changed after it was written" in refused(options[0], "--fit", folder.path, *options[1:])
    if name in ("forecast", "final_design"):
        assert "changed after it was" in refused("score", folder.path)


def test_a_fit_that_was_changed_with_its_digest_is_not_the_one_that_was_sealed(folder):
    value = json.loads(folder.fit.read_text())
    write_with_digest(folder.fit, value | {"settings": value["settings"] | {"seed": 7}})
    assert doubts(folder) == {"sealed_from_other_fit"}


def test_resamples_that_were_exchanged_are_refused(folder):
    draws = folder.fit.with_suffix(".npz")
    with np.load(draws) as arrays:
        changed = {name: arrays[name] * (1.001 if arrays[name].dtype.kind == "f" else 1) for name in arrays.files}
    np.savez_compressed(draws, **changed)
    assert "not the resamples that sweep.json was written with" in refused("status", folder.path)


def test_a_score_of_another_loss_than_the_runs_is_refused(folder):
    run = folder.runs / Design.load(folder.final_design).specs[0].run_id / "result.json"
    rewrite(run, lambda value: value.update(val_loss_nats=value["val_loss_nats"] - 0.1))
    assert "scored a loss of" in refused("status", folder.path)


def test_a_planned_run_that_is_not_the_forecasts_is_refused(folder):
    design = Design.load(folder.final_design)
    Design(runs=design.runs[::-1]).save(folder.final_design)
    for verb in ("status", "score", "run"):
        assert "and the sealed forecast is of" in refused(verb, folder.path)


def test_runs_and_table_that_are_not_those_of_the_fit_are_told_of(folder):
    text = folder.observations.read_text()
    header, first, *others = text.splitlines(keepends=True)
    cells = first.split(",")
    place = header.strip().split(",").index("loss")
    cells[place] = repr(float(cells[place]) - 0.1)
    folder.observations.write_text(header + ",".join(cells) + "".join(others))
    assert doubts(folder) == {"fits_of_other_runs"}
    assert "is not the table of the runs as they are now" in call("score", folder.path).stderr
    folder.observations.write_text(text)
    run = folder.runs / Design.load(folder.sweep).specs[0].run_id / "result.json"
    rewrite(run, lambda value: value.update(val_loss_nats=value["val_loss_nats"] - 0.1))
    assert doubts(folder) == {"fits_of_other_runs", "sealed_from_other_runs"}


def test_studies_of_earlier_versions_are_read(folder):
    """Files without digests, designs without settings, starts without a forecast."""
    for path in (folder.fit, folder.plan, folder.final_design, folder.sweep, folder.backtest, folder.serving):
        rewrite(path, lambda value: [value.pop(name, None) for name in ("digest", "asked", "draws_sha256")])
    for run in folder.runs.iterdir():
        starts = run / "attempts.jsonl"
        lines = [json.loads(line) for line in starts.read_text().splitlines()]
        for line in lines:
            line.pop("forecast")
        starts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    order = study_record(folder).forecast.order
    assert (order.before, order.evidence) == (True, "by the times of seal and first start")


def test_a_run_that_is_trained_anew_names_the_forecast_from_its_first_start(folder):
    planned = Design.load(folder.final_design).specs[0].run_id
    shutil.rmtree(folder.runs / planned)
    name_forecast(folder)
    assert named_forecast(RunFolder(folder.runs / planned).forecast) == load_forecast(folder.forecast).digest
    shutil.rmtree(folder.runs / planned)
    folder.final_design.unlink()
    name_forecast(folder)
    assert not (folder.runs / planned).exists(), "nobody knows its spec"


def test_without_a_forecast_there_is_nothing_to_read(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_seals(StudyFolder(tmp_path))


@pytest.mark.parametrize("name", ["../../elsewhere", "/etc", "..", ""])
def test_a_forecast_does_not_lead_out_of_its_folder(tmp_path, name):
    folder = StudyFolder(tmp_path / "study")
    forecast = Forecast(
        params=1e6, tokens=2e7, flops=1.2e14, loss=2.0, interval=None, level=None, law="fit", observations_digest=None,
        params_convention="total", flops_convention="six_n", loss_unit="nats_per_token", run_id=name,
    )  # fmt: skip
    sealed = seal(folder.forecast, forecast)
    with pytest.raises(InputError, match="run_id: expected the name of a run"):
        forecast_run(folder, sealed)
