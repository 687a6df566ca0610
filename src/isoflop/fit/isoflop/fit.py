"""Approach 2: a valley in ln N per budget, power laws through the vertices (Hoffmann et al. 2022, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.budgets import budget_labels, budgets_among_others, is_isoflop_design, split_by_label
from isoflop.fit.goodness import refuse_scatter
from isoflop.fit.isoflop.asymmetry import Lean, common_lean, leaning
from isoflop.fit.isoflop.design_balance import centring, centring_notices
from isoflop.fit.isoflop.holes import without_holes
from isoflop.fit.isoflop.power_law import PowerFit, curvature_alarm, fit_power_laws
from isoflop.fit.isoflop.profile import WINDOW, Valley, design, find_valley, vertices
from isoflop.fit.resampling import DRAWS, LEVEL, percentile_interval
from isoflop.fit.result import BudgetProfile, Frontier, IsoflopFit, ProfileCurve, VertexMethod, fitted_provenance
from isoflop.fit.schedule_checks import exponent_notices
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw
from isoflop.observations import Observations
from isoflop.units import format_flops

Array = NDArray[np.float64]
Vertices = Literal["leaning", "parabola"]

_FEWEST_AMONG_OTHERS = 3  # crowds of C in a table of other runs: one or two may be chance
_FEWEST_DRAWS = 200  # also without intervals: the alarm and the scatter are measured on them


@dataclass(frozen=True, kw_only=True, eq=False)
class Vertex:
    """Where one budget's loss is least, with draws."""

    valley: Valley
    coefficients: Array
    """(c0, c1, c2, c3) of the curve in ln N less the valley's centre."""
    log_params: float
    """ln N of least loss."""
    loss: float
    """Loss there."""
    error: float
    """Standard error of `log_params` from this budget's own noise."""
    per_lean: float
    """d log_params / d kappa: what the vertices share is no scatter of theirs."""
    drawn: Array
    """Draws of `log_params`."""
    drawn_loss: Array
    """Draws of `loss`."""


def fit_isoflop(
    observations: Observations,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = DRAWS,
    seed: int = 0,
    vertices: Vertices = "leaning",
    window: float = WINDOW,
) -> IsoflopFit:
    """Approach 2 on the final rows of `observations` of fresh text, grouped by budget.

    `leaning`: runs within a factor `window` of the vertex, and a cubic term that all budgets share, as far as the noise
    lets it be seen. `parabola`: a parabola through all sizes, as published.

    Intervals: a parabola through five to eight points cannot be case-resampled: half the resamples hold fewer than
    four sizes and their vertices fly off, so percentile limits come out several times too wide. Instead the
    coefficients of each budget are drawn from their sampling distribution, with one noise level pooled over all
    budgets (t with its degrees of freedom); so is the shared lean; and what the vertices scatter about the power law
    beyond that is added. tests/fit/isoflop/test_fit.py and bench/fit/vertices.py measure the coverage.

    Raises RefusedError `no_budgets` for data without isoFLOP budgets, `too_few_budgets` where fewer than two budgets
    have a vertex, and `poor_fit` where the runs scatter too much about them.
    """
    data = observations.finals().fresh()
    valleys, notices = _valleys(data, window if vertices == "leaning" else None)
    valleys = without_holes(valleys)
    kept = [valley for valley in valleys if valley.kept]
    if len(kept) < 2:
        reasons = "; ".join(f"{format_flops(v.flops)}: {v.reason}" for v in valleys if not v.kept)
        raise RefusedError(
            "too_few_budgets",
            f"{len(kept)} of {len(valleys)} budgets have a usable vertex, at least two are needed ({reasons})",
        )
    rng = np.random.default_rng(seed)
    lean = common_lean(kept)
    refuse_scatter(lean.noise, "the valleys of their budgets")
    found = _vertices(kept, lean, max(draws, _FEWEST_DRAWS), rng, upright=vertices == "parabola")
    power = fit_power_laws(
        np.log([v.flops for v in kept]),
        np.array([vertex.log_params for vertex in found]),
        np.stack([vertex.drawn for vertex in found], axis=1),
        np.array([vertex.error for vertex in found]),
        cost,
        rng,
        shared=lean.kappa_se * np.array([vertex.per_lean for vertex in found]),
    )
    used = window if vertices == "leaning" else None
    return _assembled(data, valleys, notices, found, lean, power, cost, used, with_draws=draws > 0)


