"""The planned run is watched: looks at stated shares, the same however often it was killed, and never in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from isoflop.errors import Notice
from isoflop.plan import load_forecast
from isoflop.runs.folder import Heartbeat, RunFolder
from isoflop.runs.run_event import RunEvent
from isoflop.spec import RunSpec
from isoflop.study.folder import StudyFolder
from isoflop.study.listener import Listener
from isoflop.study.sealed_course import finished_runs, with_course
from isoflop.study.settings import read_settings
from isoflop.study.training_stages import Study
from isoflop.study.watching import Watcher, planned_watched
from isoflop.sweep import Design
from isoflop.watch.logbook import SHARES, Look, logbook_path, read_logbook


class Heard(Listener):
    """What a study told."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.notices: list[Notice] = []

    def watched(self, spec: RunSpec, look: Look) -> None:
        self.looks.append(look)

    def notice(self, notice: Notice) -> None:
        self.notices.append(notice)


@pytest.fixture
def study(old_study: Path) -> Study:
    folder = StudyFolder(old_study)
    return Study(folder=folder, settings=read_settings(folder), listener=Heard())


@pytest.fixture
def planned(study: Study) -> RunFolder:
    """Its planned run as it was while it trained: no result yet."""
    run = RunFolder(study.folder.runs / Design.load(study.folder.final_design).specs[0].run_id)
    run.result.unlink()
    return run


def watcher(study: Study, path: Path | None = None) -> Watcher:
    spec = Design.load(study.folder.final_design).specs[0]
    sealed = load_forecast(study.folder.forecast)
    like = finished_runs(study.folder)
    return Watcher(
        path=path or logbook_path(study.folder.forecast),
        run=RunFolder(study.folder.runs / spec.run_id),
        spec=spec,
        sealed=replace(sealed, forecast=with_course(sealed.forecast, spec, like)),
        like=like,
        shares=SHARES[::6],
    )


def cut(run: RunFolder, lines: list[str], share: float) -> None:
    """The log of the run as it was after `share` of its lines."""
    run.metrics.write_text("".join(lines[: round(share * len(lines))]))


def without_time(looks: tuple[Look, ...]) -> list[Look]:
    return [replace(look, looked=0.0) for look in looks]


def test_the_band_is_sealed_for_every_share_from_finished_runs_alone(study: Study) -> None:
    spec = Design.load(study.folder.final_design).specs[0]
    forecast = load_forecast(study.folder.forecast).forecast
    course = with_course(forecast, spec, finished_runs(study.folder)).course
    assert course is not None
    assert course.shares[-1] == 1.0
    assert course.level == forecast.level
    assert set(course.made_from) <= {path.name for path in finished_runs(study.folder)}
    assert spec.run_id not in course.made_from
    assert all(low < loss < high for low, loss, high in zip(course.low, course.loss, course.high, strict=True))
    half = [high / loss - 1 for high, loss in zip(course.high, course.loss, strict=True)]
    assert forecast.interval is not None
    assert min(half) > 0.99 * (forecast.interval[1] / forecast.interval[0] - 1) / 2, "never narrower than the forecast"


def test_without_finished_runs_the_forecast_stays_what_it_was(study: Study) -> None:
    spec = Design.load(study.folder.final_design).specs[0]
    forecast = load_forecast(study.folder.forecast).forecast
    assert with_course(forecast, spec, []) is forecast


def test_looks_are_the_same_however_often_the_driver_was_killed(
    study: Study, planned: RunFolder, tmp_path: Path
) -> None:
    lines = planned.metrics.read_text().splitlines(keepends=True)
    at_once = watcher(study, tmp_path / "at_once.json")
    at_once.look()
    for share in (0.15, 0.33, 0.6, 0.45, 1.0):  # a trainer that was killed takes its log back to a checkpoint
        cut(planned, lines, share)
        watcher(study).look()
    kept, whole = read_logbook(logbook_path(study.folder.forecast)), read_logbook(tmp_path / "at_once.json")
    assert kept is not None
    assert whole is not None
    assert [look.as_of for look in whole.looks] == list(SHARES[::6])
    assert without_time(kept.looks) == without_time(whole.looks)


def test_a_look_is_due_at_its_share_and_not_twice(study: Study, planned: RunFolder) -> None:
    lines = planned.metrics.read_text().splitlines(keepends=True)
    cut(planned, lines, 0.3)
    watching = watcher(study)
    tokens = watching.spec.tokens
    assert not watching.is_due(0.01 * tokens)
    assert watching.is_due(0.3 * tokens)
    watching.look()
    assert not watching.is_due(0.3 * tokens)
    assert watching.look() == []
    assert watching.is_due(0.5 * tokens)


def test_a_forecast_of_other_numbers_begins_the_looks_anew(study: Study, planned: RunFolder) -> None:
    first = watcher(study)
    first.look()
    assert first.sealed is not None
    other = watcher(study)
    other.sealed = replace(first.sealed, digest="ef" * 32)
    other.__post_init__()
    assert other.logbook.looks == ()


def test_a_run_three_tenths_too_high_is_named_and_told(study: Study, planned: RunFolder) -> None:
    lines = []
    for text in planned.metrics.read_text().splitlines():
        line = json.loads(text)
        lines.append(json.dumps(line | {"train_loss_nats": 1.3 * line["train_loss_nats"]}) + "\n")
    planned.metrics.write_text("".join(lines))
    with planned_watched(study) as observed:
        tokens = round(0.5 * planned.read_spec().tokens)
        beat = Heartbeat(time=0.0, pid=1, host="", step=1, tokens=tokens, train_loss_nats=2.0)
        observed.listener.run(RunEvent(kind="progress", folder=planned, heartbeat=beat))
    heard = study.listener
    assert isinstance(heard, Heard)
    assert "above" in [look.verdict for look in heard.looks]
    assert heard.notices == []
    kept = read_logbook(logbook_path(study.folder.forecast))
    assert kept is not None
    assert list(kept.changes) == heard.looks


def test_what_goes_wrong_in_watching_is_told_once_and_stops_nothing(study: Study, planned: RunFolder) -> None:
    planned.metrics.unlink()
    planned.metrics.mkdir()  # cannot be read
    beat = Heartbeat(time=0.0, pid=1, host="", step=1, tokens=10**12, train_loss_nats=2.0)
    with planned_watched(study) as observed:
        for _ in range(3):
            observed.listener.run(RunEvent(kind="progress", folder=planned, heartbeat=beat))
    heard = study.listener
    assert isinstance(heard, Heard)
    assert [notice.code for notice in heard.notices] == ["not_watched"]


def test_a_study_without_a_plan_is_not_watched(study: Study) -> None:
    study.folder.final_design.unlink()
    with planned_watched(study) as observed:
        assert observed is study
