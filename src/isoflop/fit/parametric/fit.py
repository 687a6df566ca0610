"""Approach 3: E + A/N^alpha + B/D^beta fitted to all final losses (Hoffmann et al. 2022, section 3.3), certified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit.goodness import refuse_scatter
from isoflop.fit.listed_rows import listed_rows
from isoflop.fit.parametric.bootstrap import Refits, bootstrap
from isoflop.fit.parametric.identifiability import notices, optimal_sizes, strong_correlations, verdicts
from isoflop.fit.parametric.influence import few_rows_decide
from isoflop.fit.parametric.multistart import Optimum, find_optimum
from isoflop.fit.parametric.newton import minimise
from isoflop.fit.parametric.objective import Problem
from isoflop.fit.parametric.resampling_units import runs_and_strata
from isoflop.fit.parametric.starts import best_grid_start
from isoflop.fit.preconditions import count_budgets, refuse_unfittable, strata
from isoflop.fit.resampling import percentile_interval
from isoflop.fit.result import CONSTANTS, LEVEL, Fit, frontier_bands
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, Provenance
from isoflop.observations import Observations

Array = NDArray[np.float64]

PUBLISHED_DELTA = 1e-3
"""Huber's delta in Hoffmann et al. 2022, section 3.3."""
_AUTO_FACTOR = 1.345  # 95 % efficient at the normal distribution (Huber 1981)
_MAD_TO_SD = 1.4826
_LEAST_DELTA = 1e-9  # keeps noise-free data from dividing by zero
_EXPONENT_RANGE = (0.01, 3.0)  # exponents of usable draws; outside them a term is constant or a step
_MOST_LOST = 0.02


def fit_parametric(
    observations: Observations,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 4000,
    seed: int = 0,
    delta: str | float = "published",
) -> Fit:
    """Approach 3 on the final rows of `observations` of fresh text, with `draws` case-bootstrap refits by run.

    delta is `published` (1e-3), `auto` (1.345 robust standard deviations of the residuals) or a number, in ln loss.
    Raises RefusedError where the data do not identify the law at all (checks.refuse_unfittable), its losses do not
    fall with N and D, or the runs scatter too much about it (`poor_fit`), InputError for delta.
    """
    data = observations.finals().fresh()
    refuse_unfittable(data)
    problem = _problem(data, delta)
    optimum = find_optimum(problem)
    law = _law(problem, optimum, fitted_provenance(data))
    centre = float(np.exp(np.log(data.C).mean()))
    span = max(2.0, float(np.sqrt(data.C.max() / data.C.min())))
    exponents = law.frontier_exponents(centre, cost, span)
    residuals = problem.residuals(optimum.theta)
    scatter = float(np.sqrt(np.sum(residuals**2) / max(1, len(data) - 5)))
    refuse_scatter(scatter, "E + A / N^alpha + B / D^beta", data.row, -residuals)
    details: dict[str, Any] = {
        "objective": optimum.value,
        "delta": problem.delta,
        "gradient": optimum.gradient,
        "starts": {"tried": optimum.tried, "at_best": optimum.at_best},
        "draws": {"kept": 0, "lost": 0},
        "residual_sd": scatter,
        "residuals": _residual_rows(data, residuals),
        "residuals_of": len(data),
        "centre": {"params": float(np.exp(problem.x_mean)), "tokens": float(np.exp(problem.y_mean)), "flops": centre},
    }
    fit = Fit(
        approach="parametric",
        law=law,
        cost=cost,
        exponents=(float(exponents[0]), float(exponents[1])),
        warnings=(*data.notices, *optimum.notices()),
        details=details,
    )
    if draws:
        run, stratum, units = runs_and_strata(data, strata(data))
        refits = bootstrap(problem, optimum.theta, run, stratum, draws, np.random.default_rng(seed))
        fit = _with_draws(fit, data, problem, refits, asked=draws, around=(centre, span))
        details["draws"] = {**details["draws"], "unit": units.kind, "units": units.count}
        fit = replace(fit, warnings=(*fit.warnings, *units.notices))
    more = few_rows_decide(problem, data, optimum.theta, fit.intervals.get("a"))
    details["frontier"] = frontier_bands(fit, float(data.C.min()), 10 * float(data.C.max()))
    return replace(fit, warnings=(*fit.warnings, *more))


