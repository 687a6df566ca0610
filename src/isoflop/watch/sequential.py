"""The sequential test: whether a run has left its course, with false alarms bounded over the whole run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.watch.course import PRIOR_DOF, SMOOTH, Course
from isoflop.watch.looks import noise_of

THRESHOLD = 3.3
"""Standard deviations by which two looks in a row, or the median of five, must lie off on one side.

Of 45 looks whose deviations have any correlation in time, from none to an offset that lasts, one test of the two then
rings in at most 2.5 % of right runs, so that both together ring in 5 % at the most (bench/watch/false_alarms.py).
"""
RETURNED = 2.0
"""Standard deviations within which two looks in a row must lie until the run counts as on course again."""
_BASE_LOOKS = 2
"""Looks before those in question without which a change along the run is not tested."""
_MEDIAN_SHARE = float(np.pi / 2) / SMOOTH
"""Variance of the median of SMOOTH independent normal values, over that of one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Test:
    """Both statistics at each look that may be judged, in standard deviations of a normal distribution."""

    level: Array
    """Deviation of the run from its course; NaN where nothing is expected; shape (looks,)."""
    level_smooth: Array
    """The same of the median of the last SMOOTH looks; NaN where there are fewer; shape (looks,)."""
    change: Array
    """Deviation less its own median before: of a look, or of SMOOTH looks if that is more; shape (looks,)."""
    level_off: Array
    """The side, 1 above and -1 below, on which the run is off its level after each look; 0 while it is not."""
    change_off: Array
    """The side to which the deviation has changed after each look; 0 while it has not."""
    deviation: Array
    """ln(loss) less the centre of the course; shape (looks,)."""
    level_known: bool
    """Whether a level is expected at all, and not a shape alone."""


def sequential_test(
    log_loss: Array, course: Course, *, first: int, spiky: Mask | None = None, threshold: float = THRESHOLD
) -> Test:
    """Returns the test at every look of `log_loss`, shape (looks,); looks before index `first` carry nothing.

    Level and change are off after two looks in a row beyond `threshold` on one side, or the median of SMOOTH looks, the
    `spiky` ones left out: neither of a spike. They are so until two looks in a row lie within RETURNED. That the looks
    are few, whatever is logged, keeps the rate over the whole run. A result depends on looks up to its own only.
    """
    deviation = log_loss - course.centre
    looks = len(deviation)
    level, smooth, change = (np.full(looks, np.nan) for _ in range(3))
    level_off, change_off = np.zeros(looks), np.zeros(looks)
    calm = [at for at in range(first, looks) if spiky is None or not spiky[at]]
    base: list[int] = []
    for k in range(first, looks):
        ordinary = noise_of(course.paths[:, first : k + 1])
        extra = max(noise_of(deviation[first : k + 1]) ** 2 - ordinary**2, 0.0)
        level[k] = as_normal(deviation[k] / np.sqrt(course.level_sd[k] ** 2 + extra), course.level_dof)
        recent = [at for at in calm if at <= k][-SMOOTH:]
        if len(recent) == SMOOTH:
            sd = np.sqrt(course.smooth_sd[k] ** 2 + _MEDIAN_SHARE * extra)
            smooth[k] = as_normal(float(np.median(deviation[recent])) / sd, course.level_dof)
        if k == first:
            continue
        level_off[k] = _off(level[k - 1 : k + 1], float(smooth[k]), level_off[k - 1], threshold)
        if k - 2 >= first and not np.any(level_off[k - 2 : k]) and not np.any(change_off[k - 2 : k]):
            base.append(k - 2)
        if len(base) >= _BASE_LOOKS:
            pair = np.array([_change(deviation, course, base, [at], extra) for at in (k - 1, k)])
            before = [at for at in base if at < recent[0]]
            lasting = np.nan
            if len(recent) == SMOOTH and len(before) >= _BASE_LOOKS:
                lasting = _change(deviation, course, before, recent, _MEDIAN_SHARE * extra)
            change[k] = max((float(pair[1]), lasting), key=lambda z: abs(z) if np.isfinite(z) else -1.0)
            change_off[k] = _off(pair, lasting, change_off[k - 1], threshold)
    return Test(
        level=level,
        level_smooth=smooth,
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


def _off(pair: Array, smooth: float, before: float, threshold: float) -> float:
    """The side on which a run is off after the two looks of `pair` and the `smooth` one, where it was `before`."""
    if not np.all(np.isfinite(pair)):
        return before
    if pair.min() > threshold or smooth > threshold:
        return 1.0
    if pair.max() < -threshold or smooth < -threshold:
        return -1.0
    return 0.0 if np.abs(pair).max() < RETURNED else before


def _change(deviation: Array, course: Course, base: list[int], at: list[int], extra: float) -> float:
    """The median deviation of the looks `at` less that over `base`, in standard deviations of that of right runs."""
    own = float(np.median(deviation[at]) - np.median(deviation[base]))
    paths = course.paths[np.isfinite(course.paths[:, [*base, *at]]).all(axis=1)]
    others = np.median(paths[:, at], axis=1) - np.median(paths[:, base], axis=1) if len(paths) else np.zeros(0)
    dof = PRIOR_DOF + max(len(others) - 1, 0)
    variance = (PRIOR_DOF * course.change_sd[at[-1]] ** 2 + float(np.sum(others**2))) / dof
    return as_normal(own / float(np.sqrt(variance + extra)), dof)
