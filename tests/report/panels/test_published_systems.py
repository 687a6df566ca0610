"""The systems of the papers: where they stand, what each law would have built, and how they are drawn."""

from __future__ import annotations

import pytest

from isoflop.paper import section
from isoflop.report.panels.published_systems import count_errors, judged_systems, rule_sizes, serving, systems_map
from isoflop.report.panels.published_systems_drawn import draw_map, draw_rules
from isoflop.report.panels.scaling_lines import Quantity


def test_every_system_stands_at_its_compute_with_what_each_law_would_have_built() -> None:
    values = systems_map()
    placed = {one.system.label: one for one in values.placed}
    assert set(placed) == {
        "LaMDA 137B", "GPT-3 175B", "Jurassic-1 178B", "Gopher 280B", "MT-NLG 530B", "Chinchilla 70B", "PaLM 540B",
        "140B on 3T", "Llama 2 7B", "Llama 3 405B",
    }  # fmt: skip
    palm = placed["PaLM 540B"]
    assert palm.system.flops == pytest.approx(2.5272e24)
    instead = {best.law: (best.params, best.tokens) for best in palm.instead}
    # N = G (C/6)^a and the power laws through Tables 3 and A3, at PaLM's 6 N D
    assert instead["besiroglu2024"] == pytest.approx((1.541837e11, 2.731807e12), rel=6e-7)
    assert instead["hoffmann2022-1"] == pytest.approx((1.418771e11, 2.968767e12), rel=6e-7)
    for name in ("LaMDA 137B", "GPT-3 175B", "Jurassic-1 178B", "Gopher 280B", "MT-NLG 530B", "PaLM 540B"):
        one = placed[name]
        assert all(best.params < one.system.params and best.tokens > one.system.tokens for best in one.instead), name
    low, high = values.flops_range
    assert all(low < one.system.flops < high for one in values.placed)


def test_laws_judge_every_system() -> None:
    by_law = {one.law: one for one in judged_systems()}
    judged = by_law["besiroglu2024"]
    at = judged.systems.index("Gopher 280B")
    assert (judged.loss[at], judged.gap[at], judged.share[at]) == pytest.approx((1.999608, 0.021378, 0.4970), abs=6e-5)


def test_counts_lie_within_rounding() -> None:
    values = count_errors(section("table-a9"))
    assert len(values.names) == 50
    assert all(abs(error) <= half for error, half in zip(values.error, values.rounding, strict=True))


def test_serving_begins_with_training_alone() -> None:
    assert [one.served for one in serving()] == [0, 1e12, 1e13, 1e14]


def test_the_map_has_a_stroke_a_system_and_a_label_for_all_but_one() -> None:
    values = systems_map()
    quantities: tuple[Quantity, ...] = ("params", "tokens")
    for quantity in quantities:
        drawing = draw_map(values, quantity)
        for labels in (drawing.layout["annotations"], drawing.narrow["annotations"]):
            # GPT-3 and Jurassic-1 share one
            assert len(labels) == len(values.placed) - 1
        lines = [trace for trace in drawing.data if trace["mode"] == "lines"]
        assert len(lines) == len(values.params_lines) + len(values.placed)


def test_the_refit_joins_the_rules_with_its_interval() -> None:
    without, with_refit = draw_rules(rule_sizes(None)), draw_rules(rule_sizes((1.565e11, (1.12e11, 2.37e11))))
    assert len(with_refit.data) == len(without.data) + 1
    bars = with_refit.data[-1]["error_x"]
    assert (bars["array"], bars["arrayminus"]) == ([pytest.approx(8.05e10)], [pytest.approx(4.45e10)])
