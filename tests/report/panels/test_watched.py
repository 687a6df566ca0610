"""The panel of the planned run under way: its band, each verdict where it was given, its end as it was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.watched import watch_fact, watched_panel
from isoflop.report.panels.watched_values import WatchedRun, watched_run
from isoflop.report.record import StudyRecord, WatchRecord


def known(study: StudyRecord) -> WatchedRun:
    values = watched_run(study)
    assert not isinstance(values, Absent)
    return values


def seen(study: StudyRecord) -> WatchRecord:
    assert study.watch is not None
    return study.watch


def until(study: StudyRecord, share: float) -> StudyRecord:
    """The study as it was when the run had done `share`."""
    watch = seen(study)
    book = replace(watch.logbook, looks=tuple(look for look in watch.logbook.looks if look.as_of <= share))
    count = sum(at <= share * watch.total_tokens for at in watch.tokens)
    cut = replace(watch, logbook=book, tokens=watch.tokens[:count], loss=watch.loss[:count])
    return replace(study, watch=cut)


def test_each_verdict_stands_where_it_was_first_given_and_on_the_run(study: StudyRecord) -> None:
    values = known(study)
    assert [(place.share, place.words, place.off_course) for place in values.verdicts] == [
        (0.1, "on course", False), (0.42, "above its band", True), (0.52, "on course", False),
    ]  # fmt: skip
    for place in values.verdicts:
        assert place.loss == pytest.approx(float(np.interp(place.share, values.shares, values.loss)))


def test_the_run_is_averaged_as_its_band_is(study: StudyRecord) -> None:
    values, watch = known(study), seen(study)
    shares = np.array(watch.tokens) / watch.total_tokens
    at = int(np.searchsorted(shares, 0.7))
    window = (shares > 0.9 * shares[at]) & (shares <= shares[at])
    drawn = values.loss[int(np.searchsorted(values.shares, shares[at]))]
    assert drawn == pytest.approx(float(np.exp(np.log(np.array(watch.loss))[window].mean())))
    assert len(values.shares) == len(values.loss) == len(values.logged)
    assert min(values.shares) > 0.05


def test_the_sealed_band_is_drawn_and_else_that_of_the_looks(study: StudyRecord) -> None:
    forecast = study.forecast
    assert forecast is not None
    course = forecast.sealed.forecast.course
    assert course is not None
    values = known(study)
    assert values.sealed
    assert [place.share for place in values.band] == list(course.shares)
    assert (values.band[-1].low, values.band[-1].high) == (course.low[-1], course.high[-1])
    old = replace(forecast, sealed=replace(forecast.sealed, forecast=replace(forecast.sealed.forecast, course=None)))
    older = known(replace(study, forecast=old))
    assert not older.sealed
    assert [place.share for place in older.band] == [look.share for look in seen(study).logbook.looks if look.expected]
    panel = watched_panel(replace(study, forecast=old))
    assert isinstance(panel, Panel)
    assert "made from the forecast while it was watched" in panel.caption


def test_methods_are_drawn_where_there_are_several(study: StudyRecord) -> None:
    values = known(study)
    assert [name for name, _ in values.methods] == ["ratio", "annealing"]
    assert len(values.together) == len(seen(study).logbook.looks) - 1, "the first look says nothing yet"
    panel = watched_panel(study)
    assert isinstance(panel, Panel)
    assert [drawing.name for drawing in panel.drawings] == ["watch-course", "watch-final"]
    labels = [entry.label for entry in panel.drawings[1].legend]
    assert labels == ["sealed forecast", "ratio", "annealing law", "all methods together, 90 % interval", "outcome"]


def test_the_lead_says_when_it_was_off_course(study: StudyRecord) -> None:
    panel = watched_panel(study)
    assert isinstance(panel, Panel)
    assert panel.lead == "First off course at 42 % of its tokens: above its band. Since 52 %: on course."
    assert [row[2] for row in panel.tables[0].rows] == ["on course", "above its band", "on course"]
    calm = watched_panel(until(study, 0.3))
    assert isinstance(calm, Panel)
    assert calm.lead == "On course; no look found it off course."
    off = watched_panel(until(study, 0.46))
    assert isinstance(off, Panel)
    assert off.lead == "First off course at 42 % of its tokens: above its band."
    early = watched_panel(until(study, 0.05))
    assert isinstance(early, Panel)
    assert early.lead == "It is too early to tell whether it is on course."
    assert [drawing.name for drawing in early.drawings] == ["watch-course"]


def test_the_summary_has_the_last_word_and_the_worst(study: StudyRecord) -> None:
    fact = watch_fact(seen(study))
    assert (fact.label, fact.value) == ("Watched", "on course")
    assert fact.note == "at 100 % of its tokens; above its band from 42 % on for a time"
    now = watch_fact(seen(until(study, 0.46)))
    assert now.value == "above its band"
    assert now.note.startswith("at 46 % of its tokens; will end at ")


def test_without_a_look_a_sentence_stands_there(study: StudyRecord) -> None:
    assert isinstance(watched_panel(replace(study, watch=None)), Absent)
