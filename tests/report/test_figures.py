from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from isoflop.report.pages import panels
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.forecast import proof, proof_panel
from isoflop.report.panels.isoflop_curves import parabola, profiles
from isoflop.report.panels.landscape import landscape
from isoflop.report.panels.loss_surface import surface
from isoflop.report.panels.methods import methods
from isoflop.report.panels.optimum import scaling
from isoflop.report.panels.planned_vs_larger import contest
from isoflop.report.panels.residuals import residuals
from isoflop.report.panels.runs import RUN_COLUMNS, run_rows, status_counts
from isoflop.report.summary import answer
from report.simulated_study import BUDGETS, TRUTH, loss_at

SECTIONS = (
    "versions", "machine", "corpus", "conventions", "runs", "curves", "fit", "backtest", "size_backtest", "size_band",
    "learning_rate_check", "plan", "forecast", "contest", "notices",
)  # fmt: skip


def test_parabola_is_exact_on_a_parabola_and_the_fits_own_where_given() -> None:
    params = np.geomspace(1e4, 1e6, 7)
    x = np.log(params)
    drawn_params, drawn = parabola(params, 2 + 0.03 * (x - 12) ** 2)
    assert drawn_params[0] == pytest.approx(1e4)
    np.testing.assert_allclose(drawn, 2 + 0.03 * (np.log(drawn_params) - 12) ** 2, rtol=1e-12)
    _, fitted = parabola(params, np.ones(7), {"coefficients": [2.0, 0.0, 0.03], "log_params_centre": 12.0})
    np.testing.assert_allclose(fitted, drawn, rtol=1e-12)
    assert parabola(params[:3], np.ones(3)) == ((), ())


def test_profiles_carry_the_fits_verdict(view: dict[str, Any]) -> None:
    view["fit"]["isoflop"]["budgets"][0].update(kept=False, reason="4 sizes", params=None)
    values = profiles(view)
    assert not isinstance(values, Absent)
    assert [one.budget_flops for one in values] == list(BUDGETS)
    assert [one.kept for one in values] == [False, True, True, True, True]
    assert values[0].reason == "4 sizes"
    assert values[0].vertex_params is None
    low, high = values[1].vertex_interval or (0, 0)
    assert low < (values[1].vertex_params or 0) < high
    assert all(len(one.params) == 7 for one in values)


def test_scaling_has_three_approaches_four_published_laws_and_the_plan(view: dict[str, Any]) -> None:
    values = scaling(view, "params")
    assert not isinstance(values, Absent)
    assert [line.name for line in values.lines] == ["envelope", "isoflop", "parametric"]
    assert [line.name for line in values.published] == [
        "hoffmann2022-1",
        "hoffmann2022-2",
        "hoffmann2022-3",
        "besiroglu2024",
    ]
    assert all(line.low and line.high and line.low[0] < line.values[0] < line.high[0] for line in values.lines)
    assert values.plan is not None
    assert values.plan.value == view["plan"]["params"]
    assert len(values.vertices) == 5
    tokens = scaling(view, "tokens")
    assert not isinstance(tokens, Absent)
    for n, d in zip(values.published, tokens.published, strict=True):
        np.testing.assert_allclose(6 * np.array(n.values) * np.array(d.values), n.flops, rtol=1e-9)


def test_a_parametric_fit_without_bands_still_has_its_frontier(view: dict[str, Any]) -> None:
    fit = view["fit"]["parametric"]
    del fit["frontier"]
    values = scaling(view, "params")
    assert not isinstance(values, Absent)
    line = values.lines[-1]
    assert line.name == "parametric"
    assert line.low == ()
    # The loss is flat along an isoFLOP at the optimum: 10 % more or fewer parameters must not be better.
    runs = {run["d_model"]: run["flops"] / run["tokens"] for run in view["runs"]}
    assert min(runs.values()) > 0
    for c, n in list(zip(line.flops, line.values, strict=True))[10:30]:
        per_token = np.exp(np.interp(np.log([n / 1.5, n, n * 1.5]), *_log_costs(view)))
        losses = [loss_at(size, c / cost) for size, cost in zip((n / 1.5, n, n * 1.5), per_token, strict=True)]
        assert losses[1] < losses[0]
        assert losses[1] < losses[2]
    fit.update(alpha=-0.1)
    again = scaling(view, "params")
    assert not isinstance(again, Absent)
    assert [one.name for one in again.lines] == ["envelope", "isoflop"]
    assert isinstance(surface(view), Absent)


