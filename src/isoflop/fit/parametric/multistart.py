"""The optimum of approach 3 from many starts: how many of the starts converged to it, and the gradient norm there.

Starts by variable projection (Golub and Pereyra 1973): given alpha and beta the law is linear. Of the 4,500 starts of
Hoffmann et al. 2022 few get near the optimum of their own data (5 of a sample of 100, bench/fit/speed.md); of these,
all do. The starts were at fault, not the optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array
from isoflop.errors import Notice, RefusedError
from isoflop.fit.parametric.newton import RESAMPLE, minimise
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.fit.resampling import row_order
from isoflop.units import format_number

_FIRST_STARTS = 8  # the others follow where these do not agree
_AT_BEST = 1e-6  # share of F within which a start counts as having reached the optimum
_FLATTEST = 1e-6  # largest scaled gradient of a certified optimum
# Above this many rows the starts first run on an even sample of that size; their ends are continued on all rows.
_SAMPLE_ROWS = 4000
_MOST_ENDS = 3
# Exponents reported for language models lie between .05 and .8 (Kaplan et al. 2020 to Hoffmann et al. 2022).
_EXPONENTS = np.geomspace(0.06, 1.4, 12)
_BLOCK = 2  # cells along a side of the blocks of which each gives one start: 6 x 6 blocks, 36 starts
_CHUNK = 100  # resamples solved at once, so that their 144 cells each stay in a core's cache
_RIDGE = 1e-10  # of the diagonal: where two columns are one the cell gives a start, not a division by zero
_LEAST_TERM = 0.05  # of a typical loss: E to start from where none fits best, as its logarithm has to be a number


@dataclass(frozen=True, kw_only=True, eq=False)
class CertifiedOptimum:
    """The least value F of the objective over all starts, with the evidence that it is the optimum."""

    theta: Array
    """(5,), in the objective's coordinates."""
    value: float
    """F at theta."""
    gradient: float
    """Norm of dF/dtheta over delta times the rows: 1 is the largest possible slope's order."""
    tried: int
    """Number of starts."""
    at_best: int
    """Number of starts that ended within a millionth of the least F."""

    def notices(self) -> list[Notice]:
        """Warnings where the certificate does not hold."""
        notices = []
        if self.at_best < max(2, self.tried // 4):
            text = f"only {self.at_best} of {self.tried} starts reached the best optimum; another may exist"
            notices.append(Notice(code="few_starts_at_best", message=text))
        if self.gradient > _FLATTEST:
            text = (
                f"the gradient at the optimum is {format_number(self.gradient, 2)} of its scale, above "
                f"{format_number(_FLATTEST)}"
            )
            notices.append(Notice(code="gradient_not_zero", message=text))
        return notices


def find_optimum(objective: HuberObjective) -> CertifiedOptimum:
    """The least F from the eight best starts of the grid; from all 36 where fewer than half of the eight agree.

    Raises RefusedError `loss_does_not_fall` where no exponents give a start.
    """
    sample = objective
    if len(objective.x) > _SAMPLE_ROWS:
        # Evenly in the order of size, tokens and loss: the same sample whatever the order of the rows.
        order = row_order(objective.x, objective.y, objective.z)
        sample = objective.rows(order[np.linspace(0, len(order) - 1, _SAMPLE_ROWS).astype(np.int64)])
    starts = spread_starts(sample)
    if not len(starts):
        raise RefusedError(
            "loss_does_not_fall", "no exponents make the losses fall with both N and D; look at the runs"
        )
    theta, value = _minima(sample, starts[:_FIRST_STARTS])
    if _agreeing(value) < 0.5 * len(value) and len(starts) > _FIRST_STARTS:
        more_theta, more_value = _minima(sample, starts[_FIRST_STARTS:])
        theta, value = np.concatenate([theta, more_theta]), np.concatenate([value, more_value])
    ones = np.ones((1, len(objective.x)))
    if sample is objective:
        best = minimise(objective, theta[np.argmin(value)][None], ones)
        return CertifiedOptimum(
            theta=best.theta[0], value=float(best.value[0]), gradient=float(best.gradient[0]),
            tried=len(value), at_best=_agreeing(np.append(value, best.value)) - 1,
        )  # fmt: skip
    # Distinct ends on the sample are continued on all rows; a start counts as at the best where its end does.
    order = np.argsort(value)
    first = order[np.append(True, np.diff(value[order]) > _AT_BEST * value[order[:-1]])][:_MOST_ENDS]
    ends = minimise(objective, theta[first], ones)
    best_end = int(np.argmin(ends.value))
    reached = [
        value[start] for start, end in zip(first, ends.value, strict=True) if _reached(end, ends.value[best_end])
    ]
    return CertifiedOptimum(
        theta=ends.theta[best_end], value=float(ends.value[best_end]), gradient=float(ends.gradient[best_end]),
        tried=len(value), at_best=int(sum(np.sum(_reached(value, end)) for end in reached)),
    )  # fmt: skip


def _minima(objective: HuberObjective, starts: Array) -> tuple[Array, Array]:
    ends = minimise(objective, starts, np.ones((1, len(objective.x))), RESAMPLE)
    return ends.theta, ends.value


def _reached(value: Array | float, least: float) -> NDArray[np.bool_]:
    # The second term is for residuals that are rounding errors.
    return np.asarray(np.abs(np.asarray(value) - least) <= _AT_BEST * np.abs(least) + 1e-15)


def _agreeing(value: Array) -> int:
    return int(np.sum(_reached(value, float(value.min()))))


def spread_starts(objective: HuberObjective) -> Array:
    """Up to 36 starts (count, 5), best first, well separated: the best cell of each block of the grid.

    Best: by least squares of the relative error, at the linear solution for E, A and B with E held at 0 or above.
    """
    grid = _ExponentGrid(objective)
    linear, error = grid.solved(np.ones((1, len(objective.z))))
    number = np.arange(len(_EXPONENTS)) // _BLOCK
    block = (number[:, None] * len(_EXPONENTS) + number).ravel()
    best = [rows[np.argmin(error[0, rows])] for rows in (np.flatnonzero(block == label) for label in np.unique(block))]
    best.sort(key=lambda cell: float(error[0, cell]))
    cells = np.array([cell for cell in best if np.isfinite(error[0, cell])], dtype=np.int64)
    return grid.theta(linear[0, cells], cells)


def best_grid_start(objective: HuberObjective, weights: Array) -> Array:
    """For each resample (batch, rows) the grid's start of least weighted squares, (batch, 5)."""
    grid, starts = _ExponentGrid(objective), np.empty((len(weights), 5))
    for i in range(0, len(weights), _CHUNK):
        linear, error = grid.solved(weights[i : i + _CHUNK])
        cells = np.argmin(error, axis=1)
        starts[i : i + _CHUNK] = grid.theta(linear[np.arange(len(cells)), cells], cells)
    return starts


class _ExponentGrid:
    """Every (alpha, beta) of the grid, with what the weighted normal equations of E, A and B sum at a row."""

    def __init__(self, objective: HuberObjective) -> None:
        count = len(_EXPONENTS)
        self._alpha, self._beta = np.repeat(_EXPONENTS, count), np.tile(_EXPONENTS, count)
        # Dividing by the loss makes the squares relative, as the logarithm does: columns f over L, target 1. E, A and B
        # are in units of a typical loss.
        self._typical = objective.z_typical
        inverse = np.exp(self._typical - objective.z)[:, None]
        size, tokens = (np.exp(-along[:, None] * _EXPONENTS) * inverse for along in (objective.x, objective.y))
        cross = (size[:, :, None] * tokens[:, None, :]).reshape(len(inverse), -1)
        square = inverse * inverse
        columns = (
            np.ones_like(inverse), inverse, square, size, tokens, size * inverse, tokens * inverse, size * size,
            tokens * tokens, cross,
        )  # fmt: skip
        self._features = np.concatenate(columns, axis=1)
        self._edges = np.cumsum([column.shape[1] for column in columns])[:-1]

    def solved(self, weights: Array) -> tuple[Array, Array]:
        """((E, A, B) (batch, cells, 3), weighted squared relative error (batch, cells)), inf where A, B < 0."""
        count = len(_EXPONENTS)
        parts = np.split(weights @ self._features, self._edges, axis=1)
        total, right_e, ee = parts[:3]
        right_a, ea, aa = (np.repeat(parts[k], count, axis=1) for k in (3, 5, 7))
        right_b, eb, bb = (np.tile(parts[k], count) for k in (4, 6, 8))
        ab = parts[9]
        aa, bb = aa * (1 + _RIDGE), bb * (1 + _RIDGE)
        # A and B are eliminated first, so that one elimination serves E free and E = 0. A resample of too few rows has
        # no solution at a cell: it is not a number, and no start.
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 1.0 / (aa * bb - ab * ab)
            of_e = (ea * bb - eb * ab) * scale, (eb * aa - ea * ab) * scale
            of_one = (right_a * bb - right_b * ab) * scale, (right_b * aa - right_a * ab) * scale
            rest = ee * (1 + _RIDGE) - ea * of_e[0] - eb * of_e[1]
            E = np.maximum(0.0, (right_e - ea * of_one[0] - eb * of_one[1]) / rest)
            A, B = of_one[0] - E * of_e[0], of_one[1] - E * of_e[1]
            error = np.where((A > 0) & (B > 0), total - E * right_e - A * right_a - B * right_b, np.inf)
        return np.stack([E, A, B], axis=-1), error

    def theta(self, linear: Array, cells: NDArray[np.int64]) -> Array:
        """(..., 5) of (E, A, B) at the cells of that number."""
        logs = np.log(np.maximum(linear, [_LEAST_TERM, 1e-9, 1e-9]))
        return np.concatenate([logs + self._typical, self._alpha[cells, None], self._beta[cells, None]], axis=-1)
