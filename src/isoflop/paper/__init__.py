"""Hoffmann et al. 2022 and what came of it, reproduced: printed numbers compared with those computed now."""

from isoflop.paper.markdown import paper_markdown, section_markdown
from isoflop.paper.section import Cell, Column, Compared, Grid, Section, Span, cell_text
from isoflop.paper.sections import FIGURE_4, SECTIONS, all_sections, section

__all__ = [
    "FIGURE_4",
    "SECTIONS",
    "Cell",
    "Column",
    "Compared",
    "Grid",
    "Section",
    "Span",
    "all_sections",
    "cell_text",
    "paper_markdown",
    "section",
    "section_markdown",
]