def _log_costs(view: dict[str, Any]) -> tuple[list[float], list[float]]:
    pairs = sorted({(run["params"]["non_embedding"], run["flops"] / run["tokens"]) for run in view["runs"]})
    return [math.log(n) for n, _ in pairs], [math.log(c) for _, c in pairs]


def test_published_systems_stand_where_6nd_puts_them(view: dict[str, Any]) -> None:
    values = landscape(view)
    assert not isinstance(values, Absent)
    at = {mark.label: (mark.flops, mark.value) for mark in values.systems}
    # 6 N D of the printed N and D (Hoffmann et al. 2022, Table 1; Chowdhery et al. 2022, Table 21).
    assert at["Gopher 280B"] == (pytest.approx(5.04e23), 280e9)
    assert at["MT-NLG 530B"] == (pytest.approx(8.586e23), 530e9)
    assert at["Chinchilla 70B"] == (pytest.approx(5.88e23), 70e9)
    assert at["PaLM 540B"] == (pytest.approx(2.5272e24), 540e9)
    assert at["140B on 3T"] == (pytest.approx(2.52e24), 140e9)
    for law in values.published:
        there = float(np.exp(np.interp(np.log(5.04e23), np.log(law.flops), np.log(law.values))))
        assert there < 280e9 / 3, law.name
    assert values.flops_range[1] == 1e25


def test_surface_is_the_law_and_holds_every_run(view: dict[str, Any]) -> None:
    values = surface(view)
    assert not isinstance(values, Absent)
    assert values.loss[3][7] == pytest.approx(loss_at(values.params[7], values.tokens[3]), rel=1e-12)
    assert values.params[0] < min(values.run_params) < max(values.run_params) < values.params[-1]
    assert values.tokens[0] < min(values.run_tokens) < max(values.run_tokens) < values.tokens[-1]
    assert len(values.run_params) == 37
    assert values.frontier_params == tuple(sorted(values.frontier_params))


@pytest.mark.parametrize("recorded", [True, False])
def test_residuals_compare_observed_with_fitted(view: dict[str, Any], recorded: bool) -> None:
    if not recorded:
        del view["fit"]["parametric"]["residuals"]
    values = residuals(view)
    assert not isinstance(values, Absent)
    run = view["runs"][0]
    fitted = TRUTH["E"] + TRUTH["A"] / run["params"]["non_embedding"] ** 0.34 + TRUTH["B"] / run["tokens"] ** 0.28
    assert values.residual[0] == pytest.approx(math.log(run["val_loss_nats"] / fitted), abs=1e-12)
    assert len(values.residual) == 35
    assert values.rms == pytest.approx(0.004, rel=0.3)


def test_proof_scores_and_judges(view: dict[str, Any]) -> None:
    view["forecast"].update(loss=1.5, interval=[1.45, 1.55], actual=1.6)
    values = proof(view)
    assert not isinstance(values, Absent)
    assert values.forecast is not None
    assert values.forecast.error == pytest.approx(1.5 / 1.6 - 1)
    assert values.forecast.inside is False
    assert len(values.backtest) == 7
    assert values.sealed == "2025-06-01 11:40 UTC"
    assert values.seal_words == f"before the run, from data with digest {'cd' * 6}; digest of the forecast {'ab' * 6}"
    view["forecast"].update(actual=None)
    open_forecast = proof(view)
    assert not isinstance(open_forecast, Absent)
    assert open_forecast.forecast is not None
    assert open_forecast.forecast.error is None
    assert open_forecast.forecast.inside is None


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("after", "sealed after the run began: not a forecast"),
        ("unknown", "whether before the run is not known"),
        (None, "whether before the run is not known"),
    ],
)
def test_a_seal_that_did_not_come_first_is_said_to_be_none(view: dict[str, Any], order: str | None, words: str) -> None:
    view["forecast"]["seal_order"] = order and {"order": order}
    found = answer(view)
    notes = [fact.note for _, facts in found.groups for fact in facts if fact.label == "Sealed"]
    assert len(notes) == 1
    assert notes[0].startswith(words)
    assert ("not a forecast" in " ".join(found.sentences)) == (order == "after")
    panel = proof_panel(view)
    assert not isinstance(panel, Absent)
    assert words in panel.caption
    assert "before the runs" not in panel.lead


def test_contest_compares_in_the_views_convention(view: dict[str, Any]) -> None:
    values = contest(view)
    assert not isinstance(values, Absent)
    assert values.planned.params == view["contest"]["planned"]["params"]["non_embedding"]
    assert values.advantage == pytest.approx(
        view["contest"]["larger"]["bits_per_byte"] - view["contest"]["planned"]["bits_per_byte"]
    )
    assert values.domains == ("dictionary", "encyclopedia")


