"""Notices of a comparison: what limits its verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.compare.cells import Cell
from isoflop.compare.options import CompareOptions
from isoflop.compare.result import Audit, Savings, SetVerdict
from isoflop.compare.usual_slope import WORDS
from isoflop.errors import Notice
from isoflop.units import format_number

_FAR = 10.0
"""Factor beyond the compared compute from which on a saving is an extrapolation that past forecasts do not support."""


def comparison_notices(
    sets: Sequence[SetVerdict],
    audit: Sequence[Audit],
    cells: Sequence[Cell],
    saved: Savings | None,
    options: CompareOptions,
) -> tuple[Notice, ...]:
    """The notices, each once."""
    found = _of_sizes(cells)
    unknown = [each.what for each in audit if each.must and "unknown" in (each.a, each.b)]
    if unknown:
        text = f"whether both sides have the same {' and '.join(unknown)} is not stated; it is taken to be so"
        found.append(Notice(code="equality_unknown", message=text))
    if lone := [each.name for each in sets if each.gap is not None and each.gap_interval is None]:
        text = f"on {', '.join(lone)} nothing tells how far two seeds are apart, so that a gap may be theirs"
        found.append(Notice(code="noise_unknown", message=text))
    if sets and all(len(each.cells) == 1 for each in sets):
        text = "one size and one number of tokens: whether the difference holds at other scales is unknown"
        found.append(Notice(code="one_cell", message=text))
    if len(sets) > 1:
        chance = 100 * (1 - options.level ** len(sets))
        text = (
            f"each of {len(sets)} evaluation sets has a verdict at {100 * options.level:.0f} %; two equal recipes "
            f"would be called different on one of them or more in up to {chance:.0f} % of comparisons"
        )
        found.append(Notice(code="several_sets", message=text))
    if apart := [each.name for each in sets if each.constant is False and each.reachable]:
        text = f"on {', '.join(apart)} no one multiplier serves all scales: read each cell's, and its trend"
        found.append(Notice(code="no_constant_multiplier", message=text))
    if usual := [each.name for each in sets if each.slope_used is not None and each.slope_used.usual]:
        on = "" if len(usual) == len(sets) else f"on {', '.join(usual)} "
        text = f"{on}these runs do not show how fast the loss falls; the multiplier is by {WORDS}"
        found.append(Notice(code="usual_slope", message=text))
    if out := [each.name for each in sets if not each.reachable]:
        text = f"on {', '.join(out)} A does not reach B's losses within what its runs speak for"
        found.append(Notice(code="not_reached", message=text))
    of_cells = [each for each in sets if each.reachable and each.own_law is None]
    if some := [each.name for each in of_cells if any(cell.reach == "never" for cell in each.cells)]:
        text = (
            f"on {', '.join(some)} A does not reach B's losses in some cells: the multiplier is the mean over the "
            "others, which is too low; the median leaves none out"
        )
        found.append(Notice(code="some_not_reached", message=text))
    if options.variants > 1:
        text = f"B is the best of {options.variants} variants: run it with fresh seeds, or use the shrunk multiplier"
        found.append(Notice(code="best_of_variants", message=text))
    return (*found, *_of_savings(saved, options))


def _of_sizes(cells: Sequence[Cell]) -> list[Notice]:
    """Runs of several lengths and of no stated size count as one size, so that a larger model would pass for tokens."""
    runs = [run for cell in cells for group in (cell.a, cell.b) for run in group.runs]
    if len(cells) < 2 or any(run.params is not None or run.compute is not None for run in runs):
        return []
    text = (
        f"no run states its parameters: runs of {len(cells)} lengths count as one size, and where they have several "
        "the multiplier is not one of compute; state sizes by --params-of"
    )
    return [Notice(code="sizes_unknown", message=text)]


def _of_savings(saved: Savings | None, options: CompareOptions) -> list[Notice]:
    if options.at is None:
        return []
    if saved is None:
        text = "what a planned run would save is unknown: it takes multipliers at two computes or more"
        return [Notice(code="no_savings", message=text)]
    if saved.extrapolated_by > _FAR:
        factor = format_number(saved.extrapolated_by, 2)
        text = f"the planned run has {factor} times the largest compute that was compared; the trend is carried on"
        return [Notice(code="savings_far_out", message=text)]
    return []
