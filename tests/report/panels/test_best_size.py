"""The forecast of the best size in words, and what its band is made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import Notice
from isoflop.fit import FitReport
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.size import EstimatedSize, SizeBacktest
from isoflop.plan import fitted_source, make_plan
from isoflop.report.fitted_runs import size_points
from isoflop.report.panels.best_size import (
    backtest_fact,
    backtest_sentence,
    estimator_facts,
    estimator_table,
    mixture_fact,
    run_next,
    size_notices,
)
from isoflop.report.plan_record import PlannedSize
from report.fitted_tables import fitted, twenty_tokens_a_parameter

TESTED = SizeBacktest(
    held_out_budget_flops=2.7e12, factor=3.3, predicted=84e3, interval=(66e3, 110e3), level=0.9, actual=76e3,
    actual_se=0.09, wasted=0.012, estimators=(),
)  # fmt: skip
SENTENCE = (
    "the best size at 2.7e12 FLOPs was forecast from the smaller budgets as 84K (66K to 110K) parameters, and its "
    "vertex came to 76K, inside that interval; a run of the forecast size would have wasted 1.2 % of its compute"
)
N = 333e3


def alone(estimator: str, times: float, weight: float) -> EstimatedSize:
    reason = "" if weight else "its past forecasts erred more than those of the others"
    return EstimatedSize(
        estimator=estimator, params=N * times, bent=N * times * 0.95, interval=(N * times * 0.8, N * times * 1.25),
        weight=weight, reason=reason,
    )  # fmt: skip


SIZE = PlannedSize(
    flops=4e13,
    params=N,
    interval=(N * 0.7, N * 1.4),
    level=0.9,
    identified=True,
    estimators=(
        alone("isoflop", 0.86, 0.5), alone("chinchilla", 1.17, 0.3), alone("coupled", 1.12, 0.2),
        alone("parametric", 1.9, 0.0),
    ),
    bend=Bend(mean=-0.0071, sd=0.0112),
    warnings=(),
)  # fmt: skip


def test_the_backtest_is_one_sentence() -> None:
    assert backtest_sentence(TESTED) == SENTENCE
    assert "came to 130K, OUTSIDE that interval; a run" in backtest_sentence(replace(TESTED, actual=130e3))
    assert backtest_sentence(replace(TESTED, wasted=None)).endswith("came to 76K, inside that interval")
    assert backtest_sentence(replace(TESTED, wasted=2e-5)).endswith("wasted less than 0.1 % of its compute")
    fact = backtest_fact(TESTED)
    assert (fact.label, fact.value) == ("Best size", "84K (66K to 110K); came to 76K")
    assert fact.note == "N at 2.7e12 FLOPs, inside the interval"


def test_a_line_for_each_estimator_has_its_weight_or_why_it_has_none() -> None:
    lines = {fact.label: fact.value for fact in estimator_facts(SIZE)}
    assert list(lines) == ["approach 2", "Chinchilla form", "coupled form", "approach 3"]
    assert lines["approach 2"] == "286K (272K with the bend), weight 50 %"
    assert lines["approach 3"].endswith("no weight: its past forecasts erred more than those of the others")
    first = replace(SIZE.estimators[0], bent=SIZE.estimators[0].params * 1.0001)
    assert estimator_facts(replace(SIZE, estimators=(first,)))[0].value == "286K, weight 50 %"


def test_the_table_of_estimators_ends_with_the_mixture() -> None:
    table = estimator_table(SIZE)
    assert table.heading == "Best size at 4e13 FLOPs by estimator, 90 % intervals"
    assert table.columns == ("estimator", "N alone", "with the bend", "interval", "weight", "why it has none")
    assert table.rows[1][0] == "Chinchilla form, near the frontier"
    assert table.rows[3][4:] == ("none", "its past forecasts erred more than those of the others")
    assert table.rows[-1] == ("all, mixed", "", "333K", "233K to 466K", "", "")
    assert table.note.startswith("Bend: ln N_opt leaves a straight line by −0.0071 ± 0.0112 (one standard deviation)")
    trusted = replace(SIZE, estimators=SIZE.estimators[:3], level=0.8)
    assert estimator_table(trusted).columns[-1] == "weight", "no column for reasons that nobody has"
    assert estimator_table(trusted).heading.endswith("90 % intervals (80 % of the forecast)")


def test_a_size_that_is_not_identified_is_a_range() -> None:
    assert mixture_fact(SIZE).value == "333K (233K to 466K)"
    unknown = replace(SIZE, identified=False)
    assert mixture_fact(unknown).value == "between 233K and 466K, not identified by these runs"


def test_what_to_run_next_is_the_notice_s_and_nothing_where_there_is_none() -> None:
    other, wide = Notice(code="other", message="a: b"), Notice(code="size_not_identified", message="train more")
    assert run_next(replace(SIZE, warnings=(other, wide))) == "Train more"
    assert run_next(replace(SIZE, warnings=(other,))) == ""


def test_the_band_of_a_fit_is_what_a_plan_takes_from_the_runs_to_ten_times_them(report: FitReport) -> None:
    points = size_points(report)
    assert points[0].flops == pytest.approx(report.flops_range[0])
    assert points[-1].flops == pytest.approx(10 * report.flops_range[1])
    widths = []
    for point in points:
        (low, high), (fewest, most) = point.params_interval, point.tokens_interval
        assert low < point.params < high
        np.testing.assert_allclose(
            [6 * low * most, 6 * point.params * point.tokens, 6 * high * fewest], point.flops, rtol=1e-9
        )
        widths.append(high / low)
    assert widths[-1] > widths[len(widths) // 2], "wider beyond the runs than in their middle"
    plan = make_plan(fitted_source(report), points[-1].flops, recipe=None)
    assert points[-1].params == pytest.approx(plan.params, rel=1e-6)
    assert points[-1].params_interval == pytest.approx(plan.params_interval, rel=1e-6)
    target = 3 * report.flops_range[1]
    assert size_points(report, target)[-1].flops == pytest.approx(target)


def test_where_nothing_could_be_fitted_no_backtest_is_missed(report: FitReport) -> None:
    assert not size_notices(report)
    nothing = fitted(twenty_tokens_a_parameter(), draws=0)
    assert size_notices(nothing) == ()
    assert size_points(nothing) == ()
