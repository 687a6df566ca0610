"""Damped Newton (Levenberg 1944, Marquardt 1963), from many starts or for many resamples at once.

`minimise` is for approach 3, whose derivatives are a few matrix products; `descend` for any form that supplies its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array
from isoflop.fit.parametric.objective import HuberObjective, SecondOrder, Workspace, expand

_MAX_STEPS = 200
_MAX_FORM_STEPS = 80
_MAX_RESAMPLE_STEPS = 60  # most take ten; those that take more slide along a direction that is not identified
# Batch x rows worked on at once: with fewer the calls cost more than the arithmetic, more leave a core's cache.
_CHUNK_CELLS = 40_000
# Where E, A or B runs to 0 its logarithm runs to minus infinity; e^-30 of a typical loss is zero for every purpose.
_LOWEST_LOG = -30.0
_LONGEST_STEP = 2.0
# A member stops when the quadratic model promises less than this share of F; the fit itself, and its resamples.
TIGHT, RESAMPLE = 1e-14, 1e-9
_ROUNDING = 1e-26  # F per row of residuals that are rounding errors, (1e-13)^2: nothing is left to gain
# Factors on the damping after a step that lowers F and after one that does not: of five pairs tried on the 240 points
# of Hoffmann et al.'s Figure 4 the one with the fewest steps, from far starts and near ones.
_EASE, _TIGHTEN = 0.3, 10.0
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 0.1, 1e-7, 1e9
_FLATTEST_GAUSS = 1e-6 * np.eye(5)  # added to M at unit diagonal: a direction without any slope still has a step
_DIAGONAL = np.arange(5)
_LAST_DIGITS = 1e-13  # of F: what rounding makes of its sum, 3e-14 on 40 rows
_MAX_FAILS = 12  # failed steps in a row, after which a kink of Huber's loss is the minimum


@dataclass(frozen=True, kw_only=True, eq=False)
class Minima:
    """Where each member of a batch ended."""

    theta: Array
    """(batch, 5)."""
    value: Array
    """F there."""
    gradient: Array
    """Norm of dF/dtheta there, over delta times the weights' sum: 1 is the largest possible slope's order."""
    steps: NDArray[np.int64]
    """Steps taken."""


def minimise(
    objective: HuberObjective,
    starts: Array,
    weights: Array,
    tolerance: float = TIGHT,
    known: SecondOrder | None = None,
    meeting: tuple[Array, Array] | None = None,
) -> Minima:
    """Damped Newton on the exact Huber Hessian from every start (batch, 5), weights (batch or 1, rows).

    `known` is the expansion of F about the starts, where it was computed already. `meeting` is (places (batch, 5),
    radius (5,)): a member that comes this near to its place, in every coordinate, stops there.

    H + lambda M with M the Gauss-Newton matrix of Huber's re-weighted least squares: Newton's speed near the optimum,
    descent far from it. Every member stops by itself, when a step promises less than `tolerance` of F, and the next one
    takes its place in the group that is worked on: the group stays full to the end, however long the slowest take.
    """
    count, rows = len(starts), len(objective.x)
    ends = Minima(
        theta=np.array(starts, dtype=np.float64),
        value=np.full(count, np.inf),
        gradient=np.full(count, np.inf),
        steps=np.zeros(count, dtype=np.int64),
    )
    scale = objective.delta * weights.sum(axis=-1) * np.ones(count)
    most = _MAX_STEPS if tolerance < RESAMPLE else _MAX_RESAMPLE_STEPS
    group = _Group(starts, weights, known, np.arange(min(count, max(1, _CHUNK_CELLS // rows))))
    workspace, pending = Workspace(len(group.member), rows), len(group.member)
    while len(group.member):
        done = group.step(objective, workspace, tolerance) | (group.steps >= most)
        if meeting is not None:
            done |= np.all(np.abs(group.theta - meeting[0][group.member]) < meeting[1], axis=1)
        if not done.any():
            continue
        out = group.member[done]
        ends.theta[out], ends.value[out], ends.steps[out] = group.theta[done], group.at.value[done], group.steps[done]
        ends.gradient[out] = np.linalg.norm(group.at.gradient[done], axis=-1) / scale[out]
        group.replace(done, np.arange(pending, min(count, pending + len(out))))
        pending += len(out)
    return ends


class _Group:
    """The members that are worked on together.

    A new one of which nothing is known has an infinite F and no slope, so that its start is its first step.
    """

    def __init__(self, starts: Array, weights: Array, known: SecondOrder | None, member: NDArray[np.int64]) -> None:
        self._starts, self._weights, self.member = starts, weights, member
        self._known = _unknown(len(starts)) if known is None else known
        # The first evaluation of an unknown start is no step, and eases the damping once.
        self._first = (-1, _FIRST_DAMPING / _EASE) if known is None else (0, _FIRST_DAMPING)
        self._shared = len(weights) == 1
        self._used = weights if self._shared else weights[member]
        self.theta = np.array(starts[member], dtype=np.float64)
        self.at = SecondOrder(packed=self._known.packed[member])
        self.steps = np.full(len(member), self._first[0], dtype=np.int64)
        self._damping, self._fails = np.full(len(member), self._first[1]), np.zeros(len(member), dtype=np.int64)

    def step(self, objective: HuberObjective, workspace: Workspace, tolerance: float) -> NDArray[np.bool_]:
        """One step of every member; true where it was the last."""
        move = _steps(self.at, self._damping)
        promised = -np.einsum("bi,bi->b", self.at.gradient, move)
        trial = self.theta + move
        np.maximum(trial[:, :3], _LOWEST_LOG + objective.z_typical, out=trial[:, :3])
        tried = expand(objective, trial, self._used, workspace)
        small = (promised <= tolerance * self.at.value) & (self.steps >= 0)
        better = tried.value < self.at.value
        near = promised <= _LAST_DIGITS * self.at.value
        if near.any():
            # This near the optimum rounding decides which F is lower: the gradient is compared instead.
            level = tried.value <= self.at.value * (1 + _LAST_DIGITS)
            better |= near & level & (_norm(tried.gradient) < _norm(self.at.gradient))
        if better.all():
            self.theta, self.at = trial, tried
        else:
            self.theta = np.where(better[:, None], trial, self.theta)
            self.at = SecondOrder(packed=np.where(better[:, None], tried.packed, self.at.packed))
        self._damping *= np.where(better, _EASE, _TIGHTEN)
        np.clip(self._damping, _LEAST_DAMPING, _MOST_DAMPING, out=self._damping)
        self._fails = np.where(better, 0, self._fails + 1)
        self.steps += 1
        # A small promise under large damping says nothing; under small damping it is convergence.
        converged = (small & (self._damping < 1.0)) | (self.at.value <= _ROUNDING * len(objective.x))
        return np.asarray(converged | (self._fails > _MAX_FAILS))

    def replace(self, done: NDArray[np.bool_], fresh: NDArray[np.int64]) -> None:
        """Put the members `fresh` in the places of those that are done, and close the places that stay empty."""
        places = np.flatnonzero(done)
        taken = places[: len(fresh)]
        self.member[taken], self.theta[taken] = fresh, self._starts[fresh]
        self.at.packed[taken] = self._known.packed[fresh]
        self.steps[taken], self._damping[taken], self._fails[taken] = *self._first, 0
        if not self._shared:
            self._used[taken] = self._weights[fresh]
        if len(fresh) < len(places):
            left = np.ones(len(done), dtype=bool)
            left[places[len(fresh) :]] = False
            self.member, self.theta, self.steps = self.member[left], self.theta[left], self.steps[left]
            self._damping, self._fails = self._damping[left], self._fails[left]
            self.at = SecondOrder(packed=self.at.packed[left])
            self._used = self._used if self._shared else self._used[left]


def _norm(gradient: Array) -> Array:
    return np.asarray(np.einsum("bi,bi->b", gradient, gradient))


def _unknown(count: int) -> SecondOrder:
    """The expansion of starts that were not evaluated yet: any value is lower than theirs, and the first step is 0."""
    packed = np.zeros((count, 56))
    packed[:, 0] = np.inf
    packed[:, 6:31] = packed[:, 31:] = np.eye(5).ravel()
    return SecondOrder(packed=packed)


def _steps(at: SecondOrder, damping: Array) -> Array:
    """Solutions of (H + lambda M) s = -g, or of (1 + lambda) M s = -g where that is no descent, none longer than 2."""
    # Marquardt's scaling: with M at unit diagonal one damping serves ln E, the terms and the exponents.
    scale = np.sqrt(np.maximum(at.gauss[:, _DIAGONAL, _DIAGONAL], 1e-300))
    unit = 1.0 / (scale[:, :, None] * scale[:, None, :])
    gauss = at.gauss * unit + _FLATTEST_GAUSS
    g = -at.gradient / scale
    step = _solved(at.hessian * unit + damping[:, None, None] * gauss, g)
    # The Hessian may be indefinite far from the optimum: M never is, and its step always goes down.
    uphill = ~(np.einsum("bi,bi->b", step, g) > 0)
    if uphill.any():
        step[uphill] = _solved((1 + damping[uphill])[:, None, None] * gauss[uphill], g[uphill])
    step /= scale
    longest = np.abs(step).max(axis=-1, keepdims=True)
    return np.asarray(step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, 1e-300)))


def _solved(matrices: Array, right: Array) -> Array:
    try:
        return np.asarray(np.linalg.solve(matrices, right[..., None])[..., 0], dtype=np.float64)
    except np.linalg.LinAlgError:  # one exactly singular member would fail the batch
        return np.asarray((np.linalg.pinv(matrices) @ right[..., None])[..., 0], dtype=np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Slopes:
    """Derivatives of F for each member of a batch."""

    gradient: Array
    """(batch, constants)."""
    hessian: Array
    """(batch, constants, constants); may be indefinite."""
    gauss: Array
    """The Gauss-Newton matrix of the re-weighted squares, (batch, constants, constants): never indefinite."""


def descend(
    value: Callable[[Array, Array], Array],
    slopes: Callable[[Array, Array], Slopes],
    start: Array,
    weights: Array,
    limits: tuple[Array, Array],
    tolerance: float,
) -> tuple[Array, Array]:
    """(theta, F) after Newton steps from `start` (batch, constants) under weights (batch or 1, rows), within limits.

    H + lambda diag(M), M the Gauss-Newton matrix; where that is no descent, M + lambda diag(M). A member stops when its
    step promises less than `tolerance` of F.
    """
    lowest, highest = limits
    theta = np.clip(start, lowest, highest)
    found = value(theta, weights)
    damping, fails = np.full(len(theta), 1e-2), np.zeros(len(theta), dtype=int)
    active = np.arange(len(theta))
    for _ in range(_MAX_FORM_STEPS):
        w = weights if len(weights) == 1 else weights[active]
        s = slopes(theta[active], w)
        # A constant at its limit whose step would go beyond it takes no part in this step (projected Newton).
        free = ~(((theta[active] <= lowest) & (s.gradient > 0)) | ((theta[active] >= highest) & (s.gradient < 0)))
        step = _damped_steps(s, free, damping[active])
        trial = np.clip(theta[active] + step, lowest, highest)
        new = value(trial, w)
        better = new < found[active]
        promised = -((s.gradient * free) * step).sum(axis=-1)
        moved = active[better]
        theta[moved], found[moved] = trial[better], new[better]
        damping[active] = np.clip(damping[active] * np.where(better, 0.15, 6.0), 1e-9, 1e9)
        fails[active] = np.where(better, 0, fails[active] + 1)
        small = (promised <= tolerance * found[active] + 1e-300) & (damping[active] < 1.0)
        active = active[~(small | (fails[active] > _MAX_FAILS))]
        if not len(active):
            break
    return theta, found


def _damped_steps(s: Slopes, free: NDArray[np.bool_], damping: Array) -> Array:
    """Steps (batch, constants) of the constants that are `free`, 0 for the others; damped and scaled as in `_steps`."""
    scale = np.sqrt(np.maximum(np.einsum("bii->bi", s.gauss), 1e-300))
    unit = scale[:, :, None] * scale[:, None, :]
    both = free[:, :, None] & free[:, None, :]
    eye = np.eye(scale.shape[1])
    g = (-s.gradient / scale * free)[..., None]
    # Rows and columns of constants at a limit become those of the identity: their step is then 0.
    hessian, gauss = np.where(both, s.hessian / unit, eye), np.where(both, s.gauss / unit, eye)
    ridge = (damping[:, None, None] + 1e-12) * eye
    step = np.linalg.solve(hessian + ridge + 1e-14 * eye, g)[..., 0]
    downhill = np.all(np.isfinite(step), axis=-1) & ((step * g[..., 0]).sum(axis=-1) > 0)
    step = np.where(downhill[:, None], step, np.linalg.solve(gauss + ridge, g)[..., 0])
    # At most 2 in any coordinate, a factor e^2 of a term: the quadratic model does not hold further away.
    step = step / scale
    return np.asarray(step * np.minimum(1.0, 2.0 / np.maximum(np.abs(step).max(axis=-1, keepdims=True), 1e-300)))
