"""Fits on the planner page: plans as make_plan has them up to the stated errors of tables, and a dropped fit.json."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isoflop.codec import to_json
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit import FitReport, Refused
from isoflop.plan import (
    FixedRatio,
    InferenceDemand,
    LawSource,
    LimitedData,
    Objectives,
    Plan,
    TrainingOnly,
    fitted_source,
    flops_for_loss,
    make_plan,
)
from isoflop.report.planner import PlannerData, planner_data, source_data
from isoflop.report.record import StudyRecord
from report.planner.in_browser import answers_of

FACTORS = {0.5: 0.9, 2.3: 0.5, 21.0: 0.9, 400.0: 0.8}
REFUSED = Refused(approach="parametric", code="not_identified", reason="for the test")


def bent(source: LawSource) -> LawSource:
    """`source` with the warning that its frontier bends, which refuses budgets far beyond its runs."""
    return replace(source, notices=(*source.notices, Notice(code="frontier_bends", message="it bends")))


@pytest.fixture(scope="module")
def sources(report: FitReport, few: FitReport, study: StudyRecord) -> dict[str, LawSource]:
    """Fits at 6 N, with an open size, at a measured cost of a token, by approach 2 alone, and of a bent frontier."""
    assert study.fit is not None
    assert not study.fit.cost.is_six_n
    frontier = replace(report, parametric=REFUSED, forecaster=None)
    fits = {"report": report, "few": few, "study": study.fit, "frontier": frontier}
    found = {name: fitted_source(fit) for name, fit in fits.items()}
    return found | {"bent": bent(found["few"])}


@pytest.fixture(scope="module")
def data(sources: dict[str, LawSource]) -> PlannerData:
    """What the page knows of them."""
    return replace(planner_data([]), sources=tuple(source_data(source, name) for name, source in sources.items()))


def asked(source: LawSource) -> list[tuple[float, dict[str, Any], Objectives, float]]:
    """(FLOPs, objective as the page has it and as Python, level) of every case of a source."""
    largest = source.law.provenance.domain["flops"][1]
    cases = []
    for factor, level in FACTORS.items():
        flops = factor * largest
        tokens = float(source.law.optimum(flops, source.cost)[1])
        served, text = InferenceDemand(tokens=3 * tokens), LimitedData(unique_tokens=tokens / 5)
        both = {"kind": "combined", "of": [served.as_json(), text.as_json()]}
        objectives: tuple[tuple[dict[str, Any], Objectives], ...] = (
            (both, (served, text)),
            ({"kind": "training_only"}, TrainingOnly()),
            ({"kind": "inference_demand", "inference_tokens": 3 * tokens}, InferenceDemand(tokens=3 * tokens)),
            ({"kind": "limited_data", "unique_tokens": tokens / 5}, LimitedData(unique_tokens=tokens / 5)),
            ({"kind": "fixed_ratio", "tokens_per_param": 40.0}, FixedRatio(tokens_per_param=40.0)),
        )
        cases += [(flops, spec, objective, level) for spec, objective in objectives]
    return cases


def planned(source: LawSource, flops: float, objective: Objectives, level: float) -> Plan | str:
    try:
        return make_plan(source, flops, objective=objective, level=level, recipe=None)
    except RefusedError as error:
        return error.code


def width_off(ours: list[float], theirs: tuple[float, float]) -> float:
    """Largest error of ln of an end, as a share of the interval's width, or of .25 where that is narrower.

    The ends are those of samples, which jump by a hundredth of N from one budget to the next however narrow they lie.
    """
    width = max(math.log(theirs[1] / theirs[0]), 0.25)
    return max(abs(math.log(mine / other)) for mine, other in zip(ours, theirs, strict=True)) / width


def compare(answer: dict[str, Any], plan: Plan, kind: str) -> None:
    """Asserts that an answer of the page is that of make_plan up to the tables."""
    assert [notice["code"] for notice in answer["warnings"]] == [notice.code for notice in plan.notices]
    assert answer["params"] == pytest.approx(plan.params, rel=1e-3)
    # a few thousandths of the size where the text's end decides, and the loss is flat
    assert answer["tokens"] == pytest.approx(plan.tokens, rel=3e-3)
    assert answer["extrapolation_factor"] == pytest.approx(plan.extrapolation_factor, rel=1e-12)
    assert answer["loss"] == (None if plan.loss is None else pytest.approx(plan.loss, rel=2e-4))
    if plan.loss_interval is None:
        assert answer["loss_interval"] is None
    else:
        assert answer["loss_interval"] == pytest.approx(list(plan.loss_interval), rel=5e-4)
    if plan.wasted_share is None:
        assert answer["wasted_share"] is None
    else:
        assert answer["wasted_share"] == pytest.approx(plan.wasted_share, abs=2e-3)
    if plan.params_interval is None:
        assert answer["params_interval"] is None
    elif kind == "training_only":
        assert plan.tokens_interval is not None
        assert width_off(answer["params_interval"], plan.params_interval) < 0.04
        assert width_off(answer["tokens_interval"], plan.tokens_interval) < 0.04
    if kind == "training_only" and plan.expected_waste is not None:
        # a mean of squares, which the tails decide: of 2,000 samples from one budget to the next
        assert answer["expected_waste"] == pytest.approx(plan.expected_waste, rel=0.1)


def test_plans_of_fits_are_those_of_make_plan(sources: dict[str, LawSource], data: PlannerData, tmp_path: Path) -> None:
    for one in data.sources:
        assert one.sizes is not None
        assert one.sizes.interpolation_error < 1e-3, one.name
        assert one.sizes.interval_error < 0.05, one.name
    cases = [(name, *case) for name, source in sources.items() for case in asked(source)]
    questions = [
        ["plan", {"law": name, "budget": {"kind": "flops", "value": flops}, "objective": spec, "level": level}]
        for name, flops, spec, _, level in cases
    ]
    answers, _ = answers_of(data, questions, tmp_path)
    refused = set()
    for (name, flops, spec, objective, level), answer in zip(cases, answers, strict=True):
        plan = planned(sources[name], flops, objective, level)
        if isinstance(plan, str):
            refused.add((name, plan))
            assert answer["refused"]["code"] == plan
        else:
            assert "refused" not in answer, (name, flops, spec, answer)
            compare(answer, plan, spec["kind"])
    assert refused == {("frontier", "no_loss"), ("bent", "frontier_bends")}


def test_the_fan_and_the_profile_of_a_fit_go_through_its_plan(
    sources: dict[str, LawSource], data: PlannerData, tmp_path: Path
) -> None:
    names, factors = ("report", "few", "study"), (1.5, 30.0)
    ends = {name: sources[name].law.provenance.domain["flops"][1] for name in names}
    plans = {name: [make_plan(sources[name], factor * ends[name], recipe=None) for factor in factors] for name in names}
    questions: list[list[Any]] = [["frontiers", [factor * end for factor in factors]] for end in ends.values()]
    for name, found in plans.items():
        for plan in found:
            inputs = {"law": name, "budget": {"kind": "flops", "value": plan.budget_flops}}
            questions.append(["profile", inputs, [plan.params / 3, plan.params]])
    answers, _ = answers_of(data, questions, tmp_path)
    for name, fans in zip(names, answers, strict=False):
        fan = next(law for law in fans if law["name"] == name)
        for place, plan in enumerate(plans[name]):
            assert plan.params_interval is not None
            assert fan["params"][place] == pytest.approx(plan.params, rel=1e-3)
            assert fan["loss"][place] == pytest.approx(plan.loss, rel=2e-4)
            assert width_off(fan["params_interval"][place], plan.params_interval) < 0.04
    for plan, profile in zip([plan for found in plans.values() for plan in found], answers[len(names) :], strict=True):
        assert profile["loss"][1] == pytest.approx(plan.loss, rel=2e-4)
        assert profile["loss"][0] > profile["loss"][1]
        assert profile["wasted_share"][1] == pytest.approx(0, abs=1e-5)
        assert 0.01 < profile["wasted_share"][0] < 0.9


def test_a_wanted_loss_takes_the_flops_that_python_says(
    sources: dict[str, LawSource], data: PlannerData, tmp_path: Path
) -> None:
    source = sources["report"]
    losses = [2.35, 2.6, 2.9]
    questions = [["budgetOf", {"law": "report", "budget": {"kind": "loss", "value": loss}}] for loss in losses]
    answers, _ = answers_of(data, questions, tmp_path)
    assert answers == pytest.approx([flops_for_loss(source, loss) for loss in losses], rel=1e-3)


def test_budgets_far_from_the_runs_are_refused(data: PlannerData, tmp_path: Path) -> None:
    budgets = [{"kind": "flops", "value": value} for value in (1e12, 1e26)]
    questions = [["plan", {"law": "report", "budget": budget}] for budget in budgets]
    questions.append(["frontiers", [1e12, 1e19]])
    *plans, fan = answers_of(data, questions, tmp_path)[0]
    assert ["to 1.00e23 FLOPs" in plan["refused"]["message"] or plan["refused"]["code"] for plan in plans] == [
        "input"
    ] * 2
    assert fan[0]["params"][0] is None
    assert fan[0]["params"][1] is not None


def test_one_approach_by_name_is_refused(report: FitReport) -> None:
    with pytest.raises(InputError, match="isoflop alone"):
        source_data(fitted_source(report, "isoflop"))


def test_a_dropped_fit_has_its_law_and_says_what_is_missing(
    report: FitReport, study: StudyRecord, refused: FitReport, tmp_path: Path
) -> None:
    assert study.fit is not None
    fits = {"six-n.json": report, "measured.json": study.fit, "frontier.json": replace(report, parametric=REFUSED)}
    budgets = [3e19, 1e21]
    questions: list[list[Any]] = [
        ["plan", {"law": name, "budget": {"kind": "flops", "value": flops}}] for name in fits for flops in budgets
    ]
    texts = {name: to_json(fit.as_json()) for name, fit in fits.items()}
    broken = [{}, [1], None, {"schema": 4, "parametric": {"status": "ok", "E": "1"}}, to_json(refused.as_json())]
    questions += [["sourceOfFit", value, "broken.json"] for value in broken]
    answers, _ = answers_of(planner_data([]), questions, tmp_path, texts)
    plans = iter(answers)
    for fit in fits.values():
        source = fitted_source(fit)
        for flops in budgets:
            answer = next(plans)
            alone = LawSource(law=source.law, cost=source.cost, notices=source.notices)
            expected = make_plan(alone, flops, recipe=None)
            assert answer["params"] == pytest.approx(expected.params, rel=1e-12)
            assert answer["loss"] == (None if expected.loss is None else pytest.approx(expected.loss, rel=1e-12))
            assert answer["params_interval"] is None
            assert [notice["code"] for notice in answer["warnings"]] == [notice.code for notice in expected.notices]
            missing = next(notice for notice in answer["warnings"] if notice["code"] == "no_draws")
            assert "isoflop planner --fit" in missing["message"]
    assert [answer["refused"]["code"] for answer in plans] == ["input"] * 4 + ["no_fit"]
