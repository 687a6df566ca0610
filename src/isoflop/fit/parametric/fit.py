"""Approach 3: E + A/N^alpha + B/D^beta fitted to all final losses (Hoffmann et al. 2022, section 3.3), certified."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import robust_sd
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit.listed_rows import residual_rows
from isoflop.fit.parametric.bootstrap import Refits, bootstrap
from isoflop.fit.parametric.identifiability import (
    influence_notices,
    not_identified,
    optimal_sizes,
    strong_correlations,
    verdicts,
)
from isoflop.fit.parametric.multistart import CertifiedOptimum, best_grid_start, find_optimum
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.fit.parametric.resampling_units import runs_and_strata
from isoflop.fit.preconditions import count_budgets, refuse_scatter, refuse_unfittable, strata
from isoflop.fit.resampling import DRAWS, LEVEL, percentile_interval
from isoflop.fit.result import (
    CONSTANTS,
    DesignCentre,
    DrawCounts,
    Frontier,
    ParametricFit,
    Starts,
    Term,
    TermsAtCentre,
    fitted_provenance,
)
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, Provenance
from isoflop.units import format_number

if TYPE_CHECKING:
    from isoflop.observations import Observations

PUBLISHED_DELTA = 1e-3
"""Huber's delta in Hoffmann et al. 2022, section 3.3."""
_AUTO_FACTOR = 1.345  # 95 % efficient at the normal distribution (Huber 1981)
_LEAST_DELTA = 1e-9  # keeps noise-free data from dividing by zero
_EXPONENT_RANGE = (0.01, 3.0)  # exponents of usable draws; outside them a term is constant or a step
_MOST_LOST = 0.02


def fit_parametric(
    observations: Observations,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = DRAWS,
    seed: int = 0,
    delta: str | float = "published",
) -> ParametricFit:
    """Approach 3 on the final rows of `observations` of fresh text, with `draws` case-bootstrap refits by run.

    delta is `published` (1e-3), `auto` (1.345 robust standard deviations of the residuals) or a number, in ln loss.
    Raises RefusedError where the data do not identify the law at all (preconditions.refuse_unfittable), its losses do
    not fall with N and D, or the runs scatter too much about it (`poor_fit`), InputError for delta.
    """
    data = observations.finals().fresh()
    refuse_unfittable(data)
    objective = _objective(data, delta)
    optimum = find_optimum(objective)
    law = _law(objective, optimum, fitted_provenance(data))
    residuals = objective.residuals(optimum.theta)
    scatter = float(np.sqrt(np.sum(residuals**2) / max(1, len(data) - 5)))
    refuse_scatter(scatter, "E + A / N^alpha + B / D^beta", data.row, -residuals)
    centre = float(np.exp(np.log(data.C).mean()))
    span = max(2.0, float(np.sqrt(data.C.max() / data.C.min())))
    a, b = law.frontier_exponents(centre, cost, span)
    fit = ParametricFit(
        law=law,
        cost=cost,
        exponents=(float(a), float(b)),
        notices=(*data.notices, *optimum.notices()),
        objective=optimum.value,
        delta=objective.delta,
        gradient=optimum.gradient,
        starts=Starts(tried=optimum.tried, at_best=optimum.at_best),
        residual_sd=scatter,
        residuals=residual_rows(data, residuals),
        residuals_of=len(data),
        centre=DesignCentre(
            params=float(np.exp(objective.x_mean)), tokens=float(np.exp(objective.y_mean)), flops=centre
        ),
        frontier=_frontier(data, law, None, cost),
    )
    if draws:
        fit = _with_draws(fit, data, objective, optimum, draws=draws, rng=np.random.default_rng(seed), span=span)
    influence = influence_notices(objective, data, optimum.theta, fit.intervals.get("a"))
    return replace(fit, notices=(*fit.notices, *influence))


def _objective(data: Observations, delta: str | float) -> HuberObjective:
    if isinstance(delta, str) and delta not in ("published", "auto"):
        raise InputError(f"delta: expected published, auto or a number, got {delta!r}")
    if not isinstance(delta, str) and not (np.isfinite(delta) and delta > 0):
        raise InputError(f"delta: expected a positive number, got {delta!r}")
    first = PUBLISHED_DELTA if isinstance(delta, str) else float(delta)
    objective = HuberObjective.of(data.N, data.D, data.loss, first)
    if delta != "auto":
        return objective
    ones = np.ones((1, len(data)))
    theta = best_grid_start(objective, ones)
    for _ in range(2):  # the second round's delta differs from the first's by a few per cent, a third's by nothing
        theta = minimise(objective, theta, ones).theta
        residuals = objective.residuals(theta[0])
        spread = robust_sd(residuals)
        objective = replace(objective, delta=max(_AUTO_FACTOR * spread, _LEAST_DELTA))
    return objective


