"""The page of the papers: its figures as numbers, its panels, and what it says without the points of Figure 4."""

from __future__ import annotations

from typing import Any

import pytest
from fit.designs import FIGURE

from isoflop.paper import SECTIONS, section
from isoflop.report import paper_view, report_html
from isoflop.report.pages import panels
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.methods import methods
from isoflop.report.panels.published_systems import count_errors, judged_systems, rule_sizes, serving, systems_map
from isoflop.report.panels.published_systems_drawn import draw_map, draw_rules
from isoflop.report.summary import answer

DRAWN = {"map": 2, "losses": 2, "rules": 2, "table-a9": 1}


@pytest.fixture(scope="module")
def view() -> dict[str, Any]:
    return paper_view()


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
    found = {one.law: one for one in judged_systems()}
    here = found["besiroglu2024"]
    at = here.systems.index("Gopher 280B")
    assert (here.loss[at], here.gap[at], here.share[at]) == pytest.approx((1.999608, 0.021378, 0.4970), abs=6e-5)


def test_counts_lie_within_rounding() -> None:
    values = count_errors(section("table-a9"))
    assert len(values.names) == 50
    assert all(abs(error) <= half for error, half in zip(values.error, values.rounding, strict=True))


def test_serving_begins_with_training_alone() -> None:
    assert [one.served for one in serving()] == [0, 1e12, 1e13, 1e14]


def test_the_map_has_a_stroke_a_system_and_a_label_for_all_but_one() -> None:
    values = systems_map()
    for quantity in ("params", "tokens"):
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


def test_every_section_is_a_panel_and_the_refit_is_said_to_be_missing(view: dict[str, Any]) -> None:
    found = panels(view)
    shown = {panel.name: panel for panel in found if isinstance(panel, Panel)}
    assert {name: len(shown[name].drawings) for name in DRAWN} == DRAWN
    assert set(shown) == ({*SECTIONS, "map", "rules"} - {"figure-4", "140b-on-3t"})
    (absent,) = [panel for panel in found if isinstance(panel, Absent)]
    assert "svg_extracted_data.csv" in absent.sentence


def test_the_answer_counts_what_comes_out_and_says_what_is_missing(view: dict[str, Any]) -> None:
    found = answer(view)
    compared = [one for name in SECTIONS for one in section(name).compared]
    same = sum(one.same_digits for one in compared)
    assert found.sentences[0].startswith(f"Of {len(compared)} printed numbers, {same} come out")
    # 0.000069 and 0.012368 above the least; 1080 over 280
    assert "6.9e-05" in found.sentences[1]
    assert "0.012" in found.sentences[1]
    assert "3.86 times" in found.sentences[1]
    assert len(found.unsaid) == 1


def test_methods_say_what_the_numbers_count(view: dict[str, Any]) -> None:
    (heading, lines), *_ = methods(view)
    assert heading == "Conventions"
    assert "6ND" in lines[0]


def test_the_page_holds_its_tables_as_text(view: dict[str, Any]) -> None:
    page = report_html(view)
    for text in (
        "Chinchilla, reproduced",
        '<td class="number">1.26e24</td>',
        "chinchilla-16183m",
        "MFU with attention",
    ):
        assert text in page


def test_points_bring_the_panels_of_the_fit() -> None:
    if not FIGURE.is_file():
        pytest.skip(f"needs {FIGURE}")
    shown = {panel.name for panel in panels(paper_view(FIGURE)) if isinstance(panel, Panel)}
    assert {"figure-4", "scaling", "constants", "surface", "residuals"} <= shown
