from __future__ import annotations

from isoflop.report.drawing import Drawing, LegendEntry, band, layout, line, linear_axis, points
from isoflop.report.pages import study_page
from isoflop.report.panel import Panel
from isoflop.report.record import StudyRecord
from isoflop.report.series_names import series_names
from isoflop.report.style import BLUE, INK, VERMILLION, transparent

LEGEND = (
    LegendEntry(label="the law", colour=BLUE),
    LegendEntry(label="another", colour=BLUE, kind="dash"),
    LegendEntry(label="runs", colour=BLUE, kind="point"),
    LegendEntry(label="plan", colour=INK, kind="star"),
)


def test_a_trace_has_its_own_name_or_that_of_the_entry_that_looks_like_it() -> None:
    drawing = Drawing(
        name="one",
        describes="",
        data=[
            band([1, 2], [1, 2], [2, 3], transparent(BLUE, 0.13)),
            line([1, 2], [1, 2], BLUE),
            line([1, 2], [1, 2], BLUE, dash="dash"),
            points([1], [1], BLUE, ["a"]),
            points([1], [1], INK, ["a"], symbol="diamond"),
            line([1, 2], [1, 2], VERMILLION, name="given"),
            line([1, 2], [1, 2], VERMILLION),
        ],
        layout=layout(linear_axis("x"), linear_axis("y")),
        legend=LEGEND,
    )
    assert series_names(drawing) == ["the law, interval", "the law", "another", "runs", "plan", "given", "series 7"]


def test_the_lines_of_a_study_can_be_told_apart(study: StudyRecord) -> None:
    found = {
        drawing.name: series_names(drawing)
        for panel in study_page(study).panels
        if isinstance(panel, Panel)
        for drawing in panel.drawings
    }
    assert {"1e11 FLOPs, curve", "1e11 FLOPs, runs", "1e13 FLOPs, runs"} <= set(found["isoflop-curves"])
    assert {"approach 1, envelope of the curves", "approach 1, envelope of the curves, interval"} <= set(
        found["scaling-params"]
    )
    assert found["loss-surface"] == ["fitted loss (nats per token)", "compute-optimal frontier", "runs", "planned run"]
