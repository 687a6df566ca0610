from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.report.drawing import Drawing, log_ticks
from isoflop.report.pages import panels
from isoflop.report.panel import Panel


@pytest.fixture
def drawings(view: dict[str, Any]) -> list[Drawing]:
    return [drawing for panel in panels(view) if isinstance(panel, Panel) for drawing in panel.drawings]


def test_plotly_accepts_every_drawing(drawings: list[Drawing]) -> None:
    import plotly.graph_objects as go

    assert len(drawings) == 13
    for drawing in drawings:
        go.Figure(data=drawing.data, layout={**drawing.layout, **drawing.narrow})


def test_drawings_are_finite_json_with_names_of_their_own(drawings: list[Drawing]) -> None:
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    for drawing in drawings:
        json.dumps([drawing.data, drawing.layout, drawing.narrow], allow_nan=False)


def test_every_axis_of_numbers_has_a_title_and_nothing_needs_webgl(drawings: list[Drawing]) -> None:
    for drawing in drawings:
        for axis in (drawing.layout["xaxis"], drawing.layout["yaxis"]):
            assert axis["title"]["text"] or axis["type"] == "category", drawing.name
        assert {trace["type"] for trace in drawing.data} <= {"scatter", "contour"}
        assert all(entry.label for entry in drawing.legend)


@given(st.floats(-3, 24), st.floats(0.2, 20))
def test_log_ticks_are_few_round_and_inside(start: float, decades: float) -> None:
    low, high = 10**start, 10 ** (start + decades)
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in ticks)
