"""Approach 2: a parabola in ln N per budget, power laws through the vertices (Hoffmann et al. 2022, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.fit.parametric import fitted_provenance
from isoflop.fit.powerlaw import PowerFit, curvature_alarm, fit_power_laws
from isoflop.fit.resample import percentile_interval
from isoflop.fit.result import LEVEL, Fit, frontier_bands
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw
from isoflop.observations import Observations
from isoflop.units import format_flops, format_quantity

Array = NDArray[np.float64]

_FEWEST_SIZES = 4
_ONE_SIDED = 0.2  # of the window of sizes: a vertex nearer to its end leans on one side's runs


@dataclass(frozen=True, kw_only=True, eq=False)
class Valley:
    """One budget's parabola L = c0 + c1 x + c2 x^2, x = ln N less its centre."""

    flops: float
    """Geometric mean of the FLOPs its runs spent."""
    centre: float
    """Mean of ln N."""
    x: Array
    """ln N of its runs less the centre."""
    loss: Array
    """Their losses, brought to `flops` along the frontier's slope."""
    coefficients: Array
    """(c0, c1, c2) by least squares."""
    kept: bool
    """Whether the vertex is used."""
    reason: str
    """Why not, or empty."""

    @property
    def vertex(self) -> float:
        """ln N of least loss; NaN without upward curvature."""
        return float(_vertices(self.coefficients) + self.centre)

    @property
    def vertex_loss(self) -> float:
        """Loss there."""
        return float(_vertex_losses(self.coefficients))

    @property
    def squares(self) -> float:
        """Sum of squared residuals."""
        return float(np.sum((self.loss - _design(self.x) @ self.coefficients) ** 2))


def fit_isoflop(observations: Observations, *, cost: ComputeCost = SIX_N, draws: int = 4000, seed: int = 0) -> Fit:
    """Approach 2 on the final rows of `observations`, grouped by budget.

    Intervals: a parabola through five to eight points cannot be case-resampled: half the resamples hold fewer than
    four sizes and their vertices fly off, so percentile limits come out several times too wide. Instead the
    coefficients of each budget are drawn from their sampling distribution, with one noise level pooled over all
    budgets (t with its degrees of freedom), what the vertices scatter about the power law beyond that is added, and a
    part of the shift that a leaning valley calls for (uniform from none to all; the point stays the parabola's).
    tests/fit/test_isoflop.py measures the coverage.

    Raises RefusedError `no_budgets` for data without isoFLOP budgets and `too_few_budgets` where fewer than two
    budgets have a vertex.
    """
    data = observations.finals()
    labels = budget_labels(data)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels[labels >= 0])]
    groups = [rows for rows in groups if len(rows) >= 2]
    if not groups or not (np.isfinite(data.budget).any() or is_isoflop_design(labels)):
        raise RefusedError(
            "no_budgets", "the runs share no FLOP budgets: approach 2 needs at least four sizes a budget"
        )
    valleys = [_valley(data, rows, None) for rows in groups]
    slopes = _frontier_slopes(valleys)
    if slopes is not None:
        valleys = [_valley(data, rows, slope) for rows, slope in zip(groups, slopes, strict=True)]
    kept = [valley for valley in valleys if valley.kept]
    if len(kept) < 2:
        reasons = "; ".join(f"{format_flops(v.flops)}: {v.reason}" for v in valleys if not v.kept)
        raise RefusedError(
            "too_few_budgets",
            f"{len(kept)} of {len(valleys)} budgets have a usable vertex, at least two are needed ({reasons})",
        )
    rng = np.random.default_rng(seed)
    drawn_vertices, drawn_losses, spread = _draw_vertices(kept, max(draws, 200), rng)
    power = fit_power_laws(
        np.log([v.flops for v in kept]), np.array([v.vertex for v in kept]), drawn_vertices, spread, cost, rng
    )
    return _assembled(data, valleys, kept, power, drawn_losses, cost, with_draws=draws > 0)


def _design(x: Array) -> Array:
    return np.stack([np.ones_like(x), x, x * x], axis=-1)


def _vertices(coefficients: Array) -> Array:
    c1, c2 = coefficients[..., 1], coefficients[..., 2]
    return np.asarray(np.where(c2 > 0, -c1 / (2 * np.where(c2 > 0, c2, 1.0)), np.nan))


def _vertex_losses(coefficients: Array) -> Array:
    c0, c1 = coefficients[..., 0], coefficients[..., 1]
    return np.asarray(c0 + 0.5 * c1 * _vertices(coefficients))


