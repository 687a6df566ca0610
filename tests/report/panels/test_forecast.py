from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.plan.order_of_seal import Order
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.forecast import ForecastOutcome, SealedLoss, forecast_outcome, forecast_panel
from isoflop.report.record import StudyRecord
from isoflop.report.summary import study_summary
from report.simulated_study import forecast_of


def with_forecast(study: StudyRecord, loss: float, actual: float | None, **seal: object) -> StudyRecord:
    planned = next(run for run in study.runs if "planned" in run.purposes)
    return replace(study, forecast=forecast_of(planned, loss, actual, **seal))


def known(study: StudyRecord) -> tuple[ForecastOutcome, SealedLoss]:
    values = forecast_outcome(study)
    assert not isinstance(values, Absent)
    assert values.sealed is not None
    return values, values.sealed


def test_a_forecast_is_scored_and_judged(study: StudyRecord) -> None:
    values, sealed = known(with_forecast(study, 1.5, 1.6))
    assert sealed.loss.error == pytest.approx(1.5 / 1.6 - 1)
    assert sealed.loss.inside is False
    assert values.held_out is not None
    assert len(values.held_out.runs) == 7
    assert [one.params for one in values.held_out.runs] == sorted(one.params or 0 for one in values.held_out.runs)
    assert sealed.sealed == "2025-06-01 11:40 UTC"
    assert sealed.seal_words == f"before the run, from data with digest {'cd' * 6}; digest of the forecast {'ab' * 6}"
    _, unfinished = known(with_forecast(study, 1.5, None))
    assert unfinished.loss.error is None
    assert unfinished.loss.inside is None


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("after", "sealed after the run began: not a forecast"),
        ("unknown", "whether before the run is not known"),
    ],
)
def test_a_seal_that_did_not_come_first_is_called_none(study: StudyRecord, order: Order, words: str) -> None:
    late = with_forecast(study, 1.5, 1.6, order=order)
    summary = study_summary(late)
    notes = [fact.note for _, facts in summary.groups for fact in facts if fact.label == "Sealed"]
    assert len(notes) == 1
    assert notes[0].startswith(words)
    assert ("not a forecast" in " ".join(summary.sentences)) == (order == "after")
    panel = forecast_panel(late)
    assert isinstance(panel, Panel)
    assert words in panel.caption
    assert "before the runs" not in panel.lead


def test_without_a_forecast_the_backtest_stands_alone(study: StudyRecord) -> None:
    panel = forecast_panel(replace(study, forecast=None))
    assert isinstance(panel, Panel)
    assert [drawing.name for drawing in panel.drawings] == ["forecast", "backtest"]
    assert panel.lead.startswith("What was predicted, and what came.")
    assert isinstance(forecast_panel(replace(study, forecast=None, backtest=None)), Absent)
