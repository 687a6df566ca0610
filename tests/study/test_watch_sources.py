"""Which run is meant, what it is held against, and whose forecast that is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from watch.drawn_runs import forecast_of, ladder, logged_run
from watch.written_logs import SIZE, TOKENS

from isoflop.errors import InputError
from isoflop.plan import seal
from isoflop.study.watch_sources import WatchRequest, picked_run, place_of, read_context


def study(folder: Path, run_id: str | None = "planned") -> Path:
    """A study's folder with a planned run, another one, and the sealed forecast of the planned one."""
    for name in ("planned", "other"):
        run = folder / "runs" / name
        run.mkdir(parents=True)
        (run / "spec.json").write_text(json.dumps({"architecture": {}, "batch_tokens": 1, "schedule": {}}))
        (run / "metrics.jsonl").write_text('{"step": 1, "tokens": 1, "train_loss_nats": 2.0}\n')
    (folder / "study.toml").write_text("")
    seal(folder / "forecasts" / "final.json", replace(forecast_of(SIZE, TOKENS), run_id=run_id))
    return folder


def test_a_study_means_its_planned_run_and_has_its_forecast(tmp_path: Path) -> None:
    folder = study(tmp_path / "mine")
    place = place_of(folder)
    assert place.log == folder / "runs" / "planned"
    context = read_context(WatchRequest(run=folder), place)
    assert context.sealed is not None
    assert {run.name for run in context.like} == {"planned", "other"}


def test_another_run_of_the_study_has_no_forecast(tmp_path: Path) -> None:
    folder = study(tmp_path / "mine")
    place = place_of(folder / "runs" / "other")
    assert place.study is not None
    assert read_context(WatchRequest(run=place.log), place).sealed is None


def test_the_forecast_of_another_run_is_refused(tmp_path: Path) -> None:
    folder = study(tmp_path / "mine")
    place = place_of(folder / "runs" / "other")
    request = WatchRequest(run=place.log, forecast=folder / "forecasts" / "final.json")
    with pytest.raises(InputError, match="sealed for the run planned, and this is other"):
        read_context(request, place)


def test_a_study_before_its_planned_run_says_so(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(InputError, match="has not begun"):
        place_of(tmp_path)
    folder = study(tmp_path / "mine", run_id=None)
    with pytest.raises(InputError, match="names no run"):
        place_of(folder)


def test_of_several_runs_the_one_that_has_not_ended_is_meant() -> None:
    big = logged_run("big", SIZE, TOKENS, until=0.4)
    chosen, others = picked_run([*ladder(), big], Path("chart.csv"), None)
    assert chosen is big
    assert len(others) == 3


def test_a_log_that_tells_no_end_shows_it_by_its_length() -> None:
    runs = [*ladder(), logged_run("big", SIZE, TOKENS, until=0.4)]
    untold = [replace(run, ended=None) for run in runs]
    assert picked_run(untold, Path("chart.csv"), None)[0].name == "big"


def test_which_run_is_meant_is_asked_with_the_names() -> None:
    with pytest.raises(InputError, match=r"--run: 1e\+06, 2e\+06, 4e\+06"):
        picked_run(ladder(), Path("chart.csv"), None)
    assert picked_run(ladder(), Path("chart.csv"), "2e+06")[0].name == "2e+06"
    with pytest.raises(InputError, match="did you mean"):
        picked_run(ladder(), Path("chart.csv"), "2e+07")