def _valley(data: Observations, rows: NDArray[np.int64], slope: float | None) -> Valley:
    logs = np.log(data.N[rows])
    log_flops = np.log(data.C[rows])
    centre, log_budget = float(logs.mean()), float(log_flops.mean())
    loss = data.loss[rows] - (0.0 if slope is None else slope * (log_flops - log_budget))
    sizes = len(np.unique(logs.round(9)))
    x = logs - centre
    coefficients, reason = np.full(3, np.nan), ""
    if sizes < _FEWEST_SIZES:
        reason = f"{sizes} sizes, at least {_FEWEST_SIZES} are needed"
    else:
        coefficients = np.asarray(np.linalg.lstsq(_design(x), loss, rcond=None)[0], dtype=np.float64)
        vertex = float(_vertices(coefficients))
        if not coefficients[2] > 1e-12 * abs(coefficients[0]):
            reason = "the losses do not curve upwards"
        elif not x.min() < vertex < x.max():
            side, edge = ("below", logs.min()) if vertex <= x.min() else ("above", logs.max())
            where = format_quantity(float(np.exp(np.clip(vertex + centre, -50, 50))))
            ends = "smallest" if side == "below" else "largest"
            reason = f"the vertex, {where}, lies {side} the {ends} size, {format_quantity(float(np.exp(edge)))}"
    return Valley(
        flops=float(np.exp(log_budget)),
        centre=centre,
        x=x,
        loss=loss,
        coefficients=coefficients,
        kept=not reason,
        reason=reason,
    )


def _frontier_slopes(valleys: list[Valley]) -> list[float] | None:
    """dL/d ln C along the vertices at each budget: what a run that spent 1 % more than its neighbours gained."""
    kept = [valley for valley in valleys if valley.kept]
    if len(kept) < 2:
        return None
    logs, losses = np.log([v.flops for v in kept]), np.array([v.vertex_loss for v in kept])
    middles, secants = 0.5 * (logs[1:] + logs[:-1]), np.diff(losses) / np.diff(logs)
    # A slope that rises is noise: more compute does not hurt along the frontier.
    return [min(0.0, float(np.interp(np.log(v.flops), middles, secants))) for v in valleys]


