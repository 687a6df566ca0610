"""The view of a fit alone, its answer, and its panels."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isoflop.fit import FitReport
from isoflop.report import fit_view, report_html
from isoflop.report.pages import panels
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.constants import centre_terms, correlations, verdicts
from isoflop.report.panels.isoflop_curves import loss_range, profiles
from isoflop.report.panels.methods import methods
from isoflop.report.panels.optimum_tables import optimum_grid, preferred
from isoflop.report.panels.past_forecasts import errors_grid, form_errors, lack_of_fit
from isoflop.report.panels.residuals import Residuals, beyond_reach, drawn_reach, running_median
from isoflop.report.panels.rows_read import left_out, left_out_facts, range_facts, read_facts
from isoflop.report.panels.training_curves import training_curves
from isoflop.report.summary import answer
from report.fitted_runs import LAW, budgets_of_runs, fitted, past_forecasts, twenty_tokens_a_parameter
from report.test_html import own_part


@pytest.fixture(scope="module")
def report() -> FitReport:
    return fitted(budgets_of_runs())


@pytest.fixture(scope="module")
def _made(report: FitReport) -> dict[str, Any]:
    return fit_view(report, "runs.csv")


@pytest.fixture
def fit(_made: dict[str, Any]) -> dict[str, Any]:
    """The view, the test's own to change."""
    return copy.deepcopy(_made)


@pytest.fixture(scope="module")
def refused() -> dict[str, Any]:
    return fit_view(fitted(twenty_tokens_a_parameter(), draws=0), "ladder.csv")


def shown(view: dict[str, Any]) -> list[str]:
    return [panel.name for panel in panels(view) if isinstance(panel, Panel)]


def test_a_saved_fit_gives_the_same_view(report: FitReport, fit: dict[str, Any], tmp_path: Path) -> None:
    again = fit_view(FitReport.load(report.save(tmp_path / "fit.json")), "runs.csv")
    fit["created"] = again["created"]
    assert json.dumps(again, sort_keys=True) == json.dumps(fit, sort_keys=True)


def test_the_optimum_is_told_at_three_computes_by_each_approach(report: FitReport, fit: dict[str, Any]) -> None:
    assert [entry["factor"] for entry in fit["optima"]] == [1, 10, 100]
    for entry in fit["optima"]:
        for name in ("parametric", "isoflop"):
            N, D = report.fits[name].optimum(entry["flops"])
            assert (entry[name]["params"], entry[name]["tokens"]) == (N, D)
            for what in ("params", "tokens"):
                low, high = entry[name][f"{what}_interval"]
                assert low < entry[name][what] < high
        assert "envelope" not in entry
    low, high = fit["optima"][0]["parametric"]["loss_interval"]
    assert low < fit["optima"][0]["parametric"]["loss"] < high
    grid = optimum_grid(fit["optima"][1])
    assert grid is not None
    assert grid.heading.endswith("ten times that")
    # what a plan takes stands last, below the approaches that it is mixed from
    assert [row[0] for row in grid.rows] == ["2 isoFLOP", "3 parametric", "forecast"]


def test_without_draws_there_are_no_intervals() -> None:
    view = fit_view(fitted(budgets_of_runs(), draws=0), "runs.csv")
    best = view["optima"][0]["parametric"]
    assert best["params_interval"] is None
    assert "loss" not in best
    assert "(" not in answer(view).sentences[0]


def test_all_panels_of_a_fit_are_there(fit: dict[str, Any]) -> None:
    fit["fit"] |= past_forecasts()
    fit["fit"]["parametric"]["warnings"].append({"code": "few_rows_decide", "message": "a row decides"})
    assert shown(fit) == ["warnings", "left-out", "isoflop", "scaling", "constants", "surface", "residuals", "backtest"]
    drawings = [drawing.name for panel in panels(fit) if isinstance(panel, Panel) for drawing in panel.drawings]
    assert drawings == [
        "isoflop-curves", "scaling-params", "scaling-tokens", "loss-surface", "residuals-params", "residuals-tokens",
        "residuals-ratio", "backtest-forms",
    ]  # fmt: skip


