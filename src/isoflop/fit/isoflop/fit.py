"""Approach 2: an isoFLOP profile per budget, power laws through the vertices (Hoffmann et al. 2022, section 3.2).

Intervals: a parabola through five to eight points cannot be case-resampled: half the resamples hold fewer than four
sizes and their vertices diverge, so percentile limits come out several times too wide. Instead the coefficients of each
budget are drawn from their sampling distribution, with a noise level that is pooled over the budgets as far as they do
not show that it differs (budget_noise.py; t with its degrees of freedom), as is the shared asymmetry; and the scatter
of the vertices about the power law beyond that is added.
tests/fit/isoflop/test_fit.py and bench/fit/vertices.py measure the coverage.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from isoflop.errors import Notice, RefusedError
from isoflop.fit.budgets import budget_labels, budgets_among_others, is_isoflop_design, split_by_label
from isoflop.fit.isoflop.asymmetry import Asymmetry, shared_asymmetry
from isoflop.fit.isoflop.power_law import PowerFit, curvature_alarm, fit_power_laws
from isoflop.fit.isoflop.profile import WINDOW, IsoflopProfile, design_balance, fit_profile, refuse_deep_vertices
from isoflop.fit.isoflop.vertices import Vertex, profile_vertices
from isoflop.fit.preconditions import refuse_scatter
from isoflop.fit.resampling import DRAWS, LEVEL, percentile_interval
from isoflop.fit.result import BudgetProfile, Frontier, IsoflopFit, ProfileCurve, VertexMethod, fitted_provenance
from isoflop.fit.schedule_checks import exponent_notices
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw
from isoflop.units import format_flops

if TYPE_CHECKING:
    from isoflop.observations import Observations

Vertices = Literal["cubic", "parabola"]

_FEWEST_AMONG_OTHERS = 3  # clusters of C in a table of other runs: one or two may be chance
_FEWEST_DRAWS = 200  # also without intervals: the alarm and the scatter are measured on them


def fit_isoflop(
    observations: Observations,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = DRAWS,
    seed: int = 0,
    vertices: Vertices = "cubic",
    window: float = WINDOW,
) -> IsoflopFit:
    """Approach 2 on the final rows of `observations` of fresh text, grouped by budget.

    `cubic`: runs within a factor `window` of the vertex, and a cubic term that all budgets share, as far as the noise
    lets it be seen. `parabola`: a parabola through all sizes, as published.

    Raises RefusedError `no_budgets` for data without isoFLOP budgets, `too_few_budgets` where fewer than two budgets
    have a vertex, and `poor_fit` where the runs scatter too much about them.
    """
    data = observations.finals().fresh()
    cubic = vertices == "cubic"
    profiles, notices = _profiles(data, window if cubic else None)
    profiles = refuse_deep_vertices(profiles)
    kept = [profile for profile in profiles if profile.kept]
    if len(kept) < 2:
        text = f"{len(kept)} of {len(profiles)} budgets have a usable vertex, at least two are needed"
        raise RefusedError("too_few_budgets", f"{text} ({_reasons(profiles)})")
    rng = np.random.default_rng(seed)
    asymmetry = shared_asymmetry(kept)
    refuse_scatter(asymmetry.noise, "the isoFLOP profiles of their budgets")
    optima = profile_vertices(kept, asymmetry, max(draws, _FEWEST_DRAWS), rng, cubic=cubic)
    power = fit_power_laws(
        np.log([profile.flops for profile in kept]),
        np.array([vertex.log_params for vertex in optima]),
        np.stack([vertex.drawn for vertex in optima], axis=1),
        np.array([vertex.error for vertex in optima]),
        cost,
        rng,
        shared=asymmetry.kappa_se * np.array([vertex.per_kappa for vertex in optima]),
        free_of_noise=asymmetry.free,
    )
    balance, off_balance = design_balance(kept, np.array([vertex.log_params for vertex in optima]))
    law, drawn = _laws(data, power, with_draws=draws > 0)
    # Runs of budgets that nobody stated may differ in more than size: their bend is a notice that stops no plan.
    code = "frontier_may_bend" if notices else "frontier_bends"
    warnings = [*notices, *_left_out(profiles), *off_balance, *curvature_alarm(power.curvature, code)]
    return IsoflopFit(
        law=law,
        draws=drawn,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals={} if drawn is None else {k: percentile_interval(v, LEVEL) for k, v in power.drawn.items()},
        notices=(*warnings, *exponent_notices(data, float(law.a))),
        budgets=_budgets(profiles, optima, cost, asymmetry.kappa_se, with_draws=draws > 0),
        vertices=_method(asymmetry, window if cubic else None),
        design_balance=balance,
        curvature=power.curvature,
        vertex_scatter=power.scatter,
        frontier=Frontier.of(law, drawn, cost, float(data.C.min()), 10 * float(data.C.max())),
    )


def _reasons(profiles: list[IsoflopProfile]) -> str:
    """Why each budget without a usable vertex has none."""
    return "; ".join(f"{format_flops(profile.flops)}: {profile.reason}" for profile in profiles if not profile.kept)


def _left_out(profiles: list[IsoflopProfile]) -> list[Notice]:
    count = sum(not profile.kept for profile in profiles)
    text = f"{count} of {len(profiles)} budgets are left out: {_reasons(profiles)}"
    return [Notice(code="budgets_left_out", message=text)] if count else []


def _profiles(data: Observations, window: float | None) -> tuple[list[IsoflopProfile], list[Notice]]:
    """The profile of each budget, ascending by FLOPs; with a notice where budgets were recognised among other runs."""
    labels, notices = budget_labels(data), list[Notice]()
    if not np.isfinite(data.budget).any() and not is_isoflop_design(labels):
        labels = budgets_among_others(data)
        if labels.max(initial=-1) + 1 < _FEWEST_AMONG_OTHERS:
            raise RefusedError(
                "no_budgets", "the runs share no FLOP budgets: approach 2 needs at least four sizes a budget"
            )
        text = (
            f"{int(np.sum(labels >= 0))} of {len(data)} runs cluster at {labels.max() + 1} compute values, which are "
            "taken as isoFLOP budgets; approach 2 does not use the other runs"
        )
        notices.append(Notice(code="budgets_among_others", message=text))
    grouped = np.flatnonzero(labels >= 0)
    groups = [rows for rows in split_by_label(grouped, labels[grouped]) if len(rows) >= 2]
    if not groups:
        raise RefusedError(
            "no_budgets", "no two runs share a FLOP budget: approach 2 needs at least four sizes a budget"
        )
    # Twice: the slope of the frontier, which compares runs that spent unequal compute, follows from the first vertices.
    profiles = [fit_profile(data, rows, None, window) for rows in groups]
    slopes = _frontier_slopes(profiles)
    if slopes is not None:
        profiles = [fit_profile(data, rows, slope, window) for rows, slope in zip(groups, slopes, strict=True)]
    return profiles, notices


def _frontier_slopes(profiles: list[IsoflopProfile]) -> list[float] | None:
    """dL/d ln C along the vertices at each budget; None with fewer than two vertices."""
    kept = [profile for profile in profiles if profile.kept]
    if len(kept) < 2:
        return None
    logs = np.log([profile.flops for profile in kept])
    losses = np.array([profile.least_loss for profile in kept])
    middles, secants = 0.5 * (logs[1:] + logs[:-1]), np.diff(losses) / np.diff(logs)
    # A slope that rises is noise: more compute does not hurt along the frontier.
    return [min(0.0, float(np.interp(np.log(profile.flops), middles, secants))) for profile in profiles]


def _laws(data: Observations, power: PowerFit, *, with_draws: bool) -> tuple[FrontierLaw, FrontierLaw | None]:
    """(law, the same with arrays of draws)."""
    provenance = fitted_provenance(data)
    law = FrontierLaw(**power.constants, provenance=provenance)
    return law, FrontierLaw(**power.drawn, provenance=provenance) if with_draws else None


def _method(asymmetry: Asymmetry, window: float | None) -> VertexMethod:
    """How vertices were determined; `window` None for plain parabolas."""
    plain = window is None
    return VertexMethod(
        kind="parabola" if plain else "leaning",
        window=window,
        asymmetry=0.0 if plain else asymmetry.kappa,
        asymmetry_se=None if plain else asymmetry.kappa_se,
        asymmetry_estimate=asymmetry.estimate,
        asymmetry_estimate_se=asymmetry.estimate_se,
        noise=asymmetry.noise,
    )


def _budgets(
    profiles: list[IsoflopProfile], optima: list[Vertex], cost: ComputeCost, kappa_se: float, *, with_draws: bool
) -> tuple[BudgetProfile, ...]:
    """What the fit reports of each profile, with its optimum where it is kept."""
    vertex_of = {id(vertex.profile): vertex for vertex in optima}
    reported = []
    for profile in profiles:
        vertex = vertex_of.get(id(profile))
        budget = _budget(profile, vertex)
        if vertex is not None:
            budget = _with_optimum(budget, vertex, cost, kappa_se, with_draws=with_draws)
        reported.append(budget)
    return tuple(reported)


def _budget(profile: IsoflopProfile, vertex: Vertex | None) -> BudgetProfile:
    budget = BudgetProfile(
        flops=profile.flops,
        kept=profile.kept,
        reason=profile.reason,
        sizes=int(profile.inside.sum()),
        outside_window=int((~profile.inside).sum()),
    )
    if not np.isfinite(profile.vertex):
        return budget
    log_params = profile.log_params[profile.inside]
    optimum = profile.vertex + profile.centre if vertex is None else vertex.log_params
    curve = profile.coefficients if vertex is None else vertex.coefficients
    low, high = np.exp(profile.centre + np.array([profile.x.min(), profile.x.max()])).tolist()
    return replace(
        budget,
        parabola=ProfileCurve(coefficients=tuple(curve.tolist()), log_params_centre=profile.centre),
        window=(low, high),
        below=int(np.sum(log_params < optimum)),
        above=int(np.sum(log_params > optimum)),
        vertex_over_centre=float(np.exp(np.clip(optimum - profile.log_params.mean(), -600, 600))),
    )


def _with_optimum(
    budget: BudgetProfile, vertex: Vertex, cost: ComputeCost, kappa_se: float, *, with_draws: bool
) -> BudgetProfile:
    params = float(np.exp(vertex.log_params))
    budget = replace(
        budget,
        params=params,
        tokens=float(cost.tokens(budget.flops, params)),
        loss=vertex.loss,
        log_params_se=vertex.error,
        asymmetry_se=vertex.per_kappa * kappa_se,
    )
    if not with_draws:
        return budget
    low, high = np.exp(percentile_interval(vertex.drawn, LEVEL)).tolist()
    most, fewest = cost.tokens(budget.flops, np.array([low, high])).tolist()  # the largest size leaves fewest tokens
    return replace(
        budget,
        params_interval=(low, high),
        tokens_interval=(fewest, most),
        loss_interval=percentile_interval(vertex.drawn_loss, LEVEL),
    )
