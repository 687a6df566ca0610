"""Power laws through isoFLOP vertices: coefficients, their draws, and the alarm for a frontier that bends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice
from isoflop.laws import ComputeCost

Array = NDArray[np.float64]

_BEND = 1.64  # standard errors: one straight frontier in ten rings
_SHIFT = 2.0
_FEWEST_FOR_BEND = 4
_STEEPEST = 8.0  # three budgets draw exponents of any size; beyond 8 they mean nothing and C^a overflows


@dataclass(frozen=True, kw_only=True, eq=False)
class PowerFit:
    """N = k C^a and D = k' C^b through the vertices of K budgets."""

    constants: dict[str, float]
    """params_coefficient, a, tokens_coefficient, b."""
    drawn: dict[str, Array]
    """The same, an array of draws each."""
    drawn_x: Array
    """Draws of ln N at each budget's vertex, (draws, K), without the extra scatter."""
    expected_scatter: float
    """Standard deviation of ln N at the vertices that the noise of the losses explains."""
    extra_scatter: float
    """What the vertices scatter about the power law beyond that."""
    bend: float | None
    """Coefficient of (ln C)^2 in ln N_opt; None for fewer than four budgets."""
    bend_se: float | None
    """Its standard error."""
    shift: float | None
    """Change of a when the smallest budget is left out."""
    shift_se: float | None
    """Its standard error."""

    def curvature_json(self) -> dict[str, Any]:
        """{bend, bend_se, shift, shift_se}."""
        return {"bend": self.bend, "bend_se": self.bend_se, "shift": self.shift, "shift_se": self.shift_se}


def fit_power_laws(
    log_flops: Array,
    vertices: Array,
    drawn: Array,
    errors: Array,
    cost: ComputeCost,
    rng: np.random.Generator,
    *,
    shared: Array | None = None,
) -> PowerFit:
    """Straight lines in ln N and ln D against ln C; `drawn` (draws, K) and `errors` (K) say how sure the vertices are.

    `shared` (K) is an error that all vertices make together, as far as one standard deviation of its cause goes.

    All budgets count alike, as published, but one whose vertex is more than twice less sure than the median.
    """
    count = len(log_flops)
    weights = 1 / np.maximum(errors, max(2 * float(np.median(errors)), 1e-12)) ** 2
    centre = float(np.average(log_flops, weights=weights))
    t = log_flops - centre
    line = _least_squares(np.stack([np.ones(count), t], axis=1), weights)
    residual = vertices - np.stack([np.ones(count), t], axis=1) @ (line @ vertices)
    expected = float(np.average(errors**2, weights=weights))
    free = count - 2
    extra = 0.0
    if free > 0:
        extra = max(0.0, float(np.average(residual**2, weights=weights)) * count / free - expected)
    scattered = drawn
    if extra > 0:
        # The scatter is itself estimated from `free` degrees: chi-square draws of it give t tails.
        scale = np.sqrt(extra * free / rng.chisquare(free, size=(len(drawn), 1)))
        scattered = drawn + scale * rng.standard_normal(drawn.shape)

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
        slopes = np.clip(slopes, -_STEEPEST, _STEEPEST)
        constants |= {coefficient: float(np.exp(height - slope * centre)), exponent: float(slope)}
        arrays |= {coefficient: np.exp(heights - slopes * centre), exponent: slopes}
    bend, bend_se, shift, shift_se = _bending(t, vertices, errors, np.zeros(count) if shared is None else shared)
    return PowerFit(
        constants=constants,
        drawn=arrays,
        drawn_x=drawn,
        expected_scatter=float(np.sqrt(expected)),
        extra_scatter=float(np.sqrt(extra)),
        bend=bend,
        bend_se=bend_se,
        shift=shift,
        shift_se=shift_se,
    )


def _least_squares(design: Array, weights: Array) -> Array:
    """The matrix that takes values to weighted least-squares coefficients."""
    return np.asarray(np.linalg.solve(design.T @ (weights[:, None] * design), design.T * weights), dtype=np.float64)


def _bending(
    t: Array, vertices: Array, errors: Array, shared: Array
) -> tuple[float | None, float | None, float | None, float | None]:
    if len(t) < _FEWEST_FOR_BEND or not np.all(errors > 0):
        return None, None, None, None
    weights = 1 / errors**2
    quadratic = _least_squares(np.stack([np.ones_like(t), t, t * t], axis=1), weights)[2]
    straight = np.stack([np.ones_like(t), t], axis=1)
    whole = _least_squares(straight, weights)[1]
    without = np.concatenate([[0.0], _least_squares(straight[1:], weights[1:])[1]])
    moved = without - whole

    def error(row: Array) -> float:
        return float(np.hypot(np.linalg.norm(row * errors), row @ shared))

    return float(quadratic @ vertices), error(quadratic), float(moved @ vertices), error(moved)


def curvature_alarm(power: PowerFit) -> list[Notice]:
    """`frontier_bends` where ln N_opt is not straight in ln C: refuse or widen what goes beyond ten times the compute.

    Most published isoFLOP sets show a negative bend: the exponent falls with C, or the small runs were badly tuned.
    """
    if power.bend is None or power.bend_se is None or power.shift is None or power.shift_se is None:
        return []
    z = power.bend / power.bend_se
    moved = power.shift / power.shift_se
    if abs(z) <= _BEND and abs(moved) <= _SHIFT:
        return []
    text = (
        f"ln N_opt bends by {power.bend:+.3f} (ln C)^2, {z:+.1f} standard errors, and a moves by {power.shift:+.3f} "
        f"({moved:+.1f}) without the smallest budget: the power law is a local one, do not use it beyond ten times "
        "the largest budget"
    )
    return [Notice(code="frontier_bends", message=text)]
