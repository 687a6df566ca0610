"""Data that come again: a training loss that falls away from the evaluation loss, slowly or at the turn of an epoch."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.looks import log_loss_at, looks_of, noise_of

FALL = 0.02
"""Fall of ln(training loss / evaluation loss) since the first looks from which on it is reported."""
_DROP = 0.01
"""Its fall from one look to the next that is reported as the turn of an epoch."""
_SDS = 6.0
"""Standard deviations of single looks that either must be besides."""
_BASE_LOOKS = 4


def repeated_after(training: Curve, evaluation: Curve, *, from_share: float) -> tuple[Array, Array]:
    """Returns the shares of the looks at `training`, and 1 where data have been repeated after that look, else 0.

    Looks before `from_share` carry nothing. Reported when the training loss is below the evaluation loss and two looks
    in a row have fallen from it since the first looks, or when it drops between two looks and stays there while the
    evaluation loss does not drop.
    """
    looks = looks_of(training)
    gap = looks.log_loss - log_loss_at(evaluation, looks.share)
    usable = np.flatnonzero(np.isfinite(gap) & (looks.known_at >= from_share))
    known, gap = looks.known_at[usable], gap[usable]
    state = np.zeros(len(gap))
    for k in range(_BASE_LOOKS + 1, len(gap)):
        noise = noise_of(gap[: k - 1], fewest=2)
        base = np.median(gap[:_BASE_LOOKS])
        fallen = gap[k - 1 : k + 1].max()
        slow = fallen < min(base - max(FALL, _SDS * noise), 0.0)
        before = gap[max(k - 3, 0) : k - 1]
        drop = fallen - before.min() < -max(_DROP, _SDS * noise)
        state[k] = 1.0 if slow or drop or state[k - 1] else 0.0
    return known, state
