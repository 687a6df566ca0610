"""Power laws through isoFLOP vertices: coefficients, their draws, and the test for a frontier that bends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.fit.result import Curvature, VertexScatter
from isoflop.laws import ComputeCost
from isoflop.units import format_number

STEEPEST = 8.0
"""Draws of three budgets have exponents of any size; beyond 8 they are meaningless and C^a overflows."""
_BEND = 1.64  # standard errors: a false alarm for one straight frontier in ten
_SHIFT = 2.0
_FEWEST_FOR_BEND = 4
_ROUNDING = 1e-9  # of ln N: vertices less apart than this are the same in float64 arithmetic of losses


@dataclass(frozen=True, kw_only=True, eq=False)
class PowerFit:
    """N = k C^a and D = k' C^b through the vertices of K budgets."""

    constants: dict[str, float]
    """params_coefficient, a, tokens_coefficient, b."""
    drawn: dict[str, Array]
    """The same, an array of draws each."""
    scatter: VertexScatter
    """Of ln N at the vertices."""
    curvature: Curvature
    """Whether the power law holds over all budgets."""


def fit_power_laws(
    log_flops: Array,
    vertices: Array,
    drawn: Array,
    errors: Array,
    cost: ComputeCost,
    rng: np.random.Generator,
    *,
    shared: Array,
) -> PowerFit:
    """Straight lines in ln N and ln D against ln C; `drawn` (draws, K) are draws of the vertices, `errors` (K) their
    standard errors in ln N.

    `shared` (K) is an error common to all vertices: how far one standard deviation of its cause moves each. All budgets
    have equal weight, as published, but for those whose standard error is more than twice the median.
    """
    count = len(log_flops)
    weights = 1 / np.maximum(errors, max(2 * float(np.median(errors)), 1e-12)) ** 2
    centre = float(np.average(log_flops, weights=weights))
    t = log_flops - centre
    straight = np.stack([np.ones(count), t], axis=1)
    line = line_matrix(straight, weights)
    residual = vertices - straight @ (line @ vertices)
    expected = float(np.average(errors**2, weights=weights))
    free = count - 2
    extra = 0.0
    if free > 0:
        extra = max(0.0, float(np.average(residual**2, weights=weights)) * count / free - expected)
    scattered = drawn
    if extra > 0:
        # The scatter is itself estimated from `free` degrees: chi-square draws of it give t tails.
        scale = np.sqrt(extra * free / rng.chisquare(free, size=(len(drawn), 1)))
        # With one degree of freedom draws are unbounded (Cauchy): a factor e^20 is no size.
        scattered = np.clip(drawn + scale * rng.standard_normal(drawn.shape), drawn - 20, drawn + 20)

    def tokens(log_params: Array) -> Array:
        return np.log(cost.tokens(np.exp(log_flops), np.exp(log_params)))

    constants: dict[str, float] = {}
    arrays: dict[str, Array] = {}
    for values, samples, coefficient, exponent in (
        (vertices, scattered, "params_coefficient", "a"),
        (tokens(vertices), tokens(scattered), "tokens_coefficient", "b"),
    ):
        height, slope = line @ values
        heights, slopes = line @ samples.T
        slopes = np.clip(slopes, -STEEPEST, STEEPEST)
        constants |= {coefficient: float(np.exp(height - slope * centre)), exponent: float(slope)}
        arrays |= {coefficient: np.exp(heights - slopes * centre), exponent: slopes}
    return PowerFit(
        constants=constants,
        drawn=arrays,
        scatter=VertexScatter(expected=float(np.sqrt(expected)), extra=float(np.sqrt(extra))),
        curvature=curvature(t, vertices, errors, shared),
    )


def line_matrix(design: Array, weights: Array) -> Array:
    """The matrix that takes values to weighted least-squares coefficients."""
    return np.asarray(np.linalg.solve(design.T @ (weights[:, None] * design), design.T * weights), dtype=np.float64)


def curvature(t: Array, vertices: Array, errors: Array, shared: Array | None = None) -> Curvature:
    """The quadratic term of `vertices` in t, ascending, and the effect of the smallest budget on the slope.

    The scatter of the vertices about the quadratic beyond their `errors` is added to these.
    """
    if len(np.unique(t)) < _FEWEST_FOR_BEND or not np.all(errors > _ROUNDING):
        return Curvature()
    curved = np.stack([np.ones_like(t), t, t * t], axis=1)
    errors = np.hypot(errors, _scatter_beyond(curved, vertices, errors))
    weights = 1 / errors**2
    quadratic = line_matrix(curved, weights)[2]
    straight = curved[:, :2]
    whole = line_matrix(straight, weights)[1]
    without = np.concatenate([[0.0], line_matrix(straight[1:], weights[1:])[1]])
    moved = without - whole
    common = np.zeros_like(errors) if shared is None else shared

    def error(row: Array) -> float:
        return float(np.hypot(np.linalg.norm(row * errors), row @ common))

    return Curvature(
        bend=float(quadratic @ vertices),
        bend_se=error(quadratic),
        shift=float(moved @ vertices),
        shift_se=error(moved),
    )


def _scatter_beyond(curved: Array, vertices: Array, errors: Array) -> float:
    """Standard deviation of ln N that, added to the errors, brings chi-square down to its degrees of freedom."""
    free = len(vertices) - curved.shape[1]
    if free < 1:
        return 0.0
    extra = 0.0
    for _ in range(20):  # fixed point: the weights follow the scatter
        weights = 1 / (errors**2 + extra**2)
        residuals = vertices - curved @ (line_matrix(curved, weights) @ vertices)
        chi = float(np.sum(weights * residuals**2)) / free
        if chi <= 1 and extra == 0:
            return 0.0
        extra = float(np.sqrt(max(0.0, (np.mean(errors**2) + extra**2) * chi - np.mean(errors**2))))
    return extra


def curvature_alarm(curvature: Curvature, code: str = "frontier_bends") -> list[Notice]:
    """A notice of `code` where ln N_opt is not straight in ln C: refuse or widen what goes beyond 10 times the compute.

    Most published isoFLOP sets show a negative bend: the exponent falls with C, or the small runs were badly tuned.
    """
    if curvature.bend is None or curvature.bend_se is None or curvature.shift is None or curvature.shift_se is None:
        return []
    z = curvature.bend / curvature.bend_se
    moved = curvature.shift / curvature.shift_se
    if abs(z) <= _BEND and abs(moved) <= _SHIFT:
        return []
    text = (
        f"ln N_opt bends by {format_number(curvature.bend, 2, sign=True)} (ln C)^2, {z:+.1f} standard errors, and a "
        "moves by "
        f"{curvature.shift:+.3f} ({moved:+.1f}) without the smallest budget: the power law is a local one, do not use "
        "it beyond ten times the largest budget"
    )
    return [Notice(code=code, message=text)]
