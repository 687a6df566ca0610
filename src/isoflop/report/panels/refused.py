"""What stands in place of a panel whose approach gave no law."""

from __future__ import annotations

from isoflop.report.panel import Absent, Panel
from isoflop.report.style import APPROACH_NAMES
from isoflop.report.view import View, section


def refusal(view: View, approach: str, name: str, title: str) -> Panel | Absent | None:
    """The reason in the panel's place where the approach was refused or does not apply; None where it has a law."""
    part = section(view, "fit").get(approach) or {}
    status, words = part.get("status", "ok"), APPROACH_NAMES[approach]
    if status == "ok":
        return None
    if status == "not_applicable":
        return Absent(sentence=f"{title}: {words} does not apply; {part.get('reason')}.")
    return Panel(
        name=name, short=title, title=title, lead=f"{words[:1].upper()}{words[1:]}, was refused: {part.get('reason')}."
    )
