"""One budget's valley: its losses against ln N, and a parabola through the runs in a window around the vertex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.observations import Observations
from isoflop.units import format_quantity

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WINDOW = 6.0
"""Sizes up to this factor from the vertex are used. Further away a valley is no parabola, nor a leaning one, and models
that saw a few hundred steps lie above any law. A grid of 4 to both sides stays whole; where the form is right, wider
windows lose less to noise (bench/fit/vertices.md). On Porian et al. 2024, whose sizes go to 1,200 times the smallest,
the largest error of the exponent is .034 at 4, .028 at 6, .024 at 8, .033 at 12 and .086 with all sizes, and at 8 more
of the budgets lose their vertex than at 6 (bench/fit/porian.md)."""
FEWEST_SIZES = 4
_ROUNDS = 30  # of moving the window to the vertex; two to four settle it


@dataclass(frozen=True, kw_only=True, eq=False)
class Valley:
    """One budget's parabola L = c0 + c1 x + c2 x^2, x = ln N less `centre`, over the runs inside the window."""

    flops: float
    """Geometric mean of the FLOPs its runs spent."""
    log_params: Array
    """ln N of all its runs, ascending."""
    losses: Array
    """Their losses, brought to `flops` along the frontier's slope."""
    inside: Mask
    """Which runs the parabola goes through."""
    centre: float
    """Mean ln N of those."""
    coefficients: Array
    """(c0, c1, c2) by least squares; NaN where there are too few sizes."""
    kept: bool
    """Whether the vertex is used."""
    reason: str
    """Why not, or empty."""

    @property
    def x(self) -> Array:
        """ln N less `centre` of the runs inside the window."""
        return np.asarray(self.log_params[self.inside] - self.centre)

    @property
    def loss(self) -> Array:
        """Losses of the runs inside the window."""
        return np.asarray(self.losses[self.inside])

    @property
    def at(self) -> float:
        """x of the parabola's vertex; NaN without upward curvature."""
        return float(vertices(self.coefficients))

    @property
    def least(self) -> float:
        """Loss there."""
        return float(self.coefficients[0] + 0.5 * self.coefficients[1] * self.at)

    @property
    def residuals(self) -> Array:
        """Losses less the parabola."""
        return np.asarray(self.loss - design(self.x) @ self.coefficients)


def design(x: Array) -> Array:
    """Columns 1, x, x^2."""
    return np.stack([np.ones_like(x), x, x * x], axis=-1)


def vertices(coefficients: Array) -> Array:
    """x of least value of parabolas (..., 3); NaN without upward curvature."""
    c1, c2 = coefficients[..., 1], coefficients[..., 2]
    return np.asarray(np.where(c2 > 0, -c1 / (2 * np.where(c2 > 0, c2, 1.0)), np.nan))


def find_valley(data: Observations, rows: NDArray[np.int64], slope: float | None, window: float | None) -> Valley:
    """The valley of one budget's `rows`; `slope`, dL / d ln C along the frontier, brings losses to their mean compute.

    `window` is the largest factor between a size used and the vertex, None for all sizes. Refused (`kept` False, with
    the reason) with fewer than four sizes, without upward curvature, or with the vertex outside of the sizes.
    """
    order = np.lexsort((data.loss[rows], data.N[rows]))  # the order of the file must not show in the last digit
    rows = rows[order]
    logs, log_flops = np.log(data.N[rows]), np.log(data.C[rows])
    log_budget = float(log_flops.mean())
    losses = data.loss[rows] - (0.0 if slope is None else slope * (log_flops - log_budget))
    inside, reason = np.ones(len(rows), dtype=bool), ""
    centre, coefficients = float(logs.mean()), np.full(3, np.nan)
    sizes = len(np.unique(logs.round(9)))
    if sizes < FEWEST_SIZES:
        reason = f"{sizes} sizes, at least {FEWEST_SIZES} are needed"
    else:
        inside = inside if window is None else _settled(logs, losses, float(np.log(window)))
        centre, coefficients = _parabola(logs, losses, inside)
        reason = _no_valley(logs, inside, centre, coefficients)
    return Valley(
        flops=float(np.exp(log_budget)),
        log_params=logs,
        losses=losses,
        inside=inside,
        centre=centre,
        coefficients=coefficients,
        kept=not reason,
        reason=reason,
    )


def _parabola(logs: Array, losses: Array, inside: Mask) -> tuple[float, Array]:
    """(mean ln N, coefficients about it) of the runs inside."""
    centre = float(logs[inside].mean())
    solved = np.linalg.lstsq(design(logs[inside] - centre), losses[inside], rcond=None)[0]
    return centre, np.asarray(solved, dtype=np.float64)


def _settled(logs: Array, losses: Array, reach: float) -> Mask:
    """The window that stands around its own vertex: moved there until it stays.

    It starts with all sizes where they fit into one window, else around the lowest run, and stops at the last place
    that was a valley.
    """
    inside = np.ones(len(logs), dtype=bool)
    if np.ptp(logs) > 2 * reach:
        inside = _around(logs, float(logs[np.argmin(losses)]), reach)
    for _ in range(_ROUNDS):
        centre, coefficients = _parabola(logs, losses, inside)
        if _no_valley(logs, inside, centre, coefficients):
            return inside
        moved = _around(logs, float(vertices(coefficients)) + centre, reach)
        if np.array_equal(moved, inside) or _no_valley(logs, moved, *_parabola(logs, losses, moved)):
            return inside
        inside = moved
    return inside


def _around(logs: Array, at: float, reach: float) -> Mask:
    """Runs within `reach` of `at`, and at least those of the four nearest sizes."""
    distance = np.abs(logs - at).round(9)
    nearest = np.unique(np.stack([distance, logs.round(9)]), axis=1)[0]
    return distance <= max(reach + 1e-9, float(nearest[FEWEST_SIZES - 1]))


def _no_valley(logs: Array, inside: Mask, centre: float, coefficients: Array) -> str:
    """Why the parabola has no usable vertex; empty where it has one."""
    if not coefficients[2] > 1e-12 * abs(coefficients[0]):
        return "the losses do not curve upwards"
    vertex = float(vertices(coefficients)) + centre
    low, high = float(logs[inside].min()), float(logs[inside].max())
    if low < vertex < high:
        return ""
    side, ends, edge = ("below", "smallest", low) if vertex <= low else ("above", "largest", high)
    where = format_quantity(float(np.exp(np.clip(vertex, -50, 50))))
    return f"the vertex, {where}, lies {side} the {ends} size, {format_quantity(float(np.exp(edge)))}"
