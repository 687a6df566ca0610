from __future__ import annotations

from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.multipliers import draw_multipliers, multipliers_of, multipliers_panel
from report.compared import BETTER, EQUAL, NOT_TOLD, OUT_OF_REACH, WORSE, comparison

ALL = (BETTER, WORSE, OUT_OF_REACH, NOT_TOLD, EQUAL)


def test_each_set_has_its_point_and_whiskers_in_its_row() -> None:
    rows = multipliers_of(comparison(*ALL))
    drawing = draw_multipliers(rows, "compute")
    drawn = {}
    for trace in drawing.data[1:]:
        for x, y, more, less in zip(
            trace["x"], trace["y"], trace["error_x"]["array"], trace["error_x"]["arrayminus"], strict=True
        ):
            drawn[drawing.layout["yaxis"]["ticktext"][int(y)]] = (x, round(x - less, 9), round(x + more, 9))
    assert drawn == {
        "c4": (1.31, 1.18, 1.45),
        "ptb": (0.8, 0.74, 0.86),
        "falcon": (1.02, 0.9, 1.15),
        "openlm": (1.0, 0.98, 1.02),
    }
    (beyond,) = drawing.layout["annotations"]
    assert drawing.layout["yaxis"]["ticktext"][beyond["y"]] == "redpajama"
    assert beyond["text"] == "out of reach →"


def test_the_legend_has_the_verdicts_that_are_drawn() -> None:
    drawing = draw_multipliers(multipliers_of(comparison(BETTER, OUT_OF_REACH, NOT_TOLD)), "compute")
    assert [entry.label for entry in drawing.legend] == ["better", "cannot be told"]


def test_without_a_set_a_sentence_stands_in_its_place() -> None:
    assert isinstance(multipliers_panel(comparison()), Absent)
    panel = multipliers_panel(comparison(*ALL))
    assert isinstance(panel, Panel)
    assert len(panel.tables[0].rows) == len(ALL)