def _valleys(data: Observations, window: float | None) -> tuple[list[Valley], list[Notice]]:
    labels, notices = budget_labels(data), list[Notice]()
    if not np.isfinite(data.budget).any() and not is_isoflop_design(labels):
        labels = budgets_among_others(data)
        if labels.max(initial=-1) + 1 < _FEWEST_AMONG_OTHERS:
            raise RefusedError(
                "no_budgets", "the runs share no FLOP budgets: approach 2 needs at least four sizes a budget"
            )
        text = (
            f"{int(np.sum(labels >= 0))} of {len(data)} runs stand in {labels.max() + 1} narrow crowds of C, and are "
            "taken for isoFLOP budgets; approach 2 does not use the others"
        )
        notices.append(Notice(code="budgets_among_others", message=text))
    grouped = np.flatnonzero(labels >= 0)
    groups = [rows for rows in split_by_label(grouped, labels[grouped]) if len(rows) >= 2]
    if not groups:
        raise RefusedError(
            "no_budgets", "no two runs share a FLOP budget: approach 2 needs at least four sizes a budget"
        )
    valleys = [find_valley(data, rows, None, window) for rows in groups]
    slopes = _frontier_slopes(valleys)
    if slopes is not None:
        valleys = [find_valley(data, rows, slope, window) for rows, slope in zip(groups, slopes, strict=True)]
    return valleys, notices


def _frontier_slopes(valleys: list[Valley]) -> list[float] | None:
    """dL/d ln C along the vertices at each budget: what a run that spent 1 % more than its neighbours gained."""
    kept = [valley for valley in valleys if valley.kept]
    if len(kept) < 2:
        return None
    logs, losses = np.log([v.flops for v in kept]), np.array([v.least for v in kept])
    middles, secants = 0.5 * (logs[1:] + logs[:-1]), np.diff(losses) / np.diff(logs)
    # A slope that rises is noise: more compute does not hurt along the frontier.
    return [min(0.0, float(np.interp(np.log(v.flops), middles, secants))) for v in valleys]


def _vertices(kept: list[Valley], lean: Lean, draws: int, rng: np.random.Generator, *, upright: bool) -> list[Vertex]:
    """Vertex of each valley: the parabola's, moved by the common lean unless `upright`."""
    # One chi-square for all budgets: they share the estimate of the noise.
    scale = np.sqrt(lean.free / rng.chisquare(lean.free, size=draws))
    kappas = np.zeros(draws) if upright else lean.drawn(scale, rng)
    kappa = 0.0 if upright else lean.kappa
    found = []
    for valley in kept:
        root = np.linalg.cholesky(np.linalg.inv(design(valley.x).T @ design(valley.x)))
        noise = valley.least * lean.noise
        drawn = valley.coefficients + noise * scale[:, None] * (rng.standard_normal((draws, 3)) @ root.T)
        low, high, half = valley.x.min(), valley.x.max(), 0.5 * np.ptp(valley.x)
        at = vertices(drawn)
        # Without upward curvature the least loss lies at an end; half a window beyond the sizes is as far as data say.
        downhill = np.where(drawn[:, 1] < 0, high + half, low - half)
        at = np.clip(np.where(np.isnan(at), downhill, at), low - half, high + half)
        heights = drawn[:, 0] + at * (drawn[:, 1] + at * drawn[:, 2])
        curve, place = leaning(valley, np.array(kappa))
        least = float(np.polyval(curve[::-1], place))
        side = leaning(valley, kappa + np.array([-0.01, 0.01]))[1]
        c1, c2 = valley.coefficients[1], valley.coefficients[2]
        gradient = np.array([0.0, -1 / (2 * c2), c1 / (2 * c2**2)])
        found.append(
            Vertex(
                valley=valley,
                coefficients=curve,
                log_params=float(place) + valley.centre,
                loss=least,
                error=noise * float(np.linalg.norm(gradient @ root)),
                per_lean=0.0 if upright else float(side[1] - side[0]) / 0.02,
                drawn=at + valley.centre + (0.0 if upright else leaning(valley, kappas)[1] - valley.at),
                drawn_loss=heights + least - valley.least,
            )
        )
    return found


