"""Whether A gets to B's losses: where it was trained, beyond that, or not at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.conversion import Conversion
from isoflop.compare.gaps import Gaps
from isoflop.compare.result import Reach

MOST_BEYOND = 3.0
"""Multiplier up to which a loss below all of A's is still given one: the law is then followed over half a decade past
A's runs. In sets of public runs the size and loss of the best plan are found within a few per cent to there, and not to
ten times (docs/forecasts.md)."""
FORM_SHARE = 0.5
"""Of the distance between the law with its floor and its tangent without one, as a standard deviation: the truth lies
between the two in two cases of three."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reached:
    """ln m of each cell, NaN where A does not reach B's loss, and how each was found."""

    log_multiplier: Array
    """(cells,)."""
    how: tuple[Reach, ...]
    form_sd: Array
    """Standard deviation of ln m by the form of the law beyond A's runs; 0 within them; (cells,)."""

    @property
    def share(self) -> float:
        """Of the cells that A reaches."""
        return float(np.mean(np.isfinite(self.log_multiplier)))


def reached(gaps: Gaps, conversion: Conversion, spent: Array, lowest: tuple[float, float]) -> Reached:
    """The cells' ln m; `spent` (cells,) is ln of what A spent over what B spent, `lowest` ln of each side's least loss.

    The error of form is that of the law beyond the losses of the worse side, so that it is the same both ways round.
    """
    raw = conversion.log_multiplier(gaps.log_a, gaps.log_b) + spent
    beyond = gaps.log_b < lowest[0] - 1e-12
    lost = ~np.isfinite(raw) | (beyond & (raw - spent > math.log(MOST_BEYOND)))
    how = tuple(_how(bool(no), bool(far)) for no, far in zip(lost, beyond, strict=True))
    return Reached(
        log_multiplier=np.where(lost, np.nan, raw),
        how=how,
        form_sd=np.where(lost, 0.0, _form_sd(gaps, conversion, max(lowest))),
    )


def _how(lost: bool, beyond: bool) -> Reach:
    if lost:
        return "never"
    return "extrapolated" if beyond else "measured"


def _form_sd(gaps: Gaps, conversion: Conversion, lowest: float) -> Array:
    """Half the distance in ln m between the law and its tangent at the worse side's lowest loss, which has no floor."""
    edge = np.full(len(gaps.log_b), lowest)
    least = np.minimum(edge, np.minimum(gaps.log_a, gaps.log_b))
    law = conversion.log_multiplier(edge, least)
    tangent = (edge - least) * conversion.per_gap(edge)
    return np.asarray(FORM_SHARE * np.abs(np.nan_to_num(law - tangent)))
