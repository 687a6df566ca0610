"""The multiplier at each run of B by the law of A alone: the compute at which it has that run's loss, solved.

It uses every run of B, also those that A has no partner for, and takes nothing from B for A's law. Where the recipes
have floors or exponents of their own it is nearly free of bias, where they share them it is less sharp than cells are
(bench/compare/inversion.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array, robust_sd
from isoflop.compare.chosen_law import shows_law
from isoflop.compare.law_rows import FinalRows
from isoflop.compare.reach import FORM_SHARE, MOST_BEYOND
from isoflop.compare.shared_law import (
    FLOORS,
    HUBER,
    LEAST_DELTA,
    OWN,
    SharedLaw,
    SharedRows,
    fit_shared,
    residuals,
    with_draws,
)
from isoflop.distributions import student_grid, student_quantile

FARTHEST = math.log(1e6)
"""ln m up to which a multiplier is looked for; A does not reach what lies beyond."""
_STEPS = 40
_CONSTANTS = 5
"""Of a law of one recipe: E, A, B, alpha, beta."""
_SPARE_RUNS = 3
_ROUNDS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class BaselineLaw:
    """The law of A alone, with its draws."""

    law: SharedLaw
    both: SharedLaw
    """A law of each recipe, for B's losses without their noise."""
    noise_sd: float
    """Of ln loss of one run, by the residuals of `both`."""
    lowest: float
    """ln of A's least loss."""
    along: Array
    """(2,): by how much of ln m the axis moves ln N and ln D."""

    @property
    def degrees(self) -> int:
        """Runs of A less constants."""
        return len(self.law.rows.z) - _CONSTANTS

    def solved(self, theta: Array, N: Array, D: Array, target: Array) -> Array:
        """ln m of each run, (batch, runs), by bisection: A's ln loss at N m^a and D m^b is `target`.

        `theta` is (batch, 10), `target` ln loss of (runs,) or (batch, runs). FARTHEST where A does not get there.
        """
        low, high = np.full((len(theta), len(N)), -FARTHEST), np.full((len(theta), len(N)), FARTHEST)
        of_size, of_tokens = self.along
        for _ in range(_STEPS):
            middle = (low + high) / 2
            N_there, D_there = N * np.exp(of_size * middle), D * np.exp(of_tokens * middle)
            above = self.law.log_loss(N_there, D_there, theta, is_a=True) > target
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.where(high >= FARTHEST, FARTHEST, (low + high) / 2)

    def slopes(self, theta: Array, N: Array, D: Array) -> Array:
        """-d ln L / d ln m of A at (places,), (batch, places)."""
        step = 1e-4
        of_size, of_tokens = self.along * step
        here, there = (
            self.law.log_loss(N * np.exp(sign * of_size), D * np.exp(sign * of_tokens), theta, is_a=True)
            for sign in (-0.5, 0.5)
        )
        return (here - there) / step

    def with_floor(self, floor: float) -> BaselineLaw:
        """The law with E held at a number, without draws."""
        return replace(self, law=self.law.pinned(floor))


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """ln m of runs in a world whose answer is known, with draws of what errs; FARTHEST where A does not reach one."""

    truth: Array
    """(runs,): by A's law, of losses without noise."""
    drawn: Array
    """(draws, runs): A's law, its form and the noise of the runs drawn."""
    by_law: Array
    """(draws, runs): A's law alone drawn."""
    by_noise: Array
    """(draws, runs): the noise alone drawn."""
    by_form: Array
    """(draws, runs): the form of the law beyond A's losses alone drawn."""


def baseline_law(rows: FinalRows, data: bool, draws: int, seed: int) -> BaselineLaw | None:
    """The law of A's runs; None where they do not identify one. `data` follows tokens at a fixed size.

    Along compute N and D grow by the same factor, at equal tokens per parameter.
    """
    of_a = rows.is_a > 0.5
    if int(of_a.sum()) < _CONSTANTS + _SPARE_RUNS or not shows_law(rows, of_a) or not shows_law(rows):
        return None
    both = _separate(rows)
    if both is None:
        return None
    alone = SharedRows.of(rows.N[of_a], rows.D[of_a], rows.loss[of_a], rows.is_a[of_a])
    e, u, v, alpha, beta, q, p, de, da, db = both.theta
    half = 0.5 * both.rows.a
    start = np.zeros(OWN)
    start[:_CONSTANTS] = (
        e + half * de,
        u + half * p - (alpha + half * da) * (alone.x_mean - both.rows.x_mean),
        v + half * q - (beta + half * db) * (alone.y_mean - both.rows.y_mean),
        alpha + half * da,
        beta + half * db,
    )
    law = replace(both, rows=alone, theta=start)
    for _ in range(_ROUNDS):
        # Residuals of A alone say where its outliers begin.
        delta = max(HUBER * robust_sd(residuals(alone, law.theta[None])[0]), LEAST_DELTA)
        fitted = fit_shared(alone, _CONSTANTS, replace(law, delta=delta))
        if fitted is None:
            return None
        law = fitted
    return BaselineLaw(
        law=with_draws(law, draws, seed),
        both=both,
        noise_sd=both.sd,
        lowest=float(np.log(rows.loss[of_a].min())),
        along=np.array([0.0, 1.0] if data else [0.5, 0.5]),
    )


