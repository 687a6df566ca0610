"""Approach 3: E + A/N^alpha + B/D^beta fitted to all final losses (Hoffmann et al. 2022, section 3.3), certified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit.checks import count_budgets, refuse_unfittable, strata
from isoflop.fit.identifiability import identified
from isoflop.fit.objective import RESAMPLE, Minima, Problem, minimise
from isoflop.fit.resample import percentile_interval, resample_weights
from isoflop.fit.result import LEVEL, Fit, frontier_bands
from isoflop.fit.starts import best_grid_start, grid_starts
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, Provenance
from isoflop.observations import Observations
from isoflop.units import format_quantity

Array = NDArray[np.float64]

PUBLISHED_DELTA = 1e-3
"""Huber's delta in Hoffmann et al. 2022, section 3.3."""
_AUTO_FACTOR = 1.345  # 95 % efficient at the normal distribution (Huber 1981)
_MAD_TO_SD = 1.4826
_AT_BEST = 1e-4  # share of F within which a start counts as having reached the optimum
_FLATTEST = 1e-6  # largest scaled gradient of a certified optimum
_CERTIFIED_SHARE = 10  # one draw in ten is started a second time
_EXPONENT_RANGE = (0.01, 3.0)  # exponents of usable draws; outside them a term is constant or a step
_STRONG = 0.9


def fit_parametric(
    observations: Observations,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 4000,
    seed: int = 0,
    delta: str | float = "published",
) -> Fit:
    """Approach 3 on the final rows of `observations`, with `draws` case-bootstrap refits by run.

    delta is `published` (1e-3), `auto` (1.345 robust standard deviations of the residuals) or a number, in ln loss.
    Raises RefusedError where the data do not identify the law at all (checks.refuse_unfittable) or its losses do not
    fall with N and D, InputError for delta.
    """
    data = observations.finals()
    refuse_unfittable(data)
    problem = _problem(data, delta)
    starts = grid_starts(problem)
    if not len(starts):
        raise RefusedError(
            "loss_does_not_fall", "no exponents make the losses fall with both N and D; look at the runs"
        )
    ends = minimise(problem, starts, np.ones((1, len(data))))
    best = int(np.argmin(ends.value))
    provenance = fitted_provenance(data)
    law = ChinchillaLaw(**{k: float(v) for k, v in problem.constants(ends.theta[best]).items()}, provenance=provenance)
    if min(float(law.alpha), float(law.beta)) <= 0:
        raise RefusedError(
            "loss_does_not_fall",
            f"the best fit has alpha = {law.alpha:.3g} and beta = {law.beta:.3g}: the losses do not fall with both N "
            "and D; look at the runs' validity, or add sizes and token counts",
        )
    warnings = list(data.notices)
    warnings += _certificate(ends, best)
    drawn, lost = _bootstrap(problem, data, ends.theta[best], draws, seed, warnings) if draws else (None, 0)
    centre = float(np.exp(np.log(data.C).mean()))
    span = max(2.0, float(np.sqrt(data.C.max() / data.C.min())))
    exponents = law.frontier_exponents(centre, cost, span)
    residuals = problem.residuals(ends.theta[best])
    details: dict[str, Any] = {
        "objective": float(ends.value[best]),
        "delta": problem.delta,
        "gradient": float(ends.gradient[best]),
        "starts": {"tried": len(starts), "at_best": int(_at_best(ends).sum())},
        "draws": {"kept": 0 if drawn is None else draws - lost, "lost": lost},
        "residual_sd": float(np.sqrt(np.sum(residuals**2) / max(1, len(data) - 5))),
        "residuals": _residual_rows(data, residuals),
        "centre": {"params": float(np.exp(problem.x_mean)), "tokens": float(np.exp(problem.y_mean)), "flops": centre},
    }
    fit = Fit(
        approach="parametric",
        law=law,
        draws=drawn,
        cost=cost,
        exponents=(float(exponents[0]), float(exponents[1])),
        details=details,
    )
    if drawn is not None:
        fit = _with_draws(fit, law, drawn, data, problem, drawn.frontier_exponents(centre, cost, span), warnings)
    warnings += _sensitivity(problem, data, ends.theta[best], fit)
    details["frontier"] = frontier_bands(fit, float(data.C.min()), 10 * float(data.C.max()))
    return replace(fit, warnings=tuple(warnings))


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
    for _ in range(2):  # the second round's delta differs from the first's by a few per cent, a third's by nothing
        ends = minimise(problem, best_grid_start(problem, ones), ones)
        residuals = problem.residuals(ends.theta[0])
        spread = _MAD_TO_SD * float(np.median(np.abs(residuals - np.median(residuals))))
        # The lower limit keeps noise-free data from dividing by zero.
        problem = replace(problem, delta=max(_AUTO_FACTOR * spread, 1e-9))
    return problem


def _at_best(ends: Minima) -> NDArray[np.bool_]:
    return np.asarray(ends.value <= ends.value.min() * (1 + _AT_BEST) + 1e-15)


