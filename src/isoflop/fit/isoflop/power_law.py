"""Power laws through isoFLOP vertices: coefficients, their draws, and the test for a frontier that bends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.fit.isoflop.vertex_curve import FLAT, VertexCurve
from isoflop.fit.result import Curvature, VertexScatter
from isoflop.fit.significance import ALARM_LEVEL
from isoflop.laws import ComputeCost
from isoflop.units import format_number, percent

STEEPEST = 8.0
"""Draws of three budgets have exponents of any size; beyond 8 they are meaningless and C^a overflows."""
_FEWEST_FOR_BEND = 4
_BEYOND = 10.0  # times the largest budget, where a bend is judged: plans further out are what the alarm stops
LEAST_MOVE = 0.1
"""Change of ln N_opt by the bend at ten times the largest budget, below which it is no alarm: shapes are rounded by as
much, and a model off by it wastes .4 % of its compute."""
_DOWNWARD = 0.8
"""Share of the alarm's level for bends below zero: so bend 9 of the 15 conditions of Porian et al. 2024
(bench/fit/porian.md) and Figure 4 of Hoffmann et al. 2022."""
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
    free_of_noise: float,
) -> PowerFit:
    """Straight lines in ln N and ln D against ln C; `drawn` (draws, K) are draws of the vertices, `errors` (K) their
    standard errors in ln N.

    `shared` (K) is an error common to all vertices: how far one standard deviation of its cause moves each;
    `free_of_noise` are the degrees of freedom of the noise behind both. All budgets have equal weight, as published,
    but for those whose standard error is more than twice the median.
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
        curvature=curvature(t, vertices, errors, shared, free_of_noise),
    )


def line_matrix(design: Array, weights: Array) -> Array:
    """The matrix that takes values to weighted least-squares coefficients."""
    return np.asarray(np.linalg.solve(design.T @ (weights[:, None] * design), design.T * weights), dtype=np.float64)


def curvature(t: Array, vertices: Array, errors: Array, shared: Array, free_of_noise: float) -> Curvature:
    """The quadratic term of `vertices` in t, ascending, and the effect of the smallest budget on the slope.

    `errors` are known with `free_of_noise` degrees of freedom; the scatter of the vertices beyond them is integrated
    over.
    """
    if not np.all(errors > _ROUNDING):
        return Curvature()
    curve = VertexCurve.through(t, vertices, errors, shared, FLAT)
    return departures(t, vertices, np.hypot(errors, curve.scatter), shared, curve.other_sign(free_of_noise))


def departures(
    t: Array, vertices: Array, errors: Array, shared: Array | None = None, other_sign: float | None = None
) -> Curvature:
    """How vertices with these `errors` depart from a straight line in t; nothing for fewer than four budgets."""
    if len(np.unique(t)) < _FEWEST_FOR_BEND:
        return Curvature()
    t = t - float(t.mean())
    weights = 1 / errors**2
    curved = np.stack([np.ones_like(t), t, t * t], axis=1)
    quadratic = line_matrix(curved, weights)
    line = line_matrix(curved[:, :2], weights)
    without = np.concatenate([[0.0], line_matrix(curved[1:, :2], weights[1:])[1]])
    moved = without - line[1]
    common = np.zeros_like(errors) if shared is None else shared
    beyond = float(t.max() + np.log(_BEYOND))
    at = np.array([1.0, beyond, beyond**2])

    def error(row: Array) -> float:
        return float(np.hypot(np.linalg.norm(row * errors), row @ common))

    return Curvature(
        bend=float(quadratic[2] @ vertices),
        bend_se=error(quadratic[2]),
        other_sign=other_sign,
        moves=float((at @ quadratic - at[:2] @ line) @ vertices),
        shift=float(moved @ vertices),
        shift_se=error(moved),
    )


def curvature_alarm(curvature: Curvature, code: str = "frontier_bends") -> list[Notice]:
    """A notice of `code` where ln N_opt is not straight in ln C: refuse or widen what goes beyond 10 times the compute.

    Where the bend is too strong for chance and moves the size at ten times the largest budget by more than a tenth.
    """
    found = curvature
    if found.bend is None or found.bend_se is None or found.other_sign is None or found.moves is None:
        return []
    level = ALARM_LEVEL * (_DOWNWARD if found.bend < 0 else 1 - _DOWNWARD)
    if found.other_sign >= level or abs(found.moves) < LEAST_MOVE:
        return []
    text = (
        f"ln N_opt bends by {format_number(found.bend, 2, sign=True)} (ln C)^2, {found.bend / found.bend_se:+.1f} "
        f"standard errors, which moves N by {percent(np.expm1(found.moves), 0, sign=True)} at ten times the largest "
        "budget: the power law is a local one, do not use it beyond that"
    )
    return [Notice(code=code, message=text)]
