"""The page of a comparison: whole whatever is missing, drawn in a browser, and small."""

from __future__ import annotations

from pathlib import Path

import pytest

from isoflop.compare import SetVerdict
from isoflop.report.comparison_page import comparison_page
from isoflop.report.html import page_html, write_page
from isoflop.report.panel import Panel
from report.compared import BETTER, EQUAL, NOT_TOLD, OUT_OF_REACH, WORSE, comparison
from report.test_browser import WIDTHS, assert_drawn, open_pages

ALL = (BETTER, WORSE, OUT_OF_REACH, NOT_TOLD, EQUAL)
MOST_BYTES = 2.2e6


def shown(*sets: SetVerdict, **changes: object) -> list[str]:
    page = comparison_page(comparison(*sets, **changes))
    return [panel.name for panel in page.panels if isinstance(panel, Panel)]


def test_it_has_a_panel_for_all_that_the_answer_rests_on() -> None:
    assert shown(*ALL) == ["sets", "distances", "audit", "cells", "parts"]
    assert shown(BETTER) == ["sets", "audit", "cells", "parts"]


@pytest.mark.parametrize(
    "changes", [{"audit": ()}, {"noise": None}, {"saved": None}, {"axis": "time"}, {"notices": ()}]
)
def test_it_is_whole_whatever_is_missing(changes: dict[str, object]) -> None:
    text = page_html(comparison_page(comparison(*ALL, **changes)))
    assert "depends on the evaluation set" in text
    assert "None" not in text[text.index('<section id="answer">') : text.index("</main>")]


def test_without_a_common_set_it_says_so() -> None:
    page = comparison_page(comparison())
    assert page.picture is None
    assert "cannot be told" in page.summary.sentences[0]


def test_of_several_recipes_it_has_a_row_each_and_the_panels_of_the_best() -> None:
    found = [comparison(BETTER, WORSE, b="muon"), comparison(WORSE, BETTER, b="lion"), comparison(EQUAL, b="sgd")]
    page = comparison_page(found[0], found)
    assert page.title == f"3 recipes against {found[0].a}"
    panels = [panel for panel in page.panels if isinstance(panel, Panel)]
    assert [panel.name for panel in panels][:2] == ["recipes", "sets"]
    rows = [row for table in panels[0].tables for row in table.rows]
    assert {row[0] for row in rows} == {"muon", "lion", "sgd"}
    assert len(rows) == 5
    text = page_html(page)
    assert "luck" in text
    assert "lion" in text
    alone = comparison_page(found[0], found[:1])
    assert "recipes" not in [panel.name for panel in alone.panels if isinstance(panel, Panel)]


def test_names_from_files_are_escaped() -> None:
    text = page_html(comparison_page(comparison(BETTER, a="<script>alert(1)</script>")))
    assert "<script>alert" not in text


def test_it_draws_at_both_widths_without_error_request_or_overlap(tmp_path: Path) -> None:
    page = write_page(comparison_page(comparison(*ALL)), tmp_path / "compare.html")
    assert page.stat().st_size < MOST_BYTES
    measured, log = open_pages([page], tmp_path / "profile")
    assert_drawn(measured, log)
    for width, seen in zip(WIDTHS, measured, strict=True):
        assert set(seen["panels"]) == {"sets", "distances", "audit", "cells", "parts"}
        assert seen["drawings"] == 6
        assert width < 1400 or seen["picture_ends"] <= 900, "the picture lies on the first screen"
