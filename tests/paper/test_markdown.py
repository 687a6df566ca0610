"""docs/paper.md is what the code says now."""

import re
from pathlib import Path

import pytest
from fit.designs import FIGURE

from isoflop.paper import FIGURE_4, SECTIONS, all_sections, paper_markdown, section, section_markdown

PAGE = Path(__file__).parents[2] / "docs" / "paper.md"
MAKE_AGAIN = "make it again: isoflop paper --points svg_extracted_data.csv --markdown > docs/paper.md"


@pytest.mark.parametrize("name", [name for name in SECTIONS if name != FIGURE_4])
def test_the_page_holds_every_section_as_it_is_now(name):
    assert section_markdown(section(name)) in PAGE.read_text(), MAKE_AGAIN


def test_the_whole_page_with_the_refit():
    if not FIGURE.is_file():
        pytest.skip(f"needs {FIGURE}")
    assert paper_markdown(all_sections(FIGURE)) == PAGE.read_text(), MAKE_AGAIN


def test_tables_are_whole_and_links_go_to_sections():
    page = paper_markdown(all_sections())
    for block in re.findall(r"(?:^\|.*\|\n)+", page, re.MULTILINE):
        assert len({line.count("|") for line in block.splitlines()}) == 1
    assert set(re.findall(r"\(#([\w-]+)\)", page)) == set(re.findall(r"^## (.+)$", page, re.MULTILINE)) == set(SECTIONS)
