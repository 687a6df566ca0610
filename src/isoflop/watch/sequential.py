"""The sequential test: whether a run has left its course, with false alarms bounded over the whole run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.watch.course import PRIOR_DOF, Course
from isoflop.watch.looks import noise_of

THRESHOLD = 3.0
"""Standard deviations by which two looks in a row must lie off on one side.

Of 45 looks whose deviations have any correlation in time, from none to an offset that lasts, one test of the two then
rings in at most 2.4 % of right runs, so that both together stay under 5 % (bench/watch/false_alarms.py).
"""
RETURNED = 2.0
"""Standard deviations within which two looks in a row must lie until the run counts as on course again."""
_BASE_LOOKS = 2
"""Looks before the two in question without which a change along the run is not tested."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Test:
    """Both statistics at each look that may be judged, in standard deviations of a normal distribution."""

    level: Array
    """Deviation of the run from its course; NaN where nothing is expected; shape (looks,)."""
    change: Array
    """Deviation less its own median before the last two looks; NaN where too few looks came before; shape (looks,)."""
    level_off: Array
    """The side, 1 above and -1 below, on which the run is off its level after each look; 0 while it is not."""
    change_off: Array
    """The side to which the deviation has changed after each look; 0 while it has not."""
    deviation: Array
    """ln(loss) less the centre of the course; shape (looks,)."""
    level_known: bool
    """Whether a level is expected at all, and not a shape alone."""


def sequential_test(log_loss: Array, course: Course, *, first: int, threshold: float = THRESHOLD) -> Test:
    """Returns the test at every look of `log_loss`, shape (looks,); looks before index `first` carry nothing.

    Level and change are off after two looks in a row beyond `threshold` on one side, and no longer after two in a row
    within RETURNED. Two rather than one keep a spike out; that the looks are few, whatever is logged, keeps the rate
    over the whole run. Of the watched run, a look's result depends on that look and earlier ones only.
    """
    deviation = log_loss - course.centre
    looks = len(deviation)
    level, change = np.full(looks, np.nan), np.full(looks, np.nan)
    level_off, change_off = np.zeros(looks), np.zeros(looks)
    base: list[int] = []
    for k in range(first, looks):
        ordinary = noise_of(course.paths[:, first : k + 1])
        extra = max(noise_of(deviation[first : k + 1]) ** 2 - ordinary**2, 0.0)
        level[k] = as_normal(deviation[k] / np.sqrt(course.level_sd[k] ** 2 + extra), course.level_dof)
        if k == first:
            continue
        level_off[k] = _off(level[k - 1 : k + 1], level_off[k - 1], threshold)
        if k - 2 >= first and not np.any(level_off[k - 2 : k]) and not np.any(change_off[k - 2 : k]):
            base.append(k - 2)
        if len(base) >= _BASE_LOOKS:
            # Both looks against what came before them.
            pair = np.array([_change(deviation, course, base, at, extra) for at in (k - 1, k)])
            change[k] = pair[1]
            change_off[k] = _off(pair, change_off[k - 1], threshold)
    return Test(
        level=level,
        change=change,
        level_off=level_off,
        change_off=change_off,
        deviation=deviation,
        level_known=bool(np.isfinite(course.level_sd).any()),
    )


def as_normal(t: float, dof: float) -> float:
    """Returns the normal deviate as improbable as `t` of Student's distribution with `dof` degrees of freedom.

    Wallace 1959, "Bounds on normal approximations to Student's and the chi-square distributions".
    """
    if not np.isfinite(dof):
        return float(t)
    return float(np.sign(t) * np.sqrt(dof * np.log1p(t * t / dof)) * (8 * dof + 1) / (8 * dof + 3))


def _off(pair: Array, before: float, threshold: float) -> float:
    """The side on which a run is off after the two looks of `pair`, in standard deviations, where it was `before`."""
    if not np.all(np.isfinite(pair)):
        return before
    if pair.min() > threshold:
        return 1.0
    if pair.max() < -threshold:
        return -1.0
    return 0.0 if np.abs(pair).max() < RETURNED else before


def _change(deviation: Array, course: Course, base: list[int], k: int, extra: float) -> float:
    """The deviation at look `k` less its median over `base`, in standard deviations of that of right runs."""
    own = float(deviation[k] - np.median(deviation[base]))
    paths = course.paths[np.isfinite(course.paths[:, [*base, k]]).all(axis=1)]
    others = paths[:, k] - np.median(paths[:, base], axis=1) if len(paths) else np.zeros(0)
    dof = PRIOR_DOF + max(len(others) - 1, 0)
    variance = (PRIOR_DOF * course.change_sd[k] ** 2 + float(np.sum(others**2))) / dof
    return as_normal(own / float(np.sqrt(variance + extra)), dof)