def _certificate(ends: Minima, best: int) -> list[Notice]:
    reached = int(_at_best(ends).sum())
    notices = []
    if reached < max(2, len(ends.value) // 10):
        text = f"only {reached} of {len(ends.value)} starts reached the best optimum; another may exist"
        notices.append(Notice(code="few_starts_at_best", message=text))
    if ends.gradient[best] > _FLATTEST:
        text = f"the gradient at the optimum is {ends.gradient[best]:.1e} of its scale, above {_FLATTEST:g}"
        notices.append(Notice(code="gradient_not_zero", message=text))
    return notices


def _bootstrap(
    problem: Problem, data: Observations, theta: Array, draws: int, seed: int, warnings: list[Notice]
) -> tuple[ChinchillaLaw, int]:
    """(law of the usable draws, number of the others)."""
    rng = np.random.default_rng(seed)
    weights = resample_weights(data.run_id, strata(data), draws, rng)
    ends = minimise(problem, np.repeat(theta[None], draws, axis=0), weights, RESAMPLE)
    found, value = ends.theta, ends.value
    checked = np.arange(0, draws, _CERTIFIED_SHARE)
    again = minimise(problem, best_grid_start(problem, weights[checked]), weights[checked], RESAMPLE)
    better = again.value < value[checked] * (1 - 1e-6) - 1e-15
    if better.mean() > 0.01:  # then a warm start is not enough for these data: start all of them twice
        again = minimise(problem, best_grid_start(problem, weights), weights, RESAMPLE)
        checked, better = np.arange(draws), again.value < value * (1 - 1e-6) - 1e-15
    found[checked[better]] = again.theta[better]
    exponents = found[:, 3:]
    usable = np.all((exponents > _EXPONENT_RANGE[0]) & (exponents < _EXPONENT_RANGE[1]), axis=1)
    lost = int((~usable).sum())
    if lost > 0.02 * draws:
        text = f"{lost} of {draws} resamples gave no usable exponents and are left out of the intervals"
        warnings.append(Notice(code="degenerate_resamples", message=text))
    if not usable.any():
        usable[:] = True
    return ChinchillaLaw(**problem.constants(found[usable]), provenance=fitted_provenance(data)), lost


def _with_draws(
    fit: Fit,
    law: ChinchillaLaw,
    drawn: ChinchillaLaw,
    data: Observations,
    problem: Problem,
    exponents: tuple[Array, Array],
    warnings: list[Notice],
) -> Fit:
    columns = {name: getattr(drawn, name) for name in ("E", "A", "B", "alpha", "beta")}
    columns |= dict(zip(("a", "b"), exponents, strict=True))
    intervals = {name: percentile_interval(values, LEVEL) for name, values in columns.items()}
    known, why = identified(data, law, drawn)
    if not known["E"]:
        warnings.append(Notice(code="floor_not_identified", message=f"E is not identified: {why}"))
    unknown = [name for name, good in known.items() if not good and name != "E"]
    if unknown:
        spread = ", ".join(f"{name} {intervals[name][0]:.3g} to {intervals[name][1]:.3g}" for name in unknown)
        warnings.append(Notice(code="not_identified", message=f"not identified by these runs: {spread}"))
    budgets = count_budgets(data)
    x, y = problem.x_mean, problem.y_mean
    at_centre = {
        "size_term": (law.loss(np.exp(x), np.inf) - law.E, drawn.loss(np.exp(x), np.inf) - drawn.E),
        "token_term": (law.loss(np.inf, np.exp(y)) - law.E, drawn.loss(np.inf, np.exp(y)) - drawn.E),
    }
    details = {
        **fit.details,
        "identified": known,
        "budgets_counted": budgets,
        "at_centre": {
            name: {"value": float(value), "interval": list(percentile_interval(draws, LEVEL))}
            for name, (value, draws) in at_centre.items()
        },
        "correlations": _correlations(columns),
    }
    fit.details.update(details)
    return replace(fit, intervals=intervals)


def _correlations(columns: dict[str, Any]) -> list[dict[str, Any]]:
    """Pairs of constants that the draws move together by more than .9, A and B as logarithms."""
    names = ("E", "A", "B", "alpha", "beta")
    rows = [np.log(columns[name]) if name in ("A", "B") else np.asarray(columns[name]) for name in names]
    if any(np.std(row) < 1e-12 for row in rows):
        return []
    table = np.corrcoef(np.stack(rows))
    return [
        {"pair": [names[i], names[j]], "correlation": float(table[i, j])}
        for i in range(5)
        for j in range(i + 1, 5)
        if abs(table[i, j]) > _STRONG
    ]


def _sensitivity(problem: Problem, data: Observations, theta: Array, fit: Fit) -> list[Notice]:
    """A warning where the 2 % of rows with the fewest or most tokens per parameter decide `a`.

    Decide: moves it by more than a quarter of the width of its interval."""
    if "a" not in fit.intervals:
        return []
    order = np.argsort(data.D / data.N)
    count = max(1, round(0.02 * len(data)))
    if len(data) - count < 7:
        return []
    weights = np.ones((2, len(data)))
    weights[0, order[:count]] = 0
    weights[1, order[-count:]] = 0
    ends = minimise(problem, np.stack([theta, theta]), weights)
    a = ends.theta[:, 4] / (ends.theta[:, 3] + ends.theta[:, 4])
    whole = float(theta[4] / (theta[3] + theta[4]))
    notices = []
    low, high = fit.intervals["a"]
    for name, value, rows in (("fewest", a[0], order[:count]), ("most", a[1], order[-count:])):
        if abs(value - whole) > (high - low) / 4:
            edge = format_quantity(
                float((data.D / data.N)[rows].max() if name == "fewest" else (data.D / data.N)[rows].min())
            )
            text = (
                f"without the {count} rows with the {name} tokens per parameter ({edge} at the edge) "
                f"beta / (alpha + beta) = {value:.3f} instead of {whole:.3f}"
            )
            notices.append(Notice(code="few_rows_decide", message=text))
    return notices


def _residual_rows(data: Observations, residuals: Array) -> list[dict[str, Any]]:
    predicted = data.loss * np.exp(residuals)
    return [
        {
            "row": int(data.row[i]),
            "run_id": data.run_id[i],
            "params": float(data.N[i]),
            "tokens": float(data.D[i]),
            "flops": float(data.C[i]),
            "loss": float(data.loss[i]),
            "predicted": float(predicted[i]),
        }
        for i in range(len(data))
    ]
