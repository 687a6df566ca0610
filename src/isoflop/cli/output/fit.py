"""Printing of a fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from isoflop.fit import FitReport

if TYPE_CHECKING:
    from rich.console import RenderableType


def print_fit(report: FitReport, file: Path) -> None:
    """Prints the rows read and dropped, the three approaches and their constants on stdout, and warnings on stderr."""
    from isoflop.report.text import fit_text, warnings_text

    _print(fit_text(report, str(file)))
    warnings = warnings_text(report)
    if warnings is not None:
        _print(warnings, err=True)


def _print(text: RenderableType, *, err: bool = False) -> None:
    """Prints at the terminal's width (80 columns in a pipe), without trailing spaces."""
    from rich.console import Console

    # no markup: names may contain square brackets; no highlighting: numbers need no colours
    console = Console(stderr=err, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(text)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()), err=err)