def _assembled(
    data: Observations,
    valleys: list[Valley],
    notices: list[Notice],
    found: list[Vertex],
    lean: Lean,
    power: PowerFit,
    cost: ComputeCost,
    window: float | None,
    *,
    with_draws: bool,
) -> IsoflopFit:
    provenance = fitted_provenance(data)
    law = FrontierLaw(**power.constants, provenance=provenance)
    draws = FrontierLaw(**power.drawn, provenance=provenance) if with_draws else None
    warnings = list(notices)
    if len(found) < len(valleys):
        left = "; ".join(f"{format_flops(v.flops)}: {v.reason}" for v in valleys if not v.kept)
        text = f"{len(valleys) - len(found)} of {len(valleys)} budgets are left out: {left}"
        warnings.append(Notice(code="budgets_left_out", message=text))
    centred = centring([vertex.valley for vertex in found], np.array([vertex.log_params for vertex in found]))
    # Budgets that nobody stated may be of runs that differ in more than size: their bend is told, and stops no plan.
    code = "frontier_may_bend" if notices else "frontier_bends"
    warnings += centring_notices(centred) + curvature_alarm(power.curvature, code)
    warnings += exponent_notices(data, float(law.a))
    vertex_of = {id(vertex.valley): vertex for vertex in found}
    return IsoflopFit(
        law=law,
        draws=draws,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals={} if draws is None else {k: percentile_interval(v, LEVEL) for k, v in power.drawn.items()},
        notices=tuple(warnings),
        budgets=tuple(
            _budget(valley, vertex_of.get(id(valley)), cost, lean.kappa_se, with_draws=with_draws) for valley in valleys
        ),
        vertices=_method(lean, window),
        design_balance=centred.balance(),
        curvature=power.curvature,
        vertex_scatter=power.scatter,
        frontier=Frontier.of(law, draws, cost, float(data.C.min()), 10 * float(data.C.max())),
    )


def _method(lean: Lean, window: float | None) -> VertexMethod:
    """How vertices were determined; `window` None for plain parabolas."""
    plain = window is None
    return VertexMethod(
        kind="parabola" if plain else "leaning",
        window=window,
        asymmetry=0.0 if plain else lean.kappa,
        asymmetry_se=None if plain else lean.kappa_se,
        asymmetry_estimate=lean.estimate,
        asymmetry_estimate_se=lean.estimate_se,
        noise=lean.noise,
    )


def _budget(
    valley: Valley, vertex: Vertex | None, cost: ComputeCost, kappa_se: float, *, with_draws: bool
) -> BudgetProfile:
    profile = BudgetProfile(
        flops=valley.flops,
        kept=valley.kept,
        reason=valley.reason,
        sizes=int(valley.inside.sum()),
        outside_window=int((~valley.inside).sum()),
    )
    if np.isfinite(valley.at):
        at = valley.at + valley.centre if vertex is None else vertex.log_params
        curve = valley.coefficients if vertex is None else vertex.coefficients
        low, high = np.exp(valley.centre + np.array([valley.x.min(), valley.x.max()])).tolist()
        profile = replace(
            profile,
            parabola=ProfileCurve(coefficients=tuple(curve.tolist()), log_params_centre=valley.centre),
            window=(low, high),
            below=int(np.sum(valley.x + valley.centre < at)),
            above=int(np.sum(valley.x + valley.centre > at)),
            vertex_over_centre=float(np.exp(np.clip(at - valley.log_params.mean(), -600, 600))),
        )
    if vertex is None:
        return profile
    params = float(np.exp(vertex.log_params))
    profile = replace(
        profile,
        params=params,
        tokens=float(cost.tokens(valley.flops, params)),
        loss=vertex.loss,
        log_params_se=vertex.error,
        asymmetry_se=vertex.per_lean * kappa_se,
    )
    if not with_draws:
        return profile
    low, high = np.exp(percentile_interval(vertex.drawn, LEVEL)).tolist()
    # The largest size leaves the fewest tokens.
    most, fewest = cost.tokens(valley.flops, np.array([low, high])).tolist()
    return replace(
        profile,
        params_interval=(low, high),
        tokens_interval=(fewest, most),
        loss_interval=percentile_interval(vertex.drawn_loss, LEVEL),
    )