def test_the_page_of_a_fit_says_nothing_of_a_study(fit: dict[str, Any]) -> None:
    page = own_part(report_html(fit))
    page = page[page.index("</style>") :]
    for word in ("study", "planned", "validation loss", "learning-rate", "contest", "bytes unless"):
        assert word not in page.lower(), word
    for section in ("isoflop", "scaling", "constants", "surface", "residuals", "methods"):
        assert f'<section id="{section}"' in page


def test_a_refused_approach_stands_in_its_place_with_its_reason(refused: dict[str, Any]) -> None:
    reason = refused["fit"]["parametric"]["reason"]
    found = {panel.name: panel for panel in panels(refused) if isinstance(panel, Panel)}
    assert reason in found["constants"].lead
    assert found["constants"].drawings == ()
    assert found["constants"].cards == ()
    assert any(reason in sentence for sentence in answer(refused).unsaid)
    assert answer(refused).sentences == ("No approach could fit a law to these runs.",)
    assert {"surface", "residuals", "scaling", "backtest"}.isdisjoint(found)
    assert len(range_facts(refused)) == 5, "the rows of a refused fit are known all the same"
    page = own_part(report_html(refused))
    assert "approach 2, isoFLOP vertices does not apply" in page


def test_valleys_are_drawn_where_only_the_parametric_fit_was_refused(fit: dict[str, Any]) -> None:
    parametric = fit["fit"]["parametric"]
    fit["fit"]["rows"] = parametric["residuals"]
    fit["fit"]["parametric"] = {"status": "refused", "code": "x", "reason": "nobody knows", "warnings": []}
    (valleys,) = [panel for panel in panels(fit) if isinstance(panel, Panel) and panel.name == "isoflop"]
    assert sum(len(trace["x"]) for trace in valleys.drawings[0].data if trace["mode"] == "markers") == 45 + 5


def test_runs_outside_a_valley_s_window_are_open_and_do_not_press_it_flat(fit: dict[str, Any]) -> None:
    whole = profiles(fit)
    assert not isinstance(whole, Absent)
    assert all(all(one.inside) for one in whole)
    for verdict, one in zip(fit["fit"]["isoflop"]["budgets"], whole, strict=True):
        verdict["window"] = [one.params[2], one.params[6]]
        for row in fit["fit"]["parametric"]["residuals"]:
            row["loss"] += 5.0 * (row["params"] == one.params[8])
    values = profiles(fit)
    assert not isinstance(values, Absent)
    for one in values:
        assert one.inside == (False, False, True, True, True, True, True, False, False)
        assert one.parabola_params[0] == pytest.approx(one.params[2])
        assert one.parabola_params[-1] == pytest.approx(one.params[6])
    assert loss_range(values)[1] < 5 < max(x for one in values for x in one.loss)
    assert loss_range(values)[0] == loss_range(whole)[0]


def test_what_was_left_out_is_grouped_by_reason(fit: dict[str, Any]) -> None:
    assert sum(count for _, _, count in left_out(fit)) == 2
    assert {rows for _, rows, _ in left_out(fit)} == {"row 46", "row 47"}
    dropped = [{"row": i, "reason": f"loss: expected a positive finite number, got -{i}"} for i in range(1, 21)]
    fit["fit"]["observations"] |= {"dropped": [*dropped, {"row": 30, "reason": "D is missing"}], "filtered": 7}
    facts = left_out_facts(fit)
    assert [fact.label for fact in facts] == ["20 rows", "7 rows", "1 row"]
    assert facts[0].value == "such as: loss: expected a positive finite number, got -1"
    assert facts[0].note == "rows 1, 2, 3, 4, 5, 6, 7, 8 and 12 more"
    assert facts[2].value == "D is missing"


