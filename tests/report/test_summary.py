from __future__ import annotations

from dataclasses import replace

from isoflop.errors import Notice
from isoflop.report.formatting import percent, with_interval
from isoflop.report.record import StudyRecord
from isoflop.report.summary import study_summary
from isoflop.report.text import plain_text, study_text
from isoflop.units import format_quantity
from report.simulated_study import forecast_of


def left_open(study: StudyRecord) -> StudyRecord:
    """The study with a plan whose size its runs do not identify."""
    assert study.plan is not None
    assert study.plan.size is not None
    message = (
        "these runs leave the best size open between 133K and 833K: before the planned run, train five sizes or more "
        "from 41K to 656K at 1e13 FLOPs each"
    )
    size = replace(
        study.plan.size,
        interval=(133e3, 833e3),
        identified=False,
        warnings=(Notice(code="size_not_identified", message=message),),
    )
    return replace(study, plan=replace(study.plan, params=333e3, size=size))


def test_a_plan_that_loses_and_a_forecast_that_misses_are_named(study: StudyRecord) -> None:
    assert study.comparison is not None
    planned = replace(study.comparison.planned, run=replace(study.comparison.planned.run, loss=1.6))
    changed = replace(
        study,
        comparison=replace(study.comparison, planned=planned),
        forecast=forecast_of(planned.run, 1.0, 1.6),
    )
    text = " ".join(study_summary(changed).sentences)
    assert "loses to the model 4.0 times as large: 1.6000 against 1.5414 nats per token, a difference of" in text
    assert "OUTSIDE the interval" in text
    assert "error of −37.50 %" in text


def test_the_headline_has_size_tokens_loss_and_how_the_run_came_out(study: StudyRecord) -> None:
    assert study.forecast is not None
    assert study.forecast.score is not None
    assert study.plan is not None
    forecast, score = study.forecast.sealed.forecast, study.forecast.score
    first, second = study_summary(study).sentences[:2]
    low, high = forecast.interval or (0.0, 0.0)
    assert first == (
        f"With 4e13 FLOPs, train {format_quantity(forecast.params)} parameters on {format_quantity(forecast.tokens)} "
        f"tokens: the loss was forecast as {forecast.loss:.4f} ({low:.4f} to {high:.4f}, 90 % interval) nats per token "
        f"and came to {score.actual:.4f}, an error of {percent(score.error)}, inside the interval."
    )
    assert second.startswith(f"The best size is {with_interval(study.plan.params, study.plan.params_interval)} ")
    waiting = replace(study, forecast=replace(study.forecast, score=None))
    assert study_summary(waiting).sentences[0].endswith("nats per token; the run is not finished.")


def test_a_plan_has_one_loss(study: StudyRecord) -> None:
    """That of the sealed forecast, of the shape that is trained; the law's own size has another, which is not shown."""
    assert study.plan is not None
    assert study.plan.loss is not None
    summary = study_summary(study)
    shown = " ".join([*summary.sentences, *(fact.value for _, facts in summary.groups for fact in facts)])
    assert f"{study.plan.loss:.4f}" not in shown
    before = study_summary(replace(study, forecast=None, comparison=None))
    assert f"expected to be {study.plan.loss:.4f} (" in before.sentences[0]
    facts = {fact.label: fact.value for fact in dict(before.groups)["Plan"]}
    assert facts["Loss"].startswith(f"{study.plan.loss:.4f} (")


def test_no_sentence_of_the_summary_has_a_timing(study: StudyRecord) -> None:
    summary = study_summary(study)
    words = [*summary.sentences, *(row[0] for table in summary.tables for row in table.rows)]
    assert not any(word in text for text in words for word in ("second", "hour", "minute"))


def test_the_backtest_of_the_size_stands_after_that_of_the_loss(study: StudyRecord) -> None:
    sentences = study_summary(study).sentences
    place = next(i for i, sentence in enumerate(sentences) if sentence.startswith("The best size at 1e13 FLOPs"))
    assert sentences[place - 1].startswith("Fitted without the top budget")
    facts = [fact.label for fact in dict(study_summary(study).groups)["Forecast against outcome"]]
    assert facts == ["Forecast", "Outcome", "Sealed", "Backtest", "Outcome there", "Watched", "Best size"]
    alone = study_summary(replace(study, backtest=None, forecast=None)).sentences
    assert alone[2] == sentences[place], "without any forecast of a loss too"


def test_where_the_size_is_open_the_summary_begins_with_the_range(study: StudyRecord) -> None:
    unknown = left_open(study)
    first = study_summary(unknown).sentences[0]
    assert first.startswith(
        "Parameters for 4e13 FLOPs: between 133K and 833K, not identified by these runs. Before the planned run, train "
        "five sizes or more from 41K to 656K at 1e13 FLOPs each. What is planned is the mixed estimate, 333K"
    )
    facts = {fact.label: fact.value for fact in dict(study_summary(unknown).groups)["Plan"]}
    assert facts["Parameters"] == "between 133K and 833K, not identified by these runs"
    assert facts["Run next"].startswith("Before the planned run, train five sizes")
    assert facts["Planned"] == "333K"
    for width in (60, 80):
        text = plain_text(study_text(unknown), width)
        assert max(map(len, text.splitlines())) <= width
        assert text.startswith("Parameters for 4e13 FLOPs: between 133K and 833K, not")
        assert first in " ".join(text.split()), "no word is broken"


def test_a_plan_made_before_sizes_were_forecast_still_has_its_summary(study: StudyRecord) -> None:
    assert study.plan is not None
    assert study.fit is not None
    old = replace(study, plan=replace(study.plan, size=None), fit=replace(study.fit, size_backtest=None))
    assert study_summary(old).sentences[:2] == study_summary(study).sentences[:2]
    assert len(study_summary(old).sentences) == len(study_summary(study).sentences) - 1
    assert "Best size by each estimator alone" not in dict(study_summary(old).groups)
