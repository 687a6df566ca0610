"""The figure's numbers: where A has B's loss is the multiplier times what B spent, on the slope of A."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.report.panel import Absent
from isoflop.report.panels.loss_distance import Distances, distances_of, draw_distances, labelled
from report.compared import BETTER, CELLS, OUT_OF_REACH, cell, comparison


def values(axis: str = "compute") -> Distances:
    found = distances_of(comparison(BETTER, axis=axis), BETTER)
    assert isinstance(found, Distances)
    return found


def test_a_distance_begins_at_what_b_spent_and_ends_at_what_a_needs() -> None:
    for found, given in zip(values().cells, CELLS, strict=True):
        assert found.spent == given.flops
        assert given.multiplier is not None
        assert found.needed == pytest.approx(given.multiplier * given.flops, rel=1e-12)
        assert found.interval == pytest.approx((0.9 * found.needed, 1.1 * found.needed))


def test_along_data_the_axis_is_tokens() -> None:
    found = values("data")
    assert found.unit == "tokens"
    assert [one.spent for one in found.cells] == [one.tokens for one in CELLS]


@pytest.mark.parametrize("axis", ["time", "money"])
def test_an_axis_that_cells_do_not_state_is_left_out_with_a_sentence(axis: str) -> None:
    found = distances_of(comparison(BETTER, axis=axis), BETTER)
    assert isinstance(found, Absent)
    assert axis in found.sentence


def test_the_drawing_has_the_distance_as_a_horizontal_line_and_its_label() -> None:
    drawing = draw_distances(values())
    lines = [trace for trace in drawing.data if trace.get("name") == "distance"]
    assert [trace["y"] for trace in lines] == [[one.loss_b, one.loss_b] for one in CELLS]
    assert [trace["x"] for trace in lines] == [[one.spent, one.needed] for one in values().cells]
    slopes = [trace for trace in drawing.data if trace.get("name") == "A's own slope"]
    assert [trace["y"] for trace in slopes] == [[one.loss_a, one.loss_b] for one in CELLS]
    assert {note["text"] for note in drawing.layout["annotations"]} == {"<b>×1.28</b>", "<b>×1.31</b>", "<b>×1.34</b>"}


def test_a_cell_out_of_reach_has_points_and_no_distance() -> None:
    found = distances_of(comparison(OUT_OF_REACH), OUT_OF_REACH)
    assert isinstance(found, Distances)
    drawing = draw_distances(found)
    assert [trace["name"] for trace in drawing.data] == ["adamw", "muon"]


def test_of_many_cells_the_first_and_the_last_have_their_distance_drawn() -> None:
    many = replace(BETTER, cells=tuple(cell(1e8, 1e9 * (1 + i), 3 - 0.01 * i, 2.9 - 0.01 * i, 1.2) for i in range(50)))
    found = distances_of(comparison(many), many)
    assert isinstance(found, Distances)
    shown = labelled(found.cells)
    assert len(shown) == 8
    assert (shown[0], shown[-1]) == (found.cells[0], found.cells[-1])