def test_conventions_that_nobody_stated_are_marked(fit: dict[str, Any]) -> None:
    fit["fit"]["observations"] |= {
        "stated": {"params_convention": True, "flops_convention": False, "loss_unit": False, "schedule": False},
        "columns": {"loss": {"column": "val"}, "params": {"column": "Model Size"}},
        "cells": [{"row": 1, "rows": 3}, {"row": 2, "rows": 2}],
        "schedule": "unknown",
        "runs": 9,
    }
    facts = {fact.label: fact for fact in read_facts(fit)}
    assert facts["N counts"].note == ""
    assert facts["C counts"].note == facts["Loss in"].note == "not stated: assumed"
    assert facts["Schedule"].value == "not stated"
    assert facts["Rows"].value == "45 used of 47 read, of 9 runs"
    assert facts["Columns"].value == "N: Model Size, loss: val"
    assert facts["Cells"].value.startswith("2 rows stand for 5")


def test_the_approach_that_knows_how_the_optimum_grows_speaks_first(fit: dict[str, Any]) -> None:
    assert preferred(fit) == "parametric"
    fit["fit"]["parametric"]["identified"]["a"] = False
    assert preferred(fit) == "isoflop"
    assert answer(fit).sentences[0].startswith("By approach 2")
    fit["fit"]["isoflop"] = {"status": "refused", "reason": "no", "warnings": []}
    assert preferred(fit) == "parametric"


def test_a_constant_without_identification_has_no_number(fit: dict[str, Any]) -> None:
    parametric = fit["fit"]["parametric"]
    parametric["identified"] |= {"E": False, "A": False, "B": False, "params_opt": True}
    parametric["identified_because"] = {"E": "E runs to 0", "A": "20 to 9e+03, limit a factor 30"}
    values = verdicts(fit)
    assert not isinstance(values, Absent)
    named = {one.name: one for one in values}
    assert list(named) == ["E", "A", "B", "alpha", "beta", "a", "N_opt"]
    assert named["E"].text == "not identified: E runs to 0"
    assert named["A"].text == "not identified: 90 % interval 20 to 9e+03, limit a factor 30"
    assert named["B"].text.startswith("not identified: resamples put it anywhere from ")
    assert named["N_opt"].value == fit["optima"][0]["parametric"]["params"]
    assert "E, A, B of the parametric fit" in " ".join(answer(fit).unsaid)
    (panel,) = [panel for panel in panels(fit) if isinstance(panel, Panel) and panel.name == "constants"]
    facts = {fact.label: fact for fact in panel.cards[0][1]}
    assert facts["E"].value == "not identified"
    assert f"{fit['fit']['parametric']['alpha']:.4g} (" in facts["alpha"].value


def test_terms_at_the_centre_add_up_to_the_loss_there(report: FitReport, fit: dict[str, Any]) -> None:
    law, centre = report.parametric.law, fit["fit"]["parametric"]["centre"]
    size, tokens = centre_terms(fit)
    E = fit["fit"]["parametric"]["E"]
    assert E + (size.value or 0) + (tokens.value or 0) == pytest.approx(
        float(law.loss(centre["params"], centre["tokens"])), rel=1e-12
    )


def test_correlations_are_named_with_their_sign(fit: dict[str, Any]) -> None:
    fit["fit"]["parametric"]["correlations"] = [
        {"pair": ["A", "alpha"], "correlation": 0.9987}, {"pair": ["E", "beta"], "correlation": -0.91},
    ]  # fmt: skip
    assert correlations(fit) == ("ln A and alpha +0.999", "E and beta −0.910")


def test_past_errors_are_put_together_by_reach(fit: dict[str, Any]) -> None:
    fit["fit"]["forms"] = []
    assert isinstance(form_errors(fit), Absent)
    fit["fit"] |= past_forecasts()
    values = form_errors(fit)
    assert not isinstance(values, Absent)
    assert [one.label for one in values] == ["Chinchilla", "coupled", "log-quadratic"]
    grid = errors_grid(values)
    assert grid.columns == ("form", "to ×10", "above ×30")
    cells = dict(zip(grid.columns, grid.rows[1], strict=True))
    within = [-0.002, -0.001, 0.001, 0.002]  # factors 10, 3.16, 3.16, 10: two signs
    assert cells["to ×10"] == f"±{100 * np.sqrt(np.mean(np.square(within))):.2f} %"
    assert cells["above ×30"] == "+0.40 %"
    assert lack_of_fit(fit).startswith("The residuals rise")
    (panel,) = [panel for panel in panels(fit) if isinstance(panel, Panel) and panel.name == "residuals"]
    assert panel.lead.endswith("the coupled form removes that.")