def test_the_answer_says_so_when_the_plan_loses_and_misses(view: dict[str, Any]) -> None:
    view["contest"]["planned"]["bits_per_byte"] = 2.5
    view["forecast"].update(loss=1.0, interval=[0.9, 1.1], actual=1.6)
    said = " ".join(answer(view).sentences)
    assert "loses to the model 4.0 times as large" in said
    assert "OUTSIDE the interval" in said
    assert "error of −37.50 %" in said


def test_what_is_not_identified_is_said_and_not_printed(view: dict[str, Any]) -> None:
    view["fit"]["parametric"]["identified"]["E"] = False
    view["fit"]["envelope"] = {"status": "refused", "reason": "No curve is recorded.", "warnings": []}
    found = answer(view)
    assert any("not printed: E of" in sentence for sentence in found.unsaid)
    assert any("was refused. No curve is recorded." in sentence for sentence in found.unsaid)
    fitting = dict(methods(view))["Fitting"]
    assert not any(line.startswith("E =") for line in fitting)
    assert any(line.startswith("alpha = 0.34 ") for line in fitting)
    assert [row[0] for row in found.grids[1].rows] == ["2 isoFLOP", "3 parametric"]


def test_every_run_has_a_row_and_failed_ones_their_reason(view: dict[str, Any]) -> None:
    rows = run_rows(view)
    assert len(rows) == len(view["runs"])
    assert all(len(row) == len(RUN_COLUMNS) for row in rows)
    assert status_counts(view) == {"done": 37, "failed": 1, "waiting": 1}
    failed = next(row for row in rows if row[2].startswith("failed"))
    assert failed[2] == "failed: diverged"
    assert failed[RUN_COLUMNS.index("loss")] == "–"


def test_methods_name_dropped_rows_corpus_and_warnings(view: dict[str, Any]) -> None:
    card = {heading: " ".join(lines) for heading, lines in methods(view)}
    assert "diverged: row 17" in card["Rows left out of the fits"]
    assert "2.10 % of its 13-grams are in training" in card["Corpus"]
    assert "312 duplicate documents" in card["Corpus"]
    assert "correlation 0.999" in card["Notices"]
    assert "C counts training FLOPs: matmul" in card["Conventions"]


@pytest.mark.parametrize("missing", SECTIONS)
def test_a_partial_view_leaves_panels_out_with_a_sentence(view: dict[str, Any], missing: str) -> None:
    whole = sum(isinstance(panel, Panel) for panel in panels(view))
    assert whole == 10
    view[missing] = None
    found = panels(view)
    assert len(found) == 10
    for panel in found:
        if isinstance(panel, Absent):
            assert panel.sentence.endswith(".")
    answer(view)
    methods(view)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every value of a dict of dicts and lists; of lists the first entry, itself only if it is a number."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, below in entries:
        if not (isinstance(value, list) and isinstance(below, dict)):
            yield (*path, key)
        yield from leaves(below, (*path, key))


@pytest.mark.parametrize(
    "name",
    [
        "plan", "forecast", "contest", "backtest", "size_backtest", "size_band", "corpus", "machine",
        "learning_rate_check",
    ],
)  # fmt: skip
def test_any_number_may_be_missing(view: dict[str, Any], name: str) -> None:
    for path in list(leaves({name: view[name]})):
        *above, last = path
        place = view
        for key in above:
            place = place[key]
        kept, place[last] = place[last], None
        panels(view)
        answer(view)
        methods(view)
        place[last] = kept


@pytest.mark.parametrize("gone", ["val_loss_nats", "params", "tokens", "flops", "budget_flops", "peak_lr", "attempts"])
def test_a_run_may_lack_any_number(view: dict[str, Any], gone: str) -> None:
    for run in view["runs"]:
        run[gone] = None
    assert len(panels(view)) == 10
    assert len(run_rows(view)) == len(view["runs"])


def test_a_loss_that_is_not_a_number_is_not_drawn(view: dict[str, Any]) -> None:
    view["runs"][0]["val_loss_nats"] = math.nan
    values = profiles(view)
    assert not isinstance(values, Absent)
    assert len(values[0].params) == 6


def test_an_empty_view_has_no_panel_and_ten_sentences() -> None:
    found = panels({"schema": 1})
    assert all(isinstance(panel, Absent) for panel in found)
    assert len(found) == 10
