"""The terminal report of `isoflop fit`."""

from __future__ import annotations

from pathlib import Path

from isoflop.fit import FitReport


def print_fit(report: FitReport, file: Path) -> None:
    """What was read and left out, the three approaches, constants and how far to trust them; warnings on stderr."""
    from rich.console import Console

    from isoflop.report import fit_view, text_report, warnings_text

    view = fit_view(report, str(file))
    # No markup: names may hold square brackets. No highlight: numbers need no colours.
    Console(markup=False, highlight=False, emoji=False).print(text_report(view))
    warnings = warnings_text(view)
    if warnings is not None:
        Console(stderr=True, markup=False, highlight=False, emoji=False).print(warnings)
