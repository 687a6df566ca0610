"""The course of a run that goes right: ln(loss) at each look, and how far right runs lie from theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.curve import Curve
from isoflop.watch.looks import log_loss_at, noise_of

REPEAT_SD = 0.0005
"""Standard deviation of ln(loss) between two runs that differ in their seed, where nothing more is known.

The median over recipes of the public 124M runs is .0005 at a fifth of the schedule and .0003 at its end
(bench/watch/false_alarms.md).
"""
KIN_SD = 0.003
"""Standard deviation of the change along a run of ln(loss) against the next smaller run of its family.

The ratio of methods.md errs .2 % on average, .4 % at most, at a fifth of the schedule of the public ladder.
"""
SMOOTH = 5
"""Looks whose median is tested besides single ones."""
PRIOR_DOF = 3.0
"""Runs' worth of weight of these two: so few that three finished runs outweigh them."""

_GRID = np.linspace(0.04, 1.0, 49)
_NEAR = 0.041
"""Share of the schedule on each side of a look over which a variance is averaged."""
_QUIET = 0.3
"""Share of the schedule from which on the differences between runs of one recipe hardly fall any more."""
_WHOLE = (0.1, 0.95)
"""Shares between which a finished run must have its losses to stand for its kind."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """What a right run shows at the looks of the run that is watched. All are logarithms of loss."""

    centre: Array
    """Expected ln(loss); NaN where nothing is expected; shape (looks,)."""
    level_sd: Array
    """Standard deviation of a right run about `centre`; shape (looks,)."""
    smooth_sd: Array
    """The same of the median of SMOOTH looks in a row, the last one of which is each; shape (looks,)."""
    level_dof: float
    """Degrees of freedom of `level_sd`; infinite for a band that was stated."""
    paths: Array
    """Deviations of right runs from their own courses at the looks; shape (runs, looks), (0, looks) of none."""
    change_sd: Array
    """Standard deviation of a change of the deviation along a right run, as known without `paths`; shape (looks,)."""


def course_of_repeats(like: Sequence[Curve], share: Array) -> Course:
    """Returns the course by finished runs that differ from the watched one in nothing but the seed.

    `share` are the looks at the watched run. Raises ValueError without a run.

    Seeds differ by an offset that lasts, so that the spread over runs, and not over looks, is the scale of the level.
    """
    if not like:
        raise ValueError("expected a finished run")
    # A log of the end of a run only, or of a run that was cut, would move the mean where it sets in.
    whole = [curve for curve in like if curve.share[0] <= _WHOLE[0] and curve.share[-1] >= _WHOLE[1]] or like
    runs = len(whole)
    logs = np.array([log_loss_at(curve, share) for curve in whole])
    centre = logs.mean(axis=0)
    # Each run against the mean of the others.
    paths = (logs - centre) * runs / (runs - 1) if runs > 1 else np.zeros((0, len(share)))
    dof = PRIOR_DOF + runs - 1
    prior = usual_sd(REPEAT_SD, whole, share)
    sds = [
        np.sqrt((PRIOR_DOF * prior**2 + (runs - 1) * _variance_near(whole, share, smooth)) / dof * (1 + 1 / runs))
        for smooth in (1, SMOOTH)
    ]
    return Course(
        centre=centre,
        level_sd=sds[0],
        smooth_sd=np.minimum(sds[0], sds[1]),
        level_dof=dof,
        paths=paths,
        change_sd=prior * np.sqrt(2.0),
    )


def course_of_kin(
    like: Sequence[Curve], share: Array, *, final: float | None, level_sd: Array, level_dof: float, paths: Array
) -> Course:
    """Returns the course by finished runs of another size: theirs, moved to end at the forecast loss `final`.

    `level_sd`, shape (looks,), is of the forecast and of the ratio to such runs together. Where `final` is None, no
    level is known, and only changes of the deviation are tested. Raises ValueError without a run.
    """
    if not like:
        raise ValueError("expected a finished run")
    logs = np.array([log_loss_at(curve, share) for curve in like])
    offset = 0.0 if final is None else np.log(final) - np.mean([np.log(curve.final or np.nan) for curve in like])
    return Course(
        centre=logs.mean(axis=0) + offset,
        level_sd=np.full(len(share), np.inf) if final is None else level_sd,
        smooth_sd=np.full(len(share), np.inf) if final is None else level_sd,
        level_dof=level_dof,
        paths=paths,
        change_sd=usual_sd(KIN_SD, like, share),
    )


def paths_of_kin(finished: Sequence[tuple[Curve, Sequence[Curve]]], share: Array) -> Array:
    """Returns how finished runs deviated from the course of those that each would have been held against.

    `finished` holds (run, its references); both levels are taken as known, from their ends. Shape (runs, looks).
    """
    rows = [
        log_loss_at(run, share)
        - np.log(run.final or np.nan)
        - np.mean([log_loss_at(other, share) - np.log(other.final or np.nan) for other in like], axis=0)
        for run, like in finished
        if like
    ]
    return np.array(rows) if rows else np.zeros((0, len(share)))


def usual_sd(sd: float, like: Sequence[Curve], share: Array) -> Array:
    """Returns the standard deviation of right runs that is taken before any were compared; shape of `share`.

    It is `sd`, or more where the curves `like` themselves are noisy: runs of one public recipe lie about as far apart
    as single looks scatter. It grows towards the start as it does there.
    """
    scatter = max((noise_of(log_loss_at(curve, _GRID[_GRID > _QUIET])) for curve in like), default=0.0)
    return max(sd, scatter * float(np.sqrt(2.0))) * np.sqrt(np.maximum(_QUIET / share, 1.0))


def _variance_near(curves: Sequence[Curve], share: Array, smooth: int) -> Array:
    """Variance over the runs of ln(loss), of medians of `smooth` looks, averaged about each share; 0 of one run.

    It is averaged because that of a few runs is noisy.
    """
    if len(curves) == 1:
        return np.zeros(len(share))
    logs = np.array([log_loss_at(curve, _GRID) for curve in curves])
    logs -= logs.mean(axis=0)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(logs, smooth, axis=1), axis=2)
    variance = np.var(medians, axis=0, ddof=1)
    at = _GRID[smooth - 1 :]
    known = np.isfinite(variance)
    weights = (np.abs(at[:, None] - at[None, :]) <= _NEAR) & known[None, :]
    near = weights @ np.where(known, variance, 0.0) / np.maximum(weights.sum(axis=1), 1)
    return np.asarray(np.interp(share, at, near))