def test_the_answer_says_how_far_approaches_and_past_forecasts_are_apart(fit: dict[str, Any]) -> None:
    ratios = list(fit["fit"]["disagreement"]["params_ratio_at"].values())
    fit["fit"] |= past_forecasts()
    said = " ".join(answer(fit).sentences)
    assert f"within a factor of {ratios[0]:.2f} of each other there, {ratios[1]:.2f} at ten times" in said
    near = np.array([0.002, 0.004, 0.001, 0.006])  # the Chinchilla form's, up to ten times
    assert f"at up to 10 times: Chinchilla by {100 * np.sqrt(np.mean(near**2)):.2f} %, coupled by" in said


def test_running_medians_follow_a_trend_and_need_fifteen_rows() -> None:
    x = np.geomspace(1, 1e4, 80)
    at, middle = running_median(x, 0.01 * np.log(x))
    np.testing.assert_allclose(middle, 0.01 * np.log(at), atol=1e-12)
    assert len(at) == 8
    assert running_median(x[:14], x[:14]) == ((), ())


def test_an_outlier_does_not_press_the_others_flat() -> None:
    rng = np.random.default_rng(0)
    rows = tuple(map(float, [*(0.002 * rng.standard_normal(100)), 0.3]))
    ones = (1.0,) * 101
    values = Residuals(run_ids=("r",) * 101, params=ones, tokens=ones, flops=ones, residual=rows)
    assert 1 < drawn_reach(values) < 3
    assert beyond_reach(values) == 1


def test_curves_are_those_of_runs_with_several_rows(fit: dict[str, Any]) -> None:
    assert fit["curves"] == {}
    sizes, tokens = np.geomspace(1e8, 1e10, 5), np.geomspace(2e9, 2e11, 9)
    rows = [
        {"run": f"r{i}", "params": N, "tokens": D, "loss": float(LAW.loss(N, D))}
        for i, N in enumerate(sizes) for D in tokens
    ]  # fmt: skip
    report = fitted(rows, draws=0)
    view = fit_view(report, "runs.csv")
    assert set(view["curves"]) == {f"r{i}" for i in range(5)}
    values = training_curves(view)
    assert not isinstance(values, Absent)
    assert len(values.curves) == 5
    for curve in values.curves:
        assert list(curve.flops) == sorted(curve.flops)


def test_an_envelope_without_an_exponent_is_drawn_with_the_reason() -> None:
    sizes, tokens = np.geomspace(1e8, 3e9, 8), np.geomspace(1e9, 6e10, 6)
    rows = [{"params": N, "tokens": D, "loss": float(LAW.loss(N, D)), "run": f"{N:.3g}"} for N in sizes for D in tokens]
    report = fitted(rows, draws=0)
    assert report.envelope.status == "refused"
    found = panels(fit_view(report, "runs.csv"))
    drawn = next(panel for panel in found if isinstance(panel, Panel) and panel.name == "training")
    assert report.envelope.reason in drawn.lead
    assert "picture" in drawn.lead
    assert drawn.drawings


def test_the_card_of_conventions_is_there(fit: dict[str, Any]) -> None:
    card = dict(methods(fit))
    assert card["Conventions"][0] == "N counts parameters: total."
    assert "Rows left out of the fits" not in card
    assert "Notices" not in card


def test_hostile_names_are_text(fit: dict[str, Any]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    fit["title"] = evil
    fit["fit"]["observations"]["dropped"] = [{"row": 1, "reason": evil}]
    fit["fit"]["parametric"]["warnings"].append({"code": evil, "message": evil})
    fit["fit"]["parametric"]["residuals"][0]["run_id"] = evil
    own = own_part(report_html(fit))
    assert "<img" not in own
    assert "<script>alert" not in own
