from __future__ import annotations

from dataclasses import replace

from isoflop.errors import Notice
from isoflop.report.record import StudyRecord
from isoflop.report.summary import study_summary
from isoflop.report.text import plain_text, study_text
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
    planned = replace(study.comparison.planned, run=replace(study.comparison.planned.run, bits_per_byte=2.5))
    changed = replace(
        study,
        comparison=replace(study.comparison, planned=planned),
        forecast=forecast_of(planned.run, 1.0, 1.6),
    )
    text = " ".join(study_summary(changed).sentences)
    assert "loses to the model 4.0 times as large" in text
    assert "OUTSIDE the interval" in text
    assert "error of −37.50 %" in text


def test_the_backtest_of_the_size_stands_after_that_of_the_loss(study: StudyRecord) -> None:
    sentences = study_summary(study).sentences
    place = next(i for i, sentence in enumerate(sentences) if sentence.startswith("The best size at 1e13 FLOPs"))
    assert sentences[place - 1].startswith("Fitted without the top budget")
    facts = [fact.label for fact in dict(study_summary(study).groups)["Forecast against outcome"]]
    assert facts == ["Forecast", "Outcome", "Sealed", "Backtest", "Outcome there", "Best size"]
    alone = study_summary(replace(study, backtest=None, forecast=None)).sentences
    assert alone[1] == sentences[place], "without any forecast of a loss too"


def test_where_the_size_is_open_the_summary_begins_with_the_range(study: StudyRecord) -> None:
    unknown = left_open(study)
    first = study_summary(unknown).sentences[0]
    assert first.startswith(
        "Parameters for 4e13 FLOPs: between 133K and 833K, not identified by these runs. Before the planned run, train "
        "five sizes or more from 41K to 656K at 1e13 FLOPs each. What is planned is the middle of that range, 333K"
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
    assert study_summary(old).sentences[0] == study_summary(study).sentences[0]
    assert len(study_summary(old).sentences) == len(study_summary(study).sentences) - 1
    assert "Best size by each estimator alone" not in dict(study_summary(old).groups)
