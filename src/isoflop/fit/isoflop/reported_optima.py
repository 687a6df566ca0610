"""Power laws through reported compute optima: ln N and ln D against ln C by least squares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.errors import InputError, RefusedError
from isoflop.fit.isoflop.power_law import STEEPEST, curvature_alarm, departures, line_matrix
from isoflop.fit.resampling import DRAWS, LEVEL, percentile_interval
from isoflop.fit.result import (
    BudgetProfile,
    Curvature,
    Frontier,
    IsoflopFit,
    VertexMethod,
    VertexScatter,
    fitted_provenance,
)
from isoflop.fit.significance import student_p
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw

if TYPE_CHECKING:
    from isoflop.observations import Observations

_FEWEST = 3
_EXACT = 1e-6  # in units of `errors`, of ln N without: no optimum is known better, whatever the scatter


def fit_optima(
    observations: Observations,
    *,
    log_params_se: ArrayLike | None = None,
    log_tokens_se: ArrayLike | None = None,
    cost: ComputeCost = SIX_N,
    draws: int = DRAWS,
    seed: int = 0,
) -> IsoflopFit:
    """N = k C^a and D = k' C^b through rows that are each the optimum (N, D) of their C: the last step of approach 2.

    All rows have equal weight; with standard errors of ln N and ln D, one a row, each counts by 1 / se^2. N and D are
    both the rows' own, so a + b need not be 1. Intervals are Student's, from the scatter about the lines, that of N and
    D together. Raises RefusedError `too_few_optima` for fewer than three budgets, InputError for standard errors that
    are not positive or not one a row.
    """
    data = observations.finals()
    log_flops = np.log(data.C)
    if len(np.unique(log_flops.round(9))) < _FEWEST:
        raise RefusedError(
            "too_few_optima",
            f"{len(np.unique(log_flops.round(9)))} budgets among {len(data)} optima: three are the fewest from which a "
            "line and its error can be estimated",
        )
    stated = {"log_params_se": log_params_se, "log_tokens_se": log_tokens_se}
    errors = np.stack([_errors(value, name, observations) for name, value in stated.items()])[:, observations.is_final]
    order = np.lexsort((data.D, data.N, data.C))  # the order of the file must not show in the last digit
    log_flops, errors = log_flops[order], errors[:, order]
    values = np.log([data.N[order], data.D[order]])
    weights = 1 / errors**2
    centre = float(log_flops.mean())  # one for both lines: their draws have one meaning
    t = log_flops - centre
    straight = np.stack([np.ones(len(data)), t], axis=1)
    lines = np.stack([line_matrix(straight, w) for w in weights])
    best = np.einsum("vkn,vn->vk", lines, values)
    residuals = (values - best @ straight.T) / errors
    free = len(data) - 2
    spread = residuals @ residuals.T / free
    drawn = _drawn(best, lines, errors, spread, free, draws, np.random.default_rng(seed)) if draws else None
    bend = _bend(t, values[0], errors[0])
    provenance = fitted_provenance(data)
    law = FrontierLaw(**_constants(best, centre), provenance=provenance)
    samples = None if drawn is None else _constants(drawn, centre)
    draws_of_law = None if samples is None else FrontierLaw(**samples, provenance=provenance)
    return IsoflopFit(
        law=law,
        draws=draws_of_law,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals={} if samples is None else {k: percentile_interval(v, LEVEL) for k, v in samples.items()},
        notices=tuple(curvature_alarm(bend)),
        budgets=tuple(_budget(data, int(i)) for i in order),
        vertices=VertexMethod(kind="given"),
        curvature=bend,
        vertex_scatter=VertexScatter(expected=0.0, extra=float(np.sqrt(np.mean(errors[0] ** 2) * spread[0, 0]))),
        frontier=Frontier.of(law, draws_of_law, cost, float(data.C.min()), 10 * float(data.C.max())),
    )


def _errors(given: ArrayLike | None, name: str, observations: Observations) -> Array:
    if given is None:
        return np.ones(len(observations))
    errors = np.asarray(given, dtype=np.float64)
    if errors.shape != (len(observations),) or not np.all(errors > 0) or not np.all(np.isfinite(errors)):
        raise InputError(f"{name}: expected a positive number for each of {len(observations)} rows, got {given!r:.80}")
    return errors


def _bend(t: Array, values: Array, errors: Array) -> Curvature:
    """The departure from a straight line, with the scatter about a parabola as the only measure of noise."""
    quadratic = np.stack([np.ones_like(t), t, t * t], axis=1) / errors[:, None]
    free = max(len(t) - 3, 1)
    rest = values / errors - quadratic @ np.linalg.lstsq(quadratic, values / errors, rcond=None)[0]
    noise = max(float(np.linalg.norm(rest)) / float(np.sqrt(free)), _EXACT)
    found = departures(t, values, errors * noise)
    if found.bend is None or found.bend_se is None:
        return found
    return replace(found, other_sign=0.5 * student_p(found.bend / found.bend_se, free))


def _drawn(
    best: Array, lines: Array, errors: Array, spread: Array, free: int, draws: int, rng: np.random.Generator
) -> Array:
    """(draws, line, (height, slope)) of a bivariate t with `free` degrees of freedom."""
    values, vectors = np.linalg.eigh(spread)  # of rank one where D = C / 6 N
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    scale = np.sqrt(free / rng.chisquare(free, size=(draws, 1, 1)))
    noise = scale * (root @ rng.standard_normal((draws, 2, errors.shape[1]))) * errors
    return np.asarray(best + np.einsum("vkn,jvn->jvk", lines, noise))


def _constants(lines: Array, centre: float) -> dict[str, Array | float]:
    """Constants of a FrontierLaw from (..., (N, D), (height at the centre, slope))."""
    heights, slopes = lines[..., 0], np.clip(lines[..., 1], -STEEPEST, STEEPEST)
    coefficients = np.exp(heights - slopes * centre)
    names = (("params_coefficient", "a"), ("tokens_coefficient", "b"))
    constants: dict[str, Array | float] = {}
    for i, (coefficient, exponent) in enumerate(names):
        constants |= {coefficient: coefficients[..., i], exponent: slopes[..., i]}
    return {name: float(value) if np.ndim(value) == 0 else value for name, value in constants.items()}


def _budget(data: Observations, row: int) -> BudgetProfile:
    loss = float(data.loss[row])
    return BudgetProfile(
        flops=float(data.C[row]),
        params=float(data.N[row]),
        tokens=float(data.D[row]),
        loss=loss if np.isfinite(loss) else None,
        kept=True,
    )
