"""A law of loss curves fitted to runs: its shape to the finished ones, one model's level to a prefix of its run."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from isoflop.arrays import Array, robust_sd
from isoflop.laws.rate_path import RatePath
from isoflop.watch.curve import Curve
from isoflop.watch.law_form import ALPHA, Course, LawForm, Points, course
from isoflop.watch.robust_fit import Problem, minimise

_CELLS = 48
"""Cells that a curve is averaged in: as much of the curve as a law resolves, whatever its number of points."""
_AFTER_WARMUP = 1.3
"""Losses up to this many times the warm-up are still falling from it: no law of S holds there."""
_SKIPPED = 0.05
"""Share of the schedule at its beginning that carries nothing."""
_TURN = 1e-3
"""Residual of ln(loss) from which Huber's loss is linear, where the curve is not noisier: as in arXiv 2503.12811."""
_ROWS = 40.0
"""How many independent rows a whole curve counts for: what a law misses of it is correlated over whole stretches."""
_ALPHA_SD = 0.05
"""How far alpha of a run may be from that of its size: what is left of it in bench/watch/schedule_laws.md."""
_KEPT = 256
"""Curves whose sums are kept: the fit is repeated for each finished run that is left out."""
_UNIT_STEP = 0.5
"""Of ln(unit): the constants of a law that are expected move by less than half of it."""
_A_SLOPE, _A_SD = 0.2, 0.4
"""d ln A / dx, and how far ln A may be from it: .18 from 25M to 100M parameters, .27 over our own small ones."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """What a curve says, averaged in cells."""

    points: Points
    log_loss: Array
    """Mean of ln(loss) in each cell; shape (cells,)."""
    weights: Array
    """How much each cell counts; shape (cells,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Level:
    """L0 and ln A of one model, with its shape."""

    L0: float
    log_A: float
    size: float
    """x of the model."""
    shape: Array

    def loss(self, form: LawForm, points: Points) -> Array:
        """The loss at `points`; shape (points,)."""
        its = course(form, points, self.shape, self.size)
        return np.asarray(self.L0 * its.by_L0 + np.exp(self.log_A) * its.by_A)


@dataclass(frozen=True, kw_only=True, eq=False)
class LawFit:
    """One shape for all curves, and a level for each group of them."""

    form: LawForm
    unit: float
    """Tokens, or steps, in one unit of the paths."""
    params: float | None
    """N at which x is 0; None where sizes are unknown, and x is 0 for all."""
    shape: Array
    levels: dict[Hashable, Level]
    objective: float

    def points(self, curve: Curve, at: Array | None = None) -> Points:
        """Places on the schedule of `curve`, `at` tokens or at its own."""
        return Points(path=path_of(curve, self.unit), at=(curve.tokens if at is None else at) / self.unit)

    def end(self, curve: Curve, level: Level) -> float:
        """The loss at the end of the schedule of `curve`, of a model at `level`."""
        return float(level.loss(self.form, _end_of(curve, self.unit))[0])

    def expected_log_A(self, size: float) -> float:
        """ln A of a model of size x by the levels of the others."""
        return float(np.mean([level.log_A + _A_SLOPE * (size - level.size) for level in self.levels.values()]))


def unit_of(curves: Sequence[Curve]) -> float:
    """About the length of the curves, in steps of a factor: with one run less it is the same, and sums are kept."""
    middle = float(np.mean([math.log(curve.total_tokens) for curve in curves]))
    return math.exp(round(middle / _UNIT_STEP) * _UNIT_STEP)


def _size(curve: Curve, params: float | None) -> float:
    return 0.0 if params is None or curve.params is None else math.log(curve.params / params)


@lru_cache(maxsize=_KEPT)
def path_of(curve: Curve, unit: float) -> RatePath:
    """The learning rates of a curve, to the end of its schedule."""
    return RatePath.of(curve.schedule_tokens, curve.schedule_rates, unit)


@lru_cache(maxsize=_KEPT)
def _end_of(curve: Curve, unit: float) -> Points:
    return Points(path=path_of(curve, unit), at=np.array([curve.total_tokens / unit]))


@lru_cache(maxsize=_KEPT)
def row_of(curve: Curve, unit: float) -> Row | None:
    """The losses of a curve after its warm-up and the first part of its schedule; None with fewer than three."""
    path = path_of(curve, unit)
    at = curve.tokens / unit
    first = max(_AFTER_WARMUP * path.warmup, _SKIPPED * curve.total_tokens / unit)
    kept = at >= first
    if kept.sum() < 3:
        return None
    at, loss = at[kept], np.log(curve.loss[kept])
    # half of the cells by the share of the way, half by its logarithm: the course bends early, the rate drops late
    spread = np.log(at / at[0]) / max(np.log(at[-1] / at[0]), 1e-12) + (at - at[0]) / max(at[-1] - at[0], 1e-12)
    cell = np.minimum((spread / 2 * _CELLS).astype(np.int64), _CELLS - 1)
    names, place = np.unique(cell, return_inverse=True)
    count = np.bincount(place)
    middle, mean = np.bincount(place, at) / count, np.bincount(place, loss) / count
    share = (at[-1] - at[0]) / (curve.total_tokens / unit)
    weights = np.full(len(names), _ROWS * min(1.0, share + 0.2) / len(names))
    return Row(points=Points(path=path, at=middle), log_loss=mean, weights=weights)


def fit_law(form: LawForm, curves: Sequence[Curve], groups: Sequence[Hashable]) -> LawFit:
    """The shape of the curves and a level for each of their groups: curves of one model and recipe share theirs.

    Raises ValueError where no curve has losses after its warm-up.
    """
    unit = unit_of(curves)
    sizes = [curve.params for curve in curves if curve.params is not None]
    params = math.exp(sum(map(math.log, sizes)) / len(sizes)) if len(sizes) == len(curves) else None
    members = [
        (row, group, _size(curve, params))
        for curve, group in zip(curves, groups, strict=True)
        if (row := row_of(curve, unit)) is not None
    ]
    if not members:
        raise ValueError("no curve has losses after its warm-up")
    names = list(dict.fromkeys(group for _, group, _ in members))
    joint = _Joint(form=form, members=[(row, names.index(group), size) for row, group, size in members])
    theta, value = joint.fit()
    shape = theta[: joint.count]
    ends = theta[joint.count :].reshape(-1, 2)
    size_of = {group: size for _, group, size in members}
    levels = {
        name: Level(L0=float(L0), log_A=float(log_A), size=size_of[name], shape=shape)
        for name, (L0, log_A) in zip(names, ends, strict=True)
    }
    return LawFit(form=form, unit=unit, params=params, shape=shape, levels=levels, objective=value)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Joint:
    """All rows with one shape: theta is the shape, then L0 and ln A of every group."""

    form: LawForm
    members: list[tuple[Row, int, float]]
    """(row, place of its group, size)."""

    @property
    def count(self) -> int:
        """Constants of the shape."""
        return len(self.form.prior[0])

    def fit(self) -> tuple[Array, float]:
        """(theta, objective), with the scale of each curve's noise as its own residuals show it."""
        mean, sd = self.form.prior
        groups = 1 + max(place for _, place, _ in self.members)
        starts: list[list[Array]] = [[] for _ in range(groups)]
        for row, place, size in self.members:
            starts[place].append(_start(row, self.form, mean, size))
        levels = np.concatenate([np.mean(found, axis=0) for found in starts])
        weights = np.concatenate([row.weights for row, _, _ in self.members])
        turns = [_TURN] * len(self.members)
        theta, value = np.concatenate([mean, levels]), np.inf
        # once with a usual scale of the noise, and again with each curve's own: with one scale for all, the noisiest
        # curve would decide the shape
        for _ in range(2):
            # the shape has a prior and the levels have none: the levels are what a curve alone can show
            problem = Problem(
                residuals=partial(self.residuals, turns=tuple(turns)),
                weights=weights,
                mean=np.concatenate([mean, np.zeros(2 * groups)]),
                sd=np.concatenate([sd, np.full(2 * groups, np.inf)]),
            )
            theta, value = minimise(problem, theta)
            left = self.residuals(theta, [1.0] * len(self.members))[0]
            ends = np.cumsum([len(row.log_loss) for row, _, _ in self.members])[:-1]
            turns = [max(_TURN, robust_sd(part)) for part in np.split(left, ends)]
        return theta, value

    def residuals(self, theta: Array, turns: Sequence[float]) -> tuple[Array, Array]:
        """(residuals of all rows over `turns`, one for each, their derivatives by theta)."""
        values, slopes = [], []
        for (row, place, size), turn in zip(self.members, turns, strict=True):
            at = self.count + 2 * place
            value, by_shape, by_level = _residuals(
                self.form, row, theta[: self.count], size, float(theta[at]), float(theta[at + 1])
            )
            slope = np.zeros((len(value), len(theta)))
            slope[:, : self.count] = by_shape
            slope[:, at : at + 2] = by_level
            values.append(value / turn)
            slopes.append(slope / turn)
        return np.concatenate(values), np.concatenate(slopes)


def fit_level(fit: LawFit, curve: Curve) -> Level | None:
    """The level of the run that `curve` is the beginning of; alpha may move a little, the rest of the shape stays.

    None where it has fewer than three losses after its warm-up.
    """
    row = row_of(curve, fit.unit)
    if row is None:
        return None
    size = _size(curve, fit.params)
    alpha = float(fit.shape[ALPHA])

    def shape_at(theta: Array) -> Array:
        """The shape with the run's own alpha."""
        shape = fit.shape.copy()
        shape[ALPHA] = theta[2]
        return shape

    def residuals(theta: Array, turn: float) -> tuple[Array, Array]:
        value, by_shape, by_level = _residuals(fit.form, row, shape_at(theta), size, float(theta[0]), float(theta[1]))
        return value / turn, np.column_stack([by_level, by_shape[:, ALPHA]]) / turn

    turn = _TURN
    theta = np.array([*_start(row, fit.form, fit.shape, size), alpha])
    for _ in range(2):  # again with the scale of noise that the first fit leaves
        problem = Problem(
            residuals=partial(residuals, turn=turn),
            weights=row.weights,
            mean=np.array([0.0, fit.expected_log_A(size), alpha]),
            sd=np.array([np.inf, _A_SD, _ALPHA_SD]),
        )
        theta, _ = minimise(problem, theta)
        turn = max(_TURN, robust_sd(residuals(theta, 1.0)[0]))
    return Level(L0=float(theta[0]), log_A=float(theta[1]), size=size, shape=shape_at(theta))


def _residuals(
    form: LawForm, row: Row, shape: Array, size: float, L0: float, log_A: float
) -> tuple[Array, Array, Array]:
    """(ln(law / loss), derivatives by the shape, by L0 and ln A)."""
    its: Course = course(form, row.points, shape, size)
    A = np.exp(log_A)
    law = np.maximum(L0 * its.by_L0 + A * its.by_A, 1e-6)
    by_shape = (A * its.by_A_slopes + L0 * its.by_L0_slopes) / law[:, None]
    return np.log(law) - row.log_loss, by_shape, np.column_stack([its.by_L0 / law, A * its.by_A / law])


def _start(row: Row, form: LawForm, shape: Array, size: float) -> Array:
    """L0 and ln A of least squares, with the shape as it is."""
    its = course(form, row.points, shape, size)
    loss = np.exp(row.log_loss)
    L0, A = np.linalg.lstsq(np.column_stack([its.by_L0, its.by_A]), loss, rcond=None)[0]
    least = 0.02 * float(loss.mean())
    if least > A:
        A, L0 = least, float(np.mean((loss - least * its.by_A) / its.by_L0))
    return np.array([L0, np.log(A)])
