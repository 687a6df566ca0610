"""Printing of a fit."""

from __future__ import annotations

from pathlib import Path

from isoflop.cli.output.tables import print_notices, print_rich
from isoflop.fit import FitReport


def print_fit(report: FitReport, file: Path) -> None:
    """Prints the answer, its grade, the rows, the approaches and constants on stdout, and warnings on stderr."""
    from isoflop.cli.output.condition_groups import print_groups
    from isoflop.report.pages import report_warnings
    from isoflop.report.text import fit_text

    if report.groups is not None:
        print_groups(report.groups, file)
    else:
        print_rich(fit_text(report, str(file)))
    print_notices(notice for _, notice in report_warnings(report))
