"""The forecast of the best size, what each estimator says, and the backtest: in words, in the figure, in the views."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from isoflop.fit import FitReport
from isoflop.plan import fitted_source, make_plan
from isoflop.report import fit_view, plain_report
from isoflop.report.pages import panels
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.best_size import (
    bend_text,
    estimator_facts,
    estimator_grid,
    open_size,
    run_next,
    say_backtest,
    size_notices,
    size_parts,
)
from isoflop.report.panels.optimum import Scaling, draw_scaling, scaling
from isoflop.report.panels.optimum_tables import optimum_grid
from isoflop.report.panels.warnings import notices
from isoflop.report.style import INK
from isoflop.report.summary import answer
from report.fitted_runs import budgets_of_runs, fitted, twenty_tokens_a_parameter
from report.simulated_size import left_open

TESTED = {
    "held_out_budget_flops": 2.7e12, "predicted": 84e3, "interval": [66e3, 110e3], "level": 0.9, "actual": 76e3,
    "actual_se": 0.09, "wasted": 0.012,
}  # fmt: skip
SENTENCE = (
    "the best size at 2.7e12 FLOPs, forecast from below: 84K (66K to 110K); came 76K; a run of the forecast size would "
    "have wasted 1.2 % of its compute"
)


@pytest.fixture(scope="module")
def report() -> FitReport:
    return fitted(budgets_of_runs())


@pytest.fixture(scope="module")
def few() -> FitReport:
    """Three of the budgets with five sizes each and much noise: the size at ten times their compute is open."""
    rows = [row for place, row in enumerate(budgets_of_runs(0.015)[18:45]) if place % 9 % 2 == 0]
    return fitted(rows)


def drawn(view: dict[str, Any], quantity: Any) -> Scaling:
    values = scaling(view, quantity)
    assert not isinstance(values, Absent)
    return values


def test_the_backtest_is_one_sentence() -> None:
    assert say_backtest(TESTED) == SENTENCE
    assert "came 130K, outside that interval; a run" in say_backtest({**TESTED, "actual": 130e3})
    assert say_backtest({**TESTED, "wasted": None}).endswith("came 76K")
    assert say_backtest({**TESTED, "wasted": 2e-5}).endswith("wasted less than 0.1 % of its compute")


def test_the_answer_of_a_study_has_the_backtest_of_the_size_after_that_of_the_loss(view: dict[str, Any]) -> None:
    view["size_backtest"] = TESTED
    said = list(answer(view).sentences)
    place = said.index(f"T{SENTENCE[1:]}.")
    assert said[place - 1].startswith("Fitted without the top budget")
    facts = {fact.label: fact for fact in dict(answer(view).groups)["Forecast against outcome"]}
    assert facts["Best size"].value == "84K (66K to 110K); came 76K"
    assert facts["Best size"].note == "N at 2.7e12 FLOPs, inside the interval"
    view["backtest"] = view["forecast"] = None
    assert f"T{SENTENCE[1:]}." in answer(view).sentences, "without any forecast of a loss too"


def test_a_line_for_each_estimator_has_its_weight_or_why_it_has_none(view: dict[str, Any]) -> None:
    size = view["plan"]["size"]
    N = size["params"]
    lines = {fact.label: fact.value for fact in estimator_facts(size)}
    assert list(lines) == ["approach 2", "Chinchilla form", "coupled form", "approach 3"]
    assert lines["approach 2"] == f"{N * 0.86 / 1e3:.3g}K ({N * 0.86 * 0.95 / 1e3:.3g}K with the bend), weight 50 %"
    assert lines["approach 3"].endswith("no weight: its past forecasts erred more than those of the others")
    size["estimators"][0]["bent"] = size["estimators"][0]["params"] * 1.0001
    assert estimator_facts(size)[0].value == f"{N * 0.86 / 1e3:.3g}K, weight 50 %"
    heading, facts = answer(view).groups[1]
    assert heading == "Best size by each estimator alone"
    assert list(facts) == estimator_facts(size)


def test_the_table_of_estimators_ends_with_the_mixture(view: dict[str, Any]) -> None:
    grid = estimator_grid(view["plan"]["size"])
    assert grid is not None
    assert grid.heading == "Best size at 4e13 FLOPs by estimator, 90 % intervals"
    assert grid.columns == ("estimator", "N alone", "with the bend", "interval", "weight", "why it has none")
    assert grid.rows[1][0] == "Chinchilla form, near the frontier"
    assert grid.rows[3][4:] == ("none", "its past forecasts erred more than those of the others")
    assert grid.rows[-1] == ("all, mixed", "", "333K", "233K to 467K", "", "")
    assert grid.note.startswith("Bend: ln N_opt leaves a straight line by −0.0071 ± 0.0112 (one standard deviation)")
    (panel,) = [panel for panel in panels(view) if isinstance(panel, Panel) and panel.name == "scaling"]
    assert panel.tables[0].rows == grid.rows
    assert panel.caption.startswith(grid.note)
    for item in view["plan"]["size"]["estimators"]:
        item["reason"] = ""
    again = estimator_grid(view["plan"]["size"])
    assert again is not None
    assert again.columns[-1] == "weight", "no column for reasons that nobody has"
    assert estimator_grid({}) is None
    assert bend_text({}) == ""


def test_where_the_size_is_open_the_answer_begins_with_the_range(view: dict[str, Any]) -> None:
    view["plan"]["size"] = left_open(view["plan"]["size"])
    first = answer(view).sentences[0]
    assert first.startswith(
        "Parameters for 4e13 FLOPs: between 133K and 833K, not identified by these runs. Before the planned run, train "
        "five sizes or more from 41K to 656K at 1e13 FLOPs each. What is planned is the middle of that range, 333K"
    )
    facts = {fact.label: fact.value for fact in dict(answer(view).groups)["Plan"]}
    assert facts["Parameters"] == "between 133K and 833K, not identified by these runs"
    assert facts["Run next"].startswith("Before the planned run, train five sizes")
    assert facts["Planned"] == "333K"
    for width in (60, 80):
        text = plain_report(view, width)
        assert max(map(len, text.splitlines())) <= width
        assert text.startswith("Parameters for 4e13 FLOPs: between 133K and 833K, not")
        assert first in " ".join(text.split()), "no word is broken"


def test_what_to_run_next_is_the_notice_s_and_nothing_where_there_is_none() -> None:
    other = {"code": "other", "message": "a: b"}
    assert run_next({"warnings": [other, {"code": "size_not_identified", "message": "train more"}]}) == "Train more"
    assert run_next({"warnings": [other]}) == ""


def test_the_figure_has_the_band_and_the_held_out_vertex_as_values(view: dict[str, Any]) -> None:
    view["size_backtest"] |= {"predicted": 84e3, "interval": [66e3, 110e3], "actual": 76e3, "actual_se": 0.1}
    for quantity in ("params", "tokens"):
        found = drawn(view, quantity).forecast
        assert found is not None
        assert list(found.flops) == [point["flops"] for point in view["size_band"]]
        assert list(found.values) == [point[quantity] for point in view["size_band"]]
        assert list(zip(found.low, found.high, strict=True)) == [
            tuple(point[f"{quantity}_interval"]) for point in view["size_band"]
        ]
    held = drawn(view, "params").held_out
    assert held is not None
    assert (held.forecast.value, held.forecast.low, held.forecast.high) == (84e3, 66e3, 110e3)
    assert held.forecast.flops == held.vertex.flops == 1e13
    # 90 % of a normal distribution lie within 1.645 standard deviations
    assert held.vertex.high == pytest.approx(76e3 * math.exp(0.1645), rel=1e-4)
    assert held.vertex.low == pytest.approx(76e3 / math.exp(0.1645), rel=1e-4)
    tokens = drawn(view, "tokens").held_out
    assert tokens is not None
    assert tokens.forecast.value == pytest.approx(1e13 / (6 * 84e3))
    assert tokens.forecast.low == pytest.approx(1e13 / (6 * 110e3)), "the largest model sees the fewest tokens"
    assert (tokens.vertex.low or 0) < tokens.vertex.value < (tokens.vertex.high or 0)


def test_the_band_is_drawn_with_its_limits_and_both_figures_share_their_legend(view: dict[str, Any]) -> None:
    n, d = (draw_scaling(drawn(view, quantity)) for quantity in ("params", "tokens"))
    assert n.legend == d.legend
    labels = [entry.label for entry in n.legend]
    assert "forecast with its interval" in labels
    assert "the ringed vertex, forecast without its budget" in labels
    high = [point["params_interval"][1] for point in view["size_band"]]
    low = [point["params_interval"][0] for point in view["size_band"]]
    assert [*high, *reversed(low)] in [trace["y"] for trace in n.data if trace.get("fill") == "toself"]
    edges = [trace["y"] for trace in n.data if trace["mode"] == "lines" and trace["line"]["color"] == INK]
    assert low in edges
    assert high in edges
    view["size_band"] = view["size_backtest"] = None
    plain = draw_scaling(drawn(view, "params"))
    assert len(plain.data) == len(n.data) - 6
    assert "forecast with its interval" not in [entry.label for entry in plain.legend]


def test_the_band_of_a_fit_is_what_a_plan_takes_from_the_runs_to_ten_times_them(report: FitReport) -> None:
    parts = size_parts(report)
    band = parts["size_band"]
    assert band[0]["flops"] == pytest.approx(report.flops_range[0])
    assert band[-1]["flops"] == pytest.approx(10 * report.flops_range[1])
    widths = []
    for point in band:
        (low, high), (fewest, most) = point["params_interval"], point["tokens_interval"]
        assert low < point["params"] < high
        np.testing.assert_allclose(
            [6 * low * most, 6 * point["params"] * point["tokens"], 6 * high * fewest], point["flops"], rtol=1e-9
        )
        widths.append(high / low)
    assert widths[-1] > widths[len(widths) // 2], "wider beyond the runs than in their middle"
    plan = make_plan(fitted_source(report), band[-1]["flops"], recipe=None)
    assert band[-1]["params"] == pytest.approx(plan.params, rel=1e-6)
    assert band[-1]["params_interval"] == pytest.approx(plan.params_interval, rel=1e-6)
    assert parts["size_backtest"] == report.as_json()["size_backtest"]
    target = 3 * report.flops_range[1]
    assert size_parts(report, target)["size_band"][-1]["flops"] == pytest.approx(target)


def test_the_answer_of_a_fit_says_the_size_ahead_and_its_backtest(report: FitReport) -> None:
    view = fit_view(report, "runs.csv")
    ahead = view["optima"][1]["forecast"]
    said = answer(view).sentences
    assert said[0].startswith("By approach 3"), "a size that is identified does not push the exponents aside"
    assert any(f"all estimators mixed give {ahead['params'] / 1e9:.3g}B (" in sentence for sentence in said)
    assert f"T{say_backtest(view['size_backtest'])[1:]}." in said
    heading, facts = answer(view).groups[2]
    assert heading == "Best size at 1e21 FLOPs, ten times the largest compute"
    assert facts[0].label == "All, mixed"
    assert len(facts) == 1 + len(ahead["estimators"])
    grid = optimum_grid(view["optima"][1])
    assert grid is not None
    assert grid.rows[-1][1] == facts[0].value, "the same number in both tables"
    text = " ".join(plain_report(view, 60).split())
    assert say_backtest(view["size_backtest"]) in text
    assert not size_notices(report)


def test_a_fit_that_leaves_the_size_open_begins_with_the_range_and_what_to_run(few: FitReport) -> None:
    view = fit_view(few, "few.csv")
    ahead = open_size(view)
    assert few.sizes is not None
    assert few.sizes.at(ahead["flops"]).identified is False
    first = answer(view).sentences[0]
    assert first.startswith(f"Parameters for {ahead['flops']:.0e} FLOPs: between ".replace("e+", "e"))
    assert "not identified by these runs. Before the planned run, train five sizes or more from " in first
    lines = plain_report(view, 60).splitlines()
    assert lines[0] == "few.csv"
    assert lines[1].startswith("Parameters for ")
    assert first in " ".join(" ".join(lines).split())
    entry = next(entry for entry in view["optima"] if entry["forecast"]["flops"] == ahead["flops"])
    grid = optimum_grid(entry)
    assert grid is not None
    assert all(cell.endswith(", not identified") for cell in grid.rows[-1][1:])


def test_a_backtest_that_was_refused_says_why_among_the_warnings(few: FitReport) -> None:
    view = fit_view(few, "few.csv")
    assert view["size_backtest"] is None
    (said,) = [one for one in notices(view) if one.code == "no_size_backtest"]
    why = "a backtest of the size needs 4 budgets with a vertex, got 3"
    assert said.message == f"No forecast of the best size was tested on these runs: {why}"
    assert answer(view).sentences
    # where nothing could be fitted, that is what is said
    nothing = fitted(twenty_tokens_a_parameter(), draws=0)
    assert size_notices(nothing) == ()
    assert size_parts(nothing) == {"size_backtest": None, "size_band": []}


def test_a_view_made_before_sizes_were_forecast_still_has_its_answer(view: dict[str, Any]) -> None:
    old = copy.deepcopy(view)
    del old["plan"]["size"], old["size_backtest"], old["size_band"]
    said = answer(old).sentences
    assert said[0] == answer(view).sentences[0]
    assert len(said) == len(answer(view).sentences) - 1
    assert drawn(old, "params").forecast is drawn(old, "params").held_out is None