def fitted_provenance(data: Observations) -> Provenance:
    """Conventions and domain of a law fitted to `data`."""
    domain = {
        name: (float(column.min()), float(column.max()))
        for name, column in (("params", data.N), ("tokens", data.D), ("flops", data.C))
    }
    return Provenance(
        name="fitted",
        place=f"fitted to {len(data)} runs",
        params_convention=data.params_convention,
        flops_convention=data.flops_convention,
        loss_unit=data.loss_unit,
        domain=domain,
    )


def _problem(data: Observations, delta: str | float) -> Problem:
    if isinstance(delta, str) and delta not in ("published", "auto"):
        raise InputError(f"delta: expected published, auto or a number, got {delta!r}")
    if not isinstance(delta, str) and not (np.isfinite(delta) and delta > 0):
        raise InputError(f"delta: expected a positive number, got {delta!r}")
    first = PUBLISHED_DELTA if isinstance(delta, str) else float(delta)
    problem = Problem.of(data.N, data.D, data.loss, first)
    if delta != "auto":
        return problem
    ones = np.ones((1, len(data)))
    theta = best_grid_start(problem, ones)
    for _ in range(2):  # the second round's delta differs from the first's by a few per cent, a third's by nothing
        theta = minimise(problem, theta, ones).theta
        residuals = problem.residuals(theta[0])
        spread = _MAD_TO_SD * float(np.median(np.abs(residuals - np.median(residuals))))
        problem = replace(problem, delta=max(_AUTO_FACTOR * spread, _LEAST_DELTA))
    return problem


def _law(problem: Problem, optimum: Optimum, provenance: Provenance) -> ChinchillaLaw:
    """The law at the optimum. Raises RefusedError `loss_does_not_fall` where an exponent is not above zero."""
    constants = {name: float(value) for name, value in problem.constants(optimum.theta).items()}
    if min(constants["alpha"], constants["beta"]) <= 0:
        raise RefusedError(
            "loss_does_not_fall",
            f"the best fit has alpha = {constants['alpha']:.3g} and beta = {constants['beta']:.3g}: the losses do not "
            "fall with both N and D; look at the runs' validity, or add sizes and token counts",
        )
    return ChinchillaLaw(**constants, provenance=provenance)


def _with_draws(
    fit: Fit, data: Observations, problem: Problem, refits: Refits, *, asked: int, around: tuple[float, float]
) -> Fit:
    """The fit with draws, intervals and what follows from them; around is (FLOPs, span) of the frontier's slopes."""
    law = fit.require()
    assert isinstance(law, ChinchillaLaw)
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
    if not usable.any():
        usable[:] = True
    drawn = ChinchillaLaw(**problem.constants(refits.theta[usable]), provenance=law.provenance)
    columns = {name: getattr(drawn, name) for name in CONSTANTS["parametric"]}
    columns |= dict(zip(("a", "b"), drawn.frontier_exponents(around[0], fit.cost, around[1]), strict=True))
    budgets = count_budgets(data)
    sizes = optimal_sizes(data, law, drawn, fit.cost)
    found = verdicts(data, law, drawn, sizes, budgets)
    x, y = np.exp(problem.x_mean), np.exp(problem.y_mean)
    at_centre = {
        "size_term": (law.loss(x, np.inf) - law.E, drawn.loss(x, np.inf) - drawn.E),
        "token_term": (law.loss(np.inf, y) - law.E, drawn.loss(np.inf, y) - drawn.E),
    }
    fit.details.update(
        draws={"kept": int(usable.sum()), "lost": lost, **refits.as_json()},
        identified={name: verdict.known for name, verdict in found.items()},
        identified_because={name: verdict.reason for name, verdict in found.items()},
        params_opt=sizes,
        budgets_counted=budgets,
        at_centre={
            name: {"value": float(value), "interval": list(percentile_interval(draws, LEVEL))}
            for name, (value, draws) in at_centre.items()
        },
        correlations=strong_correlations(drawn),
    )
    return replace(
        fit,
        draws=drawn,
        intervals={name: percentile_interval(values, LEVEL) for name, values in columns.items()},
        warnings=(*fit.warnings, *warnings, *notices(found)),
    )


def _residual_rows(data: Observations, residuals: Array) -> list[dict[str, Any]]:
    listed = listed_rows(len(data), residuals)
    predicted = data.loss * np.exp(residuals)
    columns = [column[listed].tolist() for column in (data.row, data.N, data.D, data.C, data.loss, predicted)]
    runs = [data.run_id[i] for i in listed.tolist()]
    return [
        {"row": row, "run_id": run, "params": N, "tokens": D, "flops": C, "loss": loss, "predicted": expected}
        for run, row, N, D, C, loss, expected in zip(runs, *columns, strict=True)
    ]