def _draw_vertices(kept: list[Valley], draws: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """(ln N of vertices (draws, budgets), losses there, standard error of each ln N).

    Relative noise is pooled: sums of squares over the square of each budget's loss.
    """
    free = sum(len(v.x) - 3 for v in kept)
    pooled = np.sqrt(sum(v.squares / v.vertex_loss**2 for v in kept) / free)
    # One chi-square for all budgets: they share the estimate of the noise.
    scale = pooled * np.sqrt(free / rng.chisquare(free, size=draws))
    vertices, losses, errors = [], [], []
    for valley in kept:
        root = np.linalg.cholesky(np.linalg.inv(_design(valley.x).T @ _design(valley.x)))
        noise = rng.standard_normal((draws, 3)) @ root.T
        drawn = valley.coefficients + valley.vertex_loss * scale[:, None] * noise
        window = np.ptp(valley.x)
        at = _vertices(drawn)
        # Without upward curvature the least loss lies at an end; half a window beyond the sizes is as far as data say.
        downhill = np.where(drawn[:, 1] < 0, valley.x.max() + 0.5 * window, valley.x.min() - 0.5 * window)
        at = np.clip(np.where(np.isnan(at), downhill, at), valley.x.min() - 0.5 * window, valley.x.max() + 0.5 * window)
        vertices.append(at + valley.centre)
        losses.append(drawn[:, 0] + at * (drawn[:, 1] + at * drawn[:, 2]))
        c1, c2 = valley.coefficients[1], valley.coefficients[2]
        gradient = np.array([0.0, -1 / (2 * c2), c1 / (2 * c2**2)])
        errors.append(pooled * valley.vertex_loss * float(np.linalg.norm(gradient @ root)))
    shifts = _skew_shifts(kept, float(pooled), draws, rng) * rng.uniform(size=(draws, 1))
    return np.stack(vertices, axis=1) + shifts, np.stack(losses, axis=1), np.array(errors)


def _skew_shifts(kept: list[Valley], noise: float, draws: int, rng: np.random.Generator) -> Array:
    """How far each vertex moves, in ln N, with one cubic term common to all budgets: (draws, budgets).

    A law with alpha != beta has valleys that lean, and a parabola's vertex is off by up to 14 % (ln N). Leaning is a
    property of the law, L = c0 + c1 x + c2 (x^2 + kappa x^3), so all budgets together tell kappa, its noise included.
    """
    cubes = [v.x**3 - _design(v.x) @ np.linalg.lstsq(_design(v.x), v.x**3, rcond=None)[0] for v in kept]
    columns = [v.coefficients[2] * cube / v.vertex_loss for v, cube in zip(kept, cubes, strict=True)]
    rests = [(v.loss - _design(v.x) @ v.coefficients) / v.vertex_loss for v in kept]
    information = sum(float(column @ column) for column in columns)
    if information <= 0:
        return np.zeros((draws, len(kept)))
    kappa = sum(float(column @ rest) for column, rest in zip(columns, rests, strict=True)) / information
    drawn = kappa + noise / np.sqrt(information) * rng.standard_normal(draws)
    # A cubic that turns within the sizes is no valley.
    reach = max(float(np.abs(v.x).max()) for v in kept)
    drawn = np.clip(drawn, -1 / (3 * reach), 1 / (3 * reach))
    shifts = np.empty((draws, len(kept)))
    for j, valley in enumerate(kept):
        along = np.linalg.lstsq(_design(valley.x), valley.x**3, rcond=None)[0]
        c1, c2 = valley.coefficients[1] / valley.coefficients[2] - drawn * along[1], 1 - drawn * along[2]
        at = np.full(draws, _vertices(valley.coefficients))
        for _ in range(8):  # Newton on c1 + 2 c2 x + 3 kappa x^2 = 0, from the parabola's vertex
            curve = 2 * c2 + 6 * drawn * at
            at = at - (c1 + 2 * c2 * at + 3 * drawn * at**2) / np.where(curve > 0.2, curve, 0.2)
        shifts[:, j] = np.clip(at, valley.x.min(), valley.x.max()) - _vertices(valley.coefficients)
    return shifts


def _assembled(
    data: Observations,
    valleys: list[Valley],
    kept: list[Valley],
    power: PowerFit,
    drawn_losses: Array,
    cost: ComputeCost,
    *,
    with_draws: bool,
) -> Fit:
    provenance = fitted_provenance(data)
    law = FrontierLaw(**power.constants, provenance=provenance)
    draws = FrontierLaw(**power.drawn, provenance=provenance) if with_draws else None
    warnings: list[Notice] = []
    if len(kept) < len(valleys):
        left = "; ".join(f"{format_flops(v.flops)}: {v.reason}" for v in valleys if not v.kept)
        text = f"{len(valleys) - len(kept)} of {len(valleys)} budgets are left out: {left}"
        warnings.append(Notice(code="budgets_left_out", message=text))
    for valley in kept:
        inside = min(valley.vertex - valley.centre - valley.x.min(), valley.x.max() - valley.vertex + valley.centre)
        if inside < _ONE_SIDED * np.ptp(valley.x):
            at, budget = format_quantity(float(np.exp(valley.vertex))), format_flops(valley.flops)
            text = f"the vertex of budget {budget}, {at}, lies near an end of its sizes; add sizes beyond it"
            warnings.append(Notice(code="vertex_near_end", message=text))
    warnings += curvature_alarm(power)
    budgets, position = [], 0
    for valley in valleys:
        budgets.append(_budget_json(valley, cost))
        if valley.kept:
            if with_draws:
                budgets[-1].update(
                    _budget_intervals(valley, power.drawn_x[:, position], drawn_losses[:, position], cost)
                )
            position += 1
    intervals = {} if draws is None else {k: percentile_interval(v, LEVEL) for k, v in power.drawn.items()}
    fit = Fit(
        approach="isoflop",
        law=law,
        draws=draws,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals=intervals,
        warnings=tuple(warnings),
        details={
            "budgets": budgets,
            "curvature": power.curvature_json(),
            "vertex_scatter": {"expected": power.expected_scatter, "extra": power.extra_scatter},
        },
    )
    fit.details["frontier"] = frontier_bands(fit, float(data.C.min()), 10 * float(data.C.max()))
    return fit


def _budget_json(valley: Valley, cost: ComputeCost) -> dict[str, Any]:
    record: dict[str, Any] = {
        "flops": valley.flops,
        "kept": valley.kept,
        "reason": valley.reason,
        "params": None,
        "tokens": None,
        "loss": None,
        "sizes": len(valley.x),
    }
    if np.isfinite(valley.vertex):
        params = float(np.exp(np.clip(valley.vertex, -600, 600)))
        record["parabola"] = {"coefficients": valley.coefficients.tolist(), "log_params_centre": valley.centre}
        record["below"] = int(np.sum(valley.x + valley.centre < valley.vertex))
        record["above"] = int(np.sum(valley.x + valley.centre > valley.vertex))
        record["vertex_over_centre"] = float(np.exp(np.clip(valley.vertex - valley.centre, -600, 600)))
        if valley.kept:
            record.update(params=params, tokens=float(cost.tokens(valley.flops, params)), loss=valley.vertex_loss)
    return record


def _budget_intervals(valley: Valley, log_params: Array, losses: Array, cost: ComputeCost) -> dict[str, Any]:
    low, high = percentile_interval(log_params, LEVEL)
    edges = np.exp([low, high])
    tokens = cost.tokens(valley.flops, edges)
    return {
        "params_interval": edges.tolist(),
        "tokens_interval": [float(tokens[1]), float(tokens[0])],
        "loss_interval": list(percentile_interval(losses, LEVEL)),
    }
