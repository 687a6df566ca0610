"""Every warning of a study or a fit, with its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.report.panel import Absent, Panel
from isoflop.report.style import APPROACH_SHORT
from isoflop.report.view import View, section


@dataclass(frozen=True, kw_only=True)
class Warned:
    """One warning."""

    about: str
    """The approach in few words, or `runs`, `forecast`, `plan`, `corpus`."""
    code: str
    """Stable; docs/fitting.md says what to do about each."""
    message: str
    """One sentence, with a capital unless it begins with a formula."""


def notices(view: View) -> tuple[Warned, ...]:
    """All warnings, the runs' first, each once: two approaches may say the same of the same rows."""
    found: dict[str, Warned] = {}
    for about, entry in _entries(view):
        text = str(entry.get("message", entry)) if isinstance(entry, Mapping) else str(entry)
        code = str(entry.get("code", "")) if isinstance(entry, Mapping) else ""
        said = text if text.startswith("ln ") else text[:1].upper() + text[1:]
        found.setdefault(said, Warned(about=about, code=code, message=said))
    return tuple(found.values())


def _entries(view: View) -> Iterator[tuple[str, Any]]:
    fit = section(view, "fit")
    for about, entries in (
        ("", view.get("notices")),
        ("runs", (fit.get("observations") or {}).get("notices")),
        *((APPROACH_SHORT[name], (fit.get(name) or {}).get("warnings")) for name in APPROACH_SHORT),
        ("fit", fit.get("warnings")),
        ("plan", section(view, "plan").get("warnings") or section(view, "plan").get("notices")),
        ("corpus", section(view, "corpus").get("warnings") or section(view, "corpus").get("notices")),
    ):
        for entry in entries or ():
            yield about, entry


def warnings_panel(view: View) -> Panel | Absent:
    """Every warning of the fit, with its code."""
    items = tuple((f"{one.message}.", f"{one.about} · {one.code}") for one in notices(view))
    if not items:
        return Absent(sentence="Warnings: the fit gave none.")
    return Panel(
        name="warnings",
        short="Warnings",
        title="Warnings",
        lead="What to know before any number here is used. The guide to fitting says what to do about each code.",
        items=items,
    )
