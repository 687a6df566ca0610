"""The isoFLOP profile of one budget: its losses against ln N, and a parabola through the runs around its vertex.

Here too: which vertices are artefacts of runs far from them, and whether the sizes of a sweep surround its vertices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import MAD_TO_SD, Array, Mask
from isoflop.errors import Notice
from isoflop.fit.result import DesignBalance
from isoflop.units import format_flops, format_number, format_quantity, percent

if TYPE_CHECKING:
    from isoflop.observations import Observations

WINDOW = 6.0
"""Sizes up to this factor from the vertex are used. Further away a profile is no parabola, nor a cubic, and models
that saw a few hundred steps lie above any law. A grid of 4 to both sides stays whole; where the form is right, wider
windows lose less to noise (bench/fit/vertices.md). On Porian et al. 2024, whose sizes go to 1,200 times the smallest,
the largest error of the exponent is .030 at 4, .027 at 6, .032 at 8, .038 at 12 and .057 with all sizes
(bench/fit/porian.md)."""
FEWEST_SIZES = 4
_ROUNDS = 30  # of moving the window to the vertex; two to four settle it
_COEFFICIENTS = 3
_LEAST_SCATTER = 2e-3  # of a loss: how far the law itself departs from its parabola, at sizes four times apart
_DEEP = 5.0  # scatters; one budget in several hundred by chance, as the scatter has few degrees of freedom
_ONE_SIDED = 0.2  # of the window of sizes: the runs of one side decide a vertex nearer to its end
_DRIFT = 2.0  # factor over the sweep: a centre that drifts to 3 moves D_opt 1,000 times beyond it by up to 30 %


@dataclass(frozen=True, kw_only=True, eq=False)
class IsoflopProfile:
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
    def vertex(self) -> float:
        """x of the parabola's vertex; NaN without upward curvature."""
        return float(parabola_vertex(self.coefficients))

    @property
    def least_loss(self) -> float:
        """Loss at the vertex."""
        return float(self.coefficients[0] + 0.5 * self.coefficients[1] * self.vertex)

    @property
    def residuals(self) -> Array:
        """Losses less the parabola, of the runs inside the window."""
        return np.asarray(self.loss - quadratic_columns(self.x) @ self.coefficients)


def quadratic_columns(x: Array) -> Array:
    """Columns 1, x, x^2, (..., 3)."""
    return np.stack([np.ones_like(x), x, x * x], axis=-1)


def parabola_vertex(coefficients: Array) -> Array:
    """x of least value of parabolas (..., 3); NaN without upward curvature."""
    c1, c2 = coefficients[..., 1], coefficients[..., 2]
    return np.asarray(np.where(c2 > 0, -c1 / (2 * np.where(c2 > 0, c2, 1.0)), np.nan))


