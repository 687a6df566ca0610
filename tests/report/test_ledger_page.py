"""The page of a ledger: whole whatever is missing, drawn in a browser, and small."""

from dataclasses import replace
from pathlib import Path

import pytest
from ledger.entries import entry

from isoflop.errors import Notice
from isoflop.ledger import read_ledger
from isoflop.report.html import page_html, write_page
from isoflop.report.ledger_page import ledger_page
from isoflop.report.panel import Panel
from report.ledgers import ledger
from report.test_browser import WIDTHS, assert_drawn, open_pages

PANELS = {"scores", "reaches", "forecasts", "left-out", "backtests"}


def panels(shown):
    return {panel.name for panel in ledger_page(shown).panels if isinstance(panel, Panel)}


def test_it_has_a_panel_for_all_that_there_is():
    assert panels(ledger()) == PANELS
    assert panels(ledger(entry())) == PANELS - {"left-out"}


@pytest.mark.parametrize(
    "only",
    [
        {"interval": None, "level": None},
        {"actual": None, "why_not": "no outcome yet"},
        {"quantity": "accuracy", "predicted": -1.0, "interval": (-2.0, 1.0), "actual": 0.0},
        {"interval": (2.0, 2.0)},
        {"level": 0.8, "sealed": 0.0},
    ],
)
def test_it_is_whole_whatever_is_missing(only):
    text = page_html(ledger_page(ledger(entry(**only))))
    assert "None" not in text[text.index('<section id="answer">') : text.index("</main>")]


def test_an_empty_ledger_says_so(tmp_path):
    text = page_html(ledger_page(read_ledger([tmp_path])))
    assert "No forecast was found." in text


def test_names_from_files_are_escaped():
    name = "<script>alert(1)</script>"
    text = page_html(ledger_page(ledger(entry(name=name, made_from=name, evidence=name))))
    assert "<script>alert" not in text


def test_it_draws_at_both_widths_without_error_request_or_overlap(tmp_path: Path):
    page = write_page(ledger_page(ledger()), tmp_path / "ledger.html")
    measured, log = open_pages([page], tmp_path / "profile")
    assert_drawn(measured, log)
    for width, seen in zip(WIDTHS, measured, strict=True):
        assert set(seen["panels"]) == PANELS
        assert seen["drawings"] == 4
        assert width < 1400 or seen["picture_ends"] <= 900, "the picture lies on the first screen"


def test_warnings_set_the_grade_and_nothing_is_graded_where_nothing_counts(tmp_path):
    assert ledger_page(read_ledger([tmp_path])).grade is None
    assert ledger_page(ledger()).grade.word == "sound"
    warned = replace(ledger(), notices=(Notice(code="few_forecasts", message="two are too few"),))
    assert ledger_page(warned).grade.word == "with care"
