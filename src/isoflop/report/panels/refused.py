"""What stands in place of a panel whose approach gave no law."""

from __future__ import annotations

from isoflop.fit import Approach, FitReport, Refused
from isoflop.report.panel import Absent, Panel
from isoflop.report.style import APPROACH_NAMES


def refusal(report: FitReport | None, approach: Approach, name: str, title: str) -> Panel | Absent | None:
    """The reason in the panel's place where the approach was refused or does not apply; None where it has a law."""
    outcome = None if report is None else report.fits[approach]
    if not isinstance(outcome, Refused):
        return None
    words = APPROACH_NAMES[approach]
    if not outcome.applicable:
        return Absent(sentence=f"{title}: {words} does not apply; {outcome.reason}.")
    lead = f"{words[:1].upper()}{words[1:]}, was refused: {outcome.reason}."
    return Panel(name=name, short=title, title=title, lead=lead)
