"""The page of the papers: its panels, and what it says with and without the points of Figure 4."""

from __future__ import annotations

import pytest
from fit.designs import FIGURE

from isoflop.fit import fit_all
from isoflop.paper import SECTIONS, all_sections, section
from isoflop.paper.refit import read_points
from isoflop.report.html import page_html
from isoflop.report.pages import papers_page
from isoflop.report.panel import Absent, Page, Panel
from isoflop.report.panels.papers import papers_summary

DRAWN = {"map": 2, "losses": 2, "rules": 2, "table-a9": 1}


@pytest.fixture(scope="module")
def page() -> Page:
    """The page without the points."""
    return papers_page({one.name: one for one in all_sections(None)})


def test_every_section_is_a_panel_and_the_refit_is_missing(page: Page) -> None:
    shown = {panel.name: panel for panel in page.panels if isinstance(panel, Panel)}
    assert {name: len(shown[name].drawings) for name in DRAWN} == DRAWN
    assert set(shown) == ({*SECTIONS, "map", "rules"} - {"figure-4", "140b-on-3t"})
    (absent,) = [panel for panel in page.panels if isinstance(panel, Absent)]
    assert "svg_extracted_data.csv" in absent.sentence


def test_the_summary_counts_what_comes_out_and_names_what_is_missing(page: Page) -> None:
    compared = [one for name in SECTIONS for one in section(name).compared]
    same = sum(one.same_digits for one in compared)
    assert page.summary.sentences[0].startswith(f"Of {len(compared)} printed numbers, {same} come out")
    # 0.000069 and 0.012368 above the least; 1080 over 280
    assert "6.9e-5" in page.summary.sentences[1]
    assert "0.012" in page.summary.sentences[1]
    assert "3.86 times" in page.summary.sentences[1]
    assert len(page.summary.not_identified) == 1


def test_methods_state_what_the_numbers_count(page: Page) -> None:
    assert page.methods[0].heading == "Conventions"
    assert "6ND" in page.methods[0].lines[0]


def test_the_page_holds_its_tables_as_text(page: Page) -> None:
    text = page_html(page)
    for part in (
        "Chinchilla, reproduced",
        '<td class="number">1.26e24</td>',
        "chinchilla-16183m",
        "MFU with attention",
    ):
        assert part in text


def test_points_bring_the_panels_of_the_fit() -> None:
    sections = {one.name: one for one in all_sections(FIGURE)}
    refit = fit_all(read_points(FIGURE)[0], draws=100)
    page = papers_page(sections, refit)
    shown = {panel.name for panel in page.panels if isinstance(panel, Panel)}
    assert {"figure-4", "scaling", "constants", "surface", "residuals"} <= shown
    assert papers_summary(sections).not_identified == ()
