"""All sections by name, in the order in which `isoflop paper`, docs/paper.md and the page show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from isoflop.errors import InputError
from isoflop.paper import counts, refit, rules, speeds, systems, tables
from isoflop.paper.section import Section

FIGURE_4 = "figure-4"
"""The one section that needs the points of Figure 4."""
_MAKERS: dict[str, Callable[[], Section]] = {
    "table-2": tables.exponents,
    "table-3": tables.table_3,
    "table-a3": tables.table_a3,
    "sentences": tables.sentences,
    "table-a4": counts.table_a4,
    "table-a9": counts.table_a9,
    "sizes": counts.sizes,
    "compute": counts.compute,
    "throughput": speeds.throughput,
    "optima": systems.optima,
    "losses": systems.losses,
    "140b-on-3t": rules.proposal,
}
SECTIONS = (*_MAKERS, FIGURE_4)
"""Names of all sections, in order."""


def section(name: str, points: Path | None = None) -> Section:
    """The section called `name`; Figure 4's from the file `points`, or without one how to get it.

    Raises InputError for another name, listing them, for points with another section, and for a file that does not
    hold Figure 4's points.
    """
    if name == FIGURE_4:
        return refit.figure_4(None if points is None else refit.refit(points))
    if name not in _MAKERS:
        raise InputError(f"table: expected one of {', '.join(SECTIONS)}, got {name!r}")
    if points is not None:
        raise InputError(f"{name}: only {FIGURE_4} is made from points")
    return _MAKERS[name]()


def all_sections(points: Path | None = None) -> tuple[Section, ...]:
    """Every section, in order. Raises InputError for a file that is not Figure 4's points."""
    if points is not None:
        refit.read_points(points)  # refuses a wrong file before the other sections are made
    return tuple(section(name, points if name == FIGURE_4 else None) for name in SECTIONS)