def fit_profile(
    data: Observations, rows: NDArray[np.int64], slope: float | None, window: float | None
) -> IsoflopProfile:
    """The profile of one budget's `rows`; `slope`, dL / d ln C along the frontier, brings losses to their mean compute.

    `window` is the largest factor between a size used and the vertex, None for all sizes. `kept` is False, with the
    reason, with fewer than four sizes, without upward curvature, or with the vertex outside of the sizes.
    """
    order = np.lexsort((data.loss[rows], data.N[rows]))  # the order of the file must not show in the last digit
    rows = rows[order]
    logs, log_flops = np.log(data.N[rows]), np.log(data.C[rows])
    log_budget = float(log_flops.mean())
    # A run that spent a little more than its neighbours gained a little: remove that gain before comparing sizes.
    losses = data.loss[rows] - (0.0 if slope is None else slope * (log_flops - log_budget))
    inside, reason = np.ones(len(rows), dtype=bool), ""
    centre, coefficients = float(logs.mean()), np.full(_COEFFICIENTS, np.nan)
    sizes = len(np.unique(logs.round(9)))
    if sizes < FEWEST_SIZES:
        reason = f"{sizes} sizes, at least {FEWEST_SIZES} are needed"
    else:
        inside = inside if window is None else _settled_window(logs, losses, float(np.log(window)))
        centre, coefficients = _parabola(logs, losses, inside)
        reason = _no_vertex(logs, inside, centre, coefficients)
    return IsoflopProfile(
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
    """(mean ln N, coefficients about it) of the runs inside: about their mean the columns are nearly orthogonal."""
    centre = float(logs[inside].mean())
    solved = np.linalg.lstsq(quadratic_columns(logs[inside] - centre), losses[inside], rcond=None)[0]
    return centre, np.asarray(solved, dtype=np.float64)


def _settled_window(logs: Array, losses: Array, reach: float) -> Mask:
    """The window that is centred on its own vertex: moved to the vertex until it stays.

    It starts with all sizes where they fit into one window, else around the lowest run, and stops at the last place
    whose parabola has a vertex.
    """
    inside = np.ones(len(logs), dtype=bool)
    if np.ptp(logs) > 2 * reach:
        inside = _around(logs, float(logs[np.argmin(losses)]), reach)
    for _ in range(_ROUNDS):
        centre, coefficients = _parabola(logs, losses, inside)
        if _no_vertex(logs, inside, centre, coefficients):
            return inside
        moved = _around(logs, float(parabola_vertex(coefficients)) + centre, reach)
        if np.array_equal(moved, inside) or _no_vertex(logs, moved, *_parabola(logs, losses, moved)):
            return inside
        inside = moved
    return inside


def _around(logs: Array, vertex: float, reach: float) -> Mask:
    """Runs within `reach` of `vertex` in ln N, and at least those of the four nearest sizes."""
    distance = np.abs(logs - vertex).round(9)
    # Sizes by distance: runs of one size count once, two sizes at one distance twice.
    nearest = np.unique(np.stack([distance, logs.round(9)]), axis=1)[0]
    return distance <= max(reach + 1e-9, float(nearest[FEWEST_SIZES - 1]))


def _no_vertex(logs: Array, inside: Mask, centre: float, coefficients: Array) -> str:
    """Why the parabola has no usable vertex; empty where it has one."""
    if not coefficients[2] > 1e-12 * abs(coefficients[0]):
        return "the losses do not curve upwards"
    vertex = float(parabola_vertex(coefficients)) + centre
    low, high = float(logs[inside].min()), float(logs[inside].max())
    if low < vertex < high:
        return ""
    side, ends, edge = ("below", "smallest", low) if vertex <= low else ("above", "largest", high)
    where = format_quantity(float(np.exp(np.clip(vertex, -50, 50))))
    return f"the vertex, {where}, lies {side} the {ends} size, {format_quantity(float(np.exp(edge)))}"


def refuse_deep_vertices(profiles: Sequence[IsoflopProfile]) -> list[IsoflopProfile]:
    """`profiles`, without the vertices that lie below the runs next to them by more than five scatters of a loss.

    Such a vertex is made by runs far from it. The scatter is that of the runs about all kept profiles, robustly, so
    that one bad budget does not hide itself.
    """
    kept = [profile for profile in profiles if profile.kept]
    if not kept:
        return list(profiles)
    residuals = np.concatenate([profile.residuals / profile.least_loss for profile in kept])
    free = max(len(residuals) - _COEFFICIENTS * len(kept), 1)
    # Residuals of a fit are smaller than the noise by the root of the degrees of freedom that the fit took.
    scatter = MAD_TO_SD * float(np.median(np.abs(residuals))) * float(np.sqrt(len(residuals) / free))
    limit = _DEEP * max(scatter, _LEAST_SCATTER)
    return [_checked_depth(profile, limit) if profile.kept else profile for profile in profiles]


def _checked_depth(profile: IsoflopProfile, limit: float) -> IsoflopProfile:
    """The profile, refused where its curve passes below a run next to the vertex by more than a share `limit`."""
    right = int(np.searchsorted(profile.x, profile.vertex))
    # The vertex lies between two sizes; the run of least loss may be a third.
    neighbours = [right - 1, right, int(np.argmin(profile.loss))]
    below = float((profile.residuals[neighbours] / profile.loss[neighbours]).max())
    if below <= limit:
        return profile
    reason = (
        f"its curve passes {percent(below)} below a run next to its vertex, whose loss would be "
        f"{format_number(profile.least_loss, 4)} "
        f"where the least measured loss is {format_number(profile.loss.min(), 4)}: losses far from the vertex decide it"
    )
    return replace(profile, kept=False, reason=reason)


def design_balance(profiles: Sequence[IsoflopProfile], log_params: Array) -> tuple[DesignBalance, list[Notice]]:
    """How the optima `log_params` (budgets,) lie in the windows of their profiles, at least two; with its notices.

    `vertex_near_end` for each budget whose optimum is near an end of its sizes, and `centre_drifts` where the middle of
    the sweep moves away from its optima: then the error of the parabola grows with compute, and enters the exponent.
    """
    ends = np.array([[profile.x.min() + profile.centre, profile.x.max() + profile.centre] for profile in profiles])
    log_flops = np.log([profile.flops for profile in profiles])
    off_centre = log_params - ends.mean(axis=1)
    t = log_flops - log_flops.mean()
    # Slope of off_centre against ln C, times the range of ln C.
    drift = float(np.exp((off_centre @ t) / (t @ t) * np.ptp(t)))
    balance = DesignBalance(
        off_centre=tuple(np.exp(off_centre).tolist()),
        share_below=tuple(
            float(np.mean(profile.x + profile.centre < optimum))
            for profile, optimum in zip(profiles, log_params, strict=True)
        ),
        drift=drift,
    )
    to_end = np.minimum(log_params - ends[:, 0], ends[:, 1] - log_params) / np.ptp(ends, axis=1)
    notices = [
        Notice(
            code="vertex_near_end",
            message=f"the vertex of budget {format_flops(profile.flops)}, {format_quantity(float(np.exp(optimum)))}, "
            "lies near an end of its sizes; add sizes beyond it",
        )
        for profile, optimum, share in zip(profiles, log_params, to_end, strict=True)
        if share < _ONE_SIDED
    ]
    if not 1 / _DRIFT <= drift <= _DRIFT:
        first, last = balance.off_centre[0], balance.off_centre[-1]
        text = (
            f"the middle of the sizes drifts against the vertices, from {format_number(1 / first, 2)} times the vertex "
            "at the "
            f"smallest budget to {format_number(1 / last, 2)} times at the largest: the error of the parabola enters a"
        )
        notices.append(Notice(code="centre_drifts", message=text))
    return balance, notices
