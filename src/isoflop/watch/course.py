"""The course of a run that goes right: ln(loss) at each look, and how far right runs lie from theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.looks import log_loss_at

REPEAT_SD = 0.0005
"""Standard deviation of ln(loss) between two runs that differ in their seed, where nothing more is known.

The median over recipes of the public 124M runs is .0005 at a fifth of the schedule and .0003 at its end
(bench/watch/false_alarms.md).
"""
KIN_SD = 0.003
"""Standard deviation of the change along a run of ln(loss) against the next smaller run of its family.

The ratio of methods.md errs .2 % on average, .4 % at most, at a fifth of the schedule of the public ladder.
"""
PRIOR_DOF = 3.0
"""Runs' worth of weight of these two: so few that three finished runs outweigh them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What a right run shows at the looks of the run that is watched. All are logarithms of loss."""

    centre: Array
    """Expected ln(loss); NaN where nothing is expected; shape (looks,)."""
    level_sd: Array
    """Standard deviation of a right run about `centre`; shape (looks,)."""
    level_dof: float
    """Degrees of freedom of `level_sd`; infinite for a band that was stated."""
    paths: Array
    """Deviations of right runs from their own courses at the looks; shape (runs, looks), (0, looks) of none."""
    change_sd: float
    """Standard deviation of a change of the deviation along a right run, as known without `paths`."""


def course_of_repeats(like: Sequence[Curve], share: Array) -> Course:
    """Returns the course by finished runs that differ from the watched one in nothing but the seed.

    `share` are the looks at the watched run. Raises ValueError without a run.

    Seeds differ by an offset that lasts, so that the spread over runs, and not over looks, is the scale of the level.
    """
    if not like:
        raise ValueError("expected a finished run")
    logs = np.array([log_loss_at(curve, share) for curve in like])
    # A log of the end of a run only, or of a run that was cut, would move the mean where it sets in.
    whole = np.isfinite(logs).sum(axis=1)
    logs = logs[whole == whole.max()]
    runs = len(logs)
    centre = logs.mean(axis=0)
    # Each run against the mean of the others.
    paths = (logs - centre) * runs / (runs - 1) if runs > 1 else np.zeros((0, len(share)))
    prior = REPEAT_SD**2 * (1 + 1 / runs)
    dof = PRIOR_DOF + max(runs - 1, 0)
    squares = _smoothed(np.sum(paths**2, axis=0), share) * (runs - 1) / runs if runs > 1 else 0.0
    return Course(
        centre=centre,
        level_sd=np.sqrt((PRIOR_DOF * prior + squares) / dof * np.ones(len(share))),
        level_dof=dof,
        paths=paths,
        change_sd=REPEAT_SD * np.sqrt(2.0),
    )


def course_of_band(centre: Array, level_sd: Array, *, paths: Array | None = None, change_sd: float = KIN_SD) -> Course:
    """Returns the course of a band: expected ln(loss) and its standard deviation at each look."""
    none = np.zeros((0, len(centre)))
    return Course(
        centre=centre, level_sd=level_sd, level_dof=np.inf, paths=none if paths is None else paths, change_sd=change_sd
    )


def _smoothed(values: Array, share: Array, *, width: float = 0.1) -> Array:
    """Values averaged over the looks within `width` / 2 of the schedule: a variance of few runs is noisy by itself."""
    near = np.abs(share[:, None] - share[None, :]) <= width / 2
    known = np.isfinite(values)
    weights = near & known[None, :]
    count = weights.sum(axis=1)
    total = weights @ np.where(known, values, 0.0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
