"""Figures in a real browser: zoom, downloads, colours of both schemes, and paper."""

from __future__ import annotations

import csv
import io
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from isoflop.fit import FitReport
from isoflop.paper import all_sections
from isoflop.report.html import write_page
from isoflop.report.pages import fit_page, papers_page, study_page
from isoflop.report.record import StudyRecord
from report.in_page import CONTRAST, HEADINGS, PRINTED, SAVED, ZOOMED
from report.test_browser import console, open_pages


@pytest.fixture(scope="module")
def page(study: StudyRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(study_page(study), tmp_path_factory.mktemp("pages") / "report.html")


def asked(page: Path, tmp_path: Path, expression: str) -> list[Any]:
    """What the expression comes to in a narrow and in a wide window."""
    measured, log = open_pages([page], tmp_path / "profile", expression)
    assert console(log) == []
    return [seen["asked"] for seen in measured]


def test_zoom_by_mouse_buttons_and_keys_keeps_ticks_and_can_be_undone(page: Path, tmp_path: Path) -> None:
    for seen in asked(page, tmp_path, ZOOMED % {"figure": "isoflop-curves"}):
        first, zoomed = seen["first"], seen["zoomed"]
        for axis in ("x", "y"):
            middle = sum(first[axis]) / 2
            span = first[axis][1] - first[axis][0]
            assert sum(zoomed[axis]) / 2 == pytest.approx(middle)
            assert zoomed[axis][1] - zoomed[axis][0] == pytest.approx(span / 1.5**4)
            assert seen["recoloured"][axis] == pytest.approx(zoomed[axis])
            assert seen["reset"][axis] == pytest.approx(first[axis])
            assert seen["again"][axis] == pytest.approx(first[axis])
            assert seen["clicked_twice"][axis] == pytest.approx(first[axis])
            assert seen["out"][axis][1] - seen["out"][axis][0] == pytest.approx(span * 1.5)
        start, span = first["x"][0], first["x"][1] - first["x"][0]
        assert seen["dragged"]["x"] == pytest.approx([start + 0.3 * span, start + 0.6 * span], rel=0.02)
        assert seen["moved"]["x"][0] > zoomed["x"][0]
        assert seen["moved"]["y"] == pytest.approx(zoomed["y"])
        assert len(zoomed["ticks"]) >= 2
        assert zoomed["ticks"] == seen["recoloured"]["ticks"] != first["ticks"]
        assert first["ticks"] == seen["reset"]["ticks"]
        assert seen["touch_taken"] is False, "a finger on a figure must scroll the page"


def test_a_figure_is_saved_as_svg_and_its_data_as_a_table(page: Path, tmp_path: Path, study: StudyRecord) -> None:
    for saved in asked(page, tmp_path, SAVED % {"figure": "isoflop-curves"}):
        (table,) = (text for name, text in saved.items() if name == "study-isoflop-report-isoflop-curves.csv")
        (picture,) = (text for name, text in saved.items() if name == "study-isoflop-report-isoflop-curves.svg")
        rows = list(csv.DictReader(io.StringIO(table)))
        columns = list(rows[0])
        assert columns[:3] == ["series", "parameters N (non-embedding)", "validation loss (nats per token)"]
        drawn = {(float(row[columns[1]]), float(row[columns[2]])) for row in rows if row["series"].endswith("runs")}
        runs = {(one.params, one.loss) for one in study.runs if one.status == "done" and "isoflop" in one.purposes}
        assert runs <= drawn
        root = ET.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        texts = "".join(root.itertext())
        assert "parameters N (non-embedding)" in texts
        assert "far from the vertex: not used" in texts, "the legend belongs to the picture"
        assert "http" not in picture.replace("http://www.w3.org/", "")


def test_contours_are_saved_with_their_loss(page: Path, tmp_path: Path) -> None:
    for saved in asked(page, tmp_path, SAVED % {"figure": "loss-surface"}):
        (table,) = (text for name, text in saved.items() if name.endswith(".csv"))
        rows = list(csv.DictReader(io.StringIO(table)))
        assert sum(bool(row["fitted loss"]) for row in rows) == 60 * 60


def test_text_has_contrast_in_both_schemes(page: Path, report: FitReport, tmp_path: Path) -> None:
    fit = write_page(fit_page(report, "runs.csv"), tmp_path / "fit.html")
    for one in (page, fit):
        for light, dark in asked(one, tmp_path, CONTRAST):
            assert (light["paper"], dark["paper"]) == ("rgb(255, 255, 255)", "rgb(20, 24, 28)")
            assert (light["word"], dark["word"]) == ("Dark colours", "Light colours")
            assert (light["stored"], dark["stored"]) == (None, "dark")
            assert light["poor"] == []
            assert dark["poor"] == []


def test_paper_shows_what_is_folded_and_cut_on_the_screen(page: Path, tmp_path: Path) -> None:
    for seen in asked(page, tmp_path, PRINTED):
        before, printed, after = seen["before"], seen["printed"], seen["after"]
        assert before["folded"] > 0
        assert before["cut"] > 0
        assert printed["folded"] == 0
        assert printed["cut"] == 0
        assert printed["beyond"] == []
        assert 600 < printed["widest"] <= 681
        assert (before["paper"], printed["paper"]) == ("rgb(20, 24, 28)", "rgb(255, 255, 255)")
        assert after == before


def test_headings_are_in_order_and_everything_has_a_name(page: Path, report: FitReport, tmp_path: Path) -> None:
    fit = write_page(fit_page(report, "runs.csv"), page.with_name("fit.html"))
    sections = {one.name: one for one in all_sections(None)}
    papers = write_page(papers_page(sections), page.with_name("papers.html"))
    measured, log = open_pages([page, fit, papers], tmp_path / "profile", HEADINGS)
    assert console(log) == []
    for seen in (one["asked"] for one in measured):
        assert seen["levels"][0] == 1
        assert seen["levels"].count(1) == 1
        assert all(after <= before + 1 for before, after in zip(seen["levels"], seen["levels"][1:], strict=False))
        assert {key: value for key, value in seen.items() if key != "levels" and value} == {}
