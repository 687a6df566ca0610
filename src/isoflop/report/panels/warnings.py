"""Every warning of a study or a fit, with its code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from isoflop.errors import Notice
from isoflop.fit import FitReport
from isoflop.report.panel import Absent, Panel
from isoflop.report.style import APPROACH_SHORT

SourcedNotice = tuple[str, Notice]
"""(what it is about: an approach in few words, `runs`, `plan` or nothing; the notice)."""


def fit_warnings(report: FitReport) -> list[SourcedNotice]:
    """The notices of the table and of each approach."""
    sourced = [("runs", notice) for notice in report.observations.notices]
    for name, words in APPROACH_SHORT.items():
        sourced += [(words, notice) for notice in report.fits[name].notices]
    return sourced


def without_repeats(notices: Iterable[SourcedNotice]) -> tuple[SourcedNotice, ...]:
    """Each message once and with a capital: two approaches may say the same of the same rows."""
    unique: dict[str, SourcedNotice] = {}
    for about, notice in notices:
        message = notice.message
        if not message.startswith("ln "):  # a formula keeps its case
            message = message[:1].upper() + message[1:]
        unique.setdefault(message, (about, Notice(code=notice.code, message=message)))
    return tuple(unique.values())


def warnings_panel(notices: Sequence[SourcedNotice]) -> Panel | Absent:
    """Every warning of the fit, with its code."""
    if not notices:
        return Absent(sentence="Warnings: the fit gave none.")
    return Panel(
        name="warnings",
        short="Warnings",
        title="Warnings",
        lead="What to know before any number here is used. The guide to fitting says what to do about each code.",
        items=tuple((f"{notice.message}.", f"{about} · {notice.code}") for about, notice in notices),
    )
