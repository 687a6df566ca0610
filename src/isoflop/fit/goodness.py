"""How well a fit has to fit, whatever its form: beyond that no law of these runs is worth its name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import RefusedError

Array = NDArray[np.float64]

MOST_SCATTER = 0.15
"""Of a loss. Ten times the compute lowers losses by 11 % (Kaplan et al. 2020, C^-.05) to 17 % (Hoffmann et al. 2022,
1e18 to 1e20 FLOPs): where runs scatter by as much, a run does not tell a model from one of ten times its compute. Of
the public tables that were tried the law leaves 9 % at most, in one with down to .01 tokens a parameter; seeds differ
by .1 to .5 %."""
_SHOWN = 3


def refuse_scatter(scatter: float, of: str, rows: NDArray[np.int64] | None = None, off: Array | None = None) -> None:
    """Raise RefusedError `poor_fit` where runs scatter about a fit by more than 15 % of the loss.

    `of` says what about; `rows` and how far their ln losses lie `off`, where known, name the worst.
    """
    if scatter <= MOST_SCATTER:
        return
    worst = ""
    if rows is not None and off is not None:
        order = np.argsort(-np.abs(off), kind="stable")[:_SHOWN]
        named = ", ".join(f"row {rows[i]} by {np.expm1(off[i]):+.0%}" for i in order.tolist())
        worst = f"; furthest off are {named}"
    raise RefusedError(
        "poor_fit",
        f"the losses scatter by {scatter:.0%} about {of}, and beyond {MOST_SCATTER:.0%} a run does not tell a model "
        f"from one of ten times its compute{worst}: look for diverged runs, losses in several units or of several data "
        "sets, and columns that are not what they are called",
    )
