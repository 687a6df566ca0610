"""Printing of a section of published numbers."""

from __future__ import annotations

import click

from isoflop.cli.output.tables import print_table, print_text
from isoflop.paper import Section

_MARKS = "abcdefghijklmnopqrstuvwxyz"


def print_section(section: Section, *, whole: bool) -> None:
    """Prints the section on stdout; unless `whole`, only the rows furthest apart, and no tables of details."""
    print_text(section.title.upper() if not whole else section.title)
    print_text(section.lead)
    click.echo()
    _print_compared(section, whole=whole)
    shown = [grid for grid in section.grids if whole or not grid.detail]
    for grid in shown:
        print_text(f"{grid.title}:")
        print_table(grid.heads, grid.texts(), text=grid.words, wrap=grid.words)
        click.echo()
    if len(shown) < len(section.grids):
        print_text(f"More tables of this section: isoflop paper --table {section.name}")
    if section.missing:
        print_text(f"Missing: {section.missing}.")
    print_text(f"Source: {section.source}.")
    click.echo()


def _print_compared(section: Section, *, whole: bool) -> None:
    if not section.compared:
        return
    shown = section.compared
    if section.most is not None and not whole:
        shown = tuple(sorted(shown, key=lambda one: -abs(one.difference)))[: section.most]
    reasons = list(dict.fromkeys(one.why for one in shown if one.why))
    marks = dict(zip(reasons, _MARKS, strict=False))
    rows = [(*one.texts(), marks.get(one.why, "")) for one in shown]
    print_table(["", "published", "ours", "difference", "why"], rows, text=(0, 4), wrap=(0,))
    for reason, mark in marks.items():
        print_text(f"{mark}  {reason}", indent="   ")
    print_text(f"{section.same_digits} of {len(section.compared)} round to the printed digits.")
    if len(shown) < len(section.compared):
        print_text(f"Shown: the {len(shown)} furthest apart; all: isoflop paper --table {section.name}")
    click.echo()