def smooth(law: BaselineLaw, N: Array, D: Array) -> Array:
    """ln losses of B at N and D by a law of its own, (runs,)."""
    return np.asarray(law.both.log_loss(N, D, law.both.theta[None], is_a=False)[0], dtype=np.float64)


def solved_runs(law: BaselineLaw, N: Array, D: Array, log_loss: Array) -> Array:
    """ln m at N, D and ln loss, (runs,); FARTHEST where A does not reach the loss, see `compare/reach.py`."""
    return np.asarray(_solved(law, law.law.theta[None], N, D, log_loss)[0], dtype=np.float64)


def drawn_runs(law: BaselineLaw, N: Array, D: Array, log_loss: Array, runs: Array, seed: int) -> Drawn:
    """Draws about `log_loss` (places,), which is taken to be without noise; each place is a mean of `runs` runs."""
    draws = law.law.draws
    noise = law.noise_sd / np.sqrt(runs) * np.random.default_rng(seed).standard_normal((len(draws), len(N)))
    once = np.repeat(law.law.theta[None], len(draws), axis=0)
    truth = solved_runs(law, N, D, log_loss)
    form = np.where(truth < FARTHEST, _form_sd(law, N, D, log_loss, truth), 0.0) * _normal(len(draws), seed)[:, None]
    still = np.broadcast_to(log_loss, noise.shape)
    drawn, by_law, by_noise = (
        _solved(law, theta, N, D, target)
        for theta, target in ((draws, log_loss + noise), (draws, still), (once, log_loss + noise))
    )
    return Drawn(truth=truth, drawn=drawn + form, by_law=by_law, by_noise=by_noise, by_form=truth + form)


def _solved(law: BaselineLaw, theta: Array, N: Array, D: Array, target: Array) -> Array:
    """ln m, (batch, runs): below all of A's losses its law is followed half a decade, and no further."""
    found = law.solved(theta, N, D, target)
    beyond = (target < law.lowest - 1e-12) & (found > math.log(MOST_BEYOND))
    return np.where(beyond, FARTHEST, found)


def _form_sd(law: BaselineLaw, N: Array, D: Array, log_loss: Array, found: Array) -> Array:
    """Standard deviation of ln m by the form of A's law below A's least loss, (runs,); 0 above it.

    As in cells (compare/reach.py) half of the distance between the law and its tangent there, which has no floor; one
    normal number moves all runs, since the law errs for all of them.
    """
    theta, edge = law.law.theta[None], np.full(len(N), law.lowest)
    there = law.solved(theta, N, D, edge)[0]
    scale = np.exp(law.along[:, None] * there)
    tangent = (edge - log_loss) / law.slopes(theta, N * scale[0], D * scale[1])[0]
    return np.where(log_loss < edge, FORM_SHARE * np.abs(found - there - tangent), 0.0)


def _normal(count: int, seed: int) -> Array:
    """Normal quantiles in an order of their own."""
    return np.random.default_rng(seed + 1).permutation(student_grid(count, math.inf))


def widened(deviations: Array, degrees: float) -> Array:
    """Deviations, as wide about their median as Student's t of the degrees of freedom makes normal ones."""
    wide = student_quantile(0.95, degrees) / student_quantile(0.95, math.inf)
    middle = np.median(deviations, axis=0)
    return np.asarray(middle + wide * (deviations - middle))


def _separate(rows: FinalRows) -> SharedLaw | None:
    """A law of each recipe's own."""
    of = SharedRows.of(rows.N, rows.D, rows.loss, rows.is_a)
    common = fit_shared(of)
    floors = None if common is None else fit_shared(of, FLOORS, common)
    return None if floors is None else fit_shared(of, OWN, floors)
