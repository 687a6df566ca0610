"""The terminal report of `isoflop fit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.fit import FitReport


def print_fit(report: FitReport, file: Path) -> None:
    """What was read and left out, the three approaches, constants and how far to trust them; warnings on stderr."""
    from isoflop.report import fit_view, text_report, warnings_text

    view = fit_view(report, str(file))
    _print(text_report(view))
    warnings = warnings_text(view)
    if warnings is not None:
        _print(warnings, err=True)


def _print(text: Any, *, err: bool = False) -> None:
    """At the width of the terminal, 80 columns on a pipe, without the spaces that fill up a line."""
    from rich.console import Console

    # No markup: names may hold square brackets. No highlight: numbers need no colours.
    console = Console(stderr=err, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(text)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), err=err)
