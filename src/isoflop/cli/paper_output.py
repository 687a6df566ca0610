"""A section of the papers reproduced, in a terminal."""

from __future__ import annotations

import shutil
import textwrap

import click

from isoflop.cli.answer import print_table
from isoflop.paper import Section

_MARKS = "abcdefghijklmnopqrstuvwxyz"


def print_section(section: Section, *, whole: bool) -> None:
    """The section on stdout; not `whole`: the rows furthest apart where there are many, and no details."""
    _say(section.title.upper() if not whole else section.title)
    _say(section.lead)
    click.echo()
    _print_compared(section, whole=whole)
    shown = [grid for grid in section.grids if whole or not grid.detail]
    for grid in shown:
        _say(f"{grid.title}:")
        print_table(grid.heads, grid.texts(), text=grid.words, wrap=grid.words)
        click.echo()
    if len(shown) < len(section.grids):
        _say(f"More tables of this section: isoflop paper --table {section.name}")
    if section.missing:
        _say(f"Missing: {section.missing}.")
    _say(f"Source: {section.source}.")
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
        _say(f"{mark}  {reason}", indent="   ")
    _say(f"{section.same_digits} of {len(section.compared)} round to the printed digits.")
    if len(shown) < len(section.compared):
        _say(f"Shown: the {len(shown)} furthest apart; all: isoflop paper --table {section.name}")
    click.echo()


def _say(text: str, indent: str = "") -> None:
    width = min(shutil.get_terminal_size().columns, 100)
    click.echo(textwrap.fill(text, width=width, subsequent_indent=indent, break_on_hyphens=False))
