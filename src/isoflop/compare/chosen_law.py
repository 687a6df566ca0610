"""Which law the runs of both recipes ask for: one for both, a floor each, or floors and exponents each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Mask
from isoflop.compare.law_rows import FinalRows, places
from isoflop.compare.shared_law import FLOORS, OWN, SHIFTED, SharedLaw, SharedRows, fit_shared

_FEWEST_PLACES = 3
"""Sizes, and token counts, from which on the data separate the two terms of the law."""
ON_A_LINE = 0.98
"""Correlation of ln N and ln D above which runs lie on one line."""
_SPARE_RUNS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenLaw:
    """The law that the runs ask for."""

    law: SharedLaw
    own_floor: bool
    """Whether each recipe has a floor of its own."""
    own_exponents: bool
    """Whether it has exponents of its own too."""


def law_words(found: ChosenLaw, runs: int) -> str:
    """The law as a source of slopes."""
    what = "one E, alpha and beta for both recipes"
    if found.own_floor:
        each, common = "an E, alpha and beta each", "an E for each recipe, one alpha and beta for both"
        what = each if found.own_exponents else common
    return f"a law with {what}, fitted to {runs} runs"


def shows_law(rows: FinalRows, chosen: Mask | None = None) -> bool:
    """Whether sizes and tokens of the (chosen) runs are of three kinds each and not on a line in (ln N, ln D)."""
    N, D = (rows.N, rows.D) if chosen is None else (rows.N[chosen], rows.D[chosen])
    if not rows.sized or places(N) < _FEWEST_PLACES or places(D) < _FEWEST_PLACES:
        return False
    return abs(float(np.corrcoef(np.log(N), np.log(D))[0, 1])) <= ON_A_LINE


def shared_law(rows: FinalRows) -> ChosenLaw | None:
    """The law with as many constants of each recipe's own as the runs ask for; None where they do not identify it."""
    if not shows_law(rows) or len(rows.loss) < SHIFTED + _SPARE_RUNS:
        return None
    of = SharedRows.of(rows.N, rows.D, rows.loss, rows.is_a)
    common = fit_shared(of)
    if common is None:
        return None
    floors = fit_shared(of, FLOORS, common)
    own = None if floors is None else fit_shared(of, OWN, floors)
    if floors is None or own is None:
        return ChosenLaw(law=common, own_floor=False, own_exponents=False)
    if own.better_than(floors):
        return ChosenLaw(law=own, own_floor=True, own_exponents=True)
    differ = floors.better_than(common)
    return ChosenLaw(law=floors if differ else common, own_floor=differ, own_exponents=False)