def _law(objective: HuberObjective, optimum: CertifiedOptimum, provenance: Provenance) -> ChinchillaLaw:
    """The law at the optimum. Raises RefusedError `loss_does_not_fall` where an exponent is not above zero."""
    constants = {name: float(value) for name, value in objective.constants(optimum.theta).items()}
    if min(constants["alpha"], constants["beta"]) <= 0:
        raise RefusedError(
            "loss_does_not_fall",
            f"the best fit has alpha = {format_number(constants['alpha'])} and beta = "
            f"{format_number(constants['beta'])}: the losses do not "
            "fall with both N and D; look at the runs' validity, or add sizes and token counts",
        )
    return ChinchillaLaw(**constants, provenance=provenance)


def _frontier(data: Observations, law: ChinchillaLaw, draws: ChinchillaLaw | None, cost: ComputeCost) -> Frontier:
    return Frontier.of(law, draws, cost, float(data.C.min()), 10 * float(data.C.max()))


def _with_draws(
    fit: ParametricFit,
    data: Observations,
    objective: HuberObjective,
    optimum: CertifiedOptimum,
    *,
    draws: int,
    rng: np.random.Generator,
    span: float,
) -> ParametricFit:
    """The fit with resamples, intervals and what follows from them; `span` is the factor in compute to each side of
    the centre over which the exponents of the frontier are taken."""
    run, stratum, units = runs_and_strata(data, strata(data))
    refits = bootstrap(objective, optimum.theta, run, stratum, draws, rng)
    usable, lost, warnings = _usable(refits, draws)
    drawn = ChinchillaLaw(**objective.constants(refits.theta[usable]), provenance=fit.law.provenance)
    columns = {name: getattr(drawn, name) for name in CONSTANTS["parametric"]}
    columns |= dict(zip(("a", "b"), drawn.frontier_exponents(fit.centre.flops, fit.cost, span), strict=True))
    sizes = optimal_sizes(data, fit.law, drawn, fit.cost)
    budgets = count_budgets(data)
    identified = verdicts(data, fit.law, drawn, sizes, budgets)
    return replace(
        fit,
        draws=drawn,
        intervals={name: percentile_interval(values, LEVEL) for name, values in columns.items()},
        notices=(*fit.notices, *warnings, *not_identified(identified), *units.notices),
        draw_counts=DrawCounts(
            kept=int(usable.sum()),
            lost=lost,
            method=refits.method,
            checked=refits.checked,
            moved=refits.moved,
            unit=units.kind,
            units=units.count,
        ),
        identified={name: verdict.known for name, verdict in identified.items()},
        identified_because={name: verdict.reason for name, verdict in identified.items()},
        params_opt=sizes,
        budgets_counted=budgets,
        at_centre=_terms_at_centre(fit.law, drawn, objective),
        correlations=strong_correlations(drawn),
        frontier=_frontier(data, fit.law, drawn, fit.cost),
    )


def _usable(refits: Refits, asked: int) -> tuple[NDArray[np.bool_], int, list[Notice]]:
    """(which resamples have usable exponents, how many have not, warnings where these or the missing are many).

    Where no resample is usable all are taken: the intervals then show that nothing is identified.
    """
    exponents = refits.theta[:, 3:]
    usable = np.all((exponents > _EXPONENT_RANGE[0]) & (exponents < _EXPONENT_RANGE[1]), axis=1)
    lost = int((~usable).sum())
    warnings = []
    if lost > _MOST_LOST * len(usable):
        text = f"{lost} of {len(usable)} resamples gave no usable exponents and are left out of the intervals"
        warnings.append(Notice(code="degenerate_resamples", message=text))
    if len(usable) < asked:
        text = f"{len(usable)} resamples instead of {asked}: each refits the rows of too few runs for a short cut"
        warnings.append(Notice(code="fewer_draws", message=text))
    return usable if usable.any() else np.ones_like(usable), lost, warnings


def _terms_at_centre(law: ChinchillaLaw, drawn: ChinchillaLaw, objective: HuberObjective) -> TermsAtCentre:
    """What N and D each add to the loss at their geometric means: the other term vanishes at infinity."""
    x, y = np.exp(objective.x_mean), np.exp(objective.y_mean)

    def term(N: float, D: float) -> Term:
        value = float(law.loss(N, D) - law.E)
        return Term(value=value, interval=percentile_interval(drawn.loss(N, D) - drawn.E, LEVEL))

    return TermsAtCentre(size_term=term(x, np.inf), token_term=term(np.inf, y))
