"""The three forms of loss surface with one constant more: the bend of the frontier.

A form's frontier is straight in ln C. Moved along its budgets, L(N e^-s, D e^(k s)) with s = bend (t^2 less the line
through it), it has the bend that public frontiers show (fit/size/bend.py), and the rows say how much of it they show.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.bent.frame import Frame, Points
from isoflop.fit.forms.coupled import coupled_law, jacobian, residuals
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.laws import CoupledLaw, LogQuadraticLaw
from isoflop.laws.law import FITTED


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaussian:
    """Independent normal distributions of a form's constants, (constants,) each."""

    mean: Array
    sd: Array


class BentForm(ABC):
    """A form in coordinates theta of its own, the bend last."""

    name: ClassVar[str]
    """That of the form in fit/forms/."""

    @abstractmethod
    def prior(self, log_loss: Array, frame: Frame) -> Gaussian:
        """What is assumed of theta before any row, the bend aside: (constants - 1,)."""

    @abstractmethod
    def surface(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
        """(ln L, d ln L / d theta without the bend (points, constants - 1), d/dx, d/dy) of the form alone."""

    @abstractmethod
    def law(self, theta: Array, frame: Frame) -> CoupledLaw | LogQuadraticLaw:
        """The straight law of theta (..., constants)."""

    def starts(self, prior: Gaussian) -> list[Array]:
        """Where the search begins."""
        return [prior.mean]

    def predicted(self, theta: Array, points: Points) -> tuple[Array, Array]:
        """(ln L, d ln L / d theta (points, constants)) of the bent form."""
        shift = theta[-1] * points.bend
        value, slopes, by_size, by_tokens = self.surface(
            theta[:-1], points.x - shift, points.y + points.exponent * shift
        )
        by_bend = points.bend * (points.exponent * by_tokens - by_size)
        return value, np.concatenate([slopes, by_bend[:, None]], axis=1)

    def target(self, theta: Array, frame: Frame, log_flops: float) -> Array:
        """(2, ...): ln N_opt and ln L there, of theta (..., constants); not a number where there is no optimum."""
        law = self.law(theta, frame)
        good = law.has_optimum
        if not np.all(good):
            return np.full((2, *np.shape(good)), np.nan)
        N, D = law.optimum(np.exp(log_flops), frame.cost)
        bend = theta[..., -1] * frame.beyond_line(np.asarray(log_flops))
        return np.stack([np.log(N) + bend, np.log(law.loss(N, D))])

    def log_optima(self, theta: Array, frame: Frame, log_flops: Array) -> tuple[Array, Array]:
        """(ln N_opt, ln L) along compute (points,). Not numbers where the form has no optimum."""
        law = self.law(theta, frame)
        if not np.all(law.has_optimum):
            return np.full_like(log_flops, np.nan), np.full_like(log_flops, np.nan)
        N, D = law.optimum(np.exp(log_flops), frame.cost)
        return np.log(N) + theta[-1] * frame.beyond_line(log_flops), np.log(law.loss(N, D))


class Powers(BentForm):
    """E + (A N^-alpha + B D^-beta)^gamma in theta = (ln E, ln of both terms at the centre, ln alpha gamma, ln beta
    gamma, ln gamma)."""

    free: ClassVar[bool]
    """Whether gamma is a constant; else it is 1."""

    def prior(self, log_loss: Array, frame: Frame) -> Gaussian:
        """Wide about published laws: E about half of the least loss, each term about a fifth of the typical loss at the
        centre, exponents .35 within a factor of 1.5 (laws/published.toml has .155 to .54), gamma 1 within a third."""
        del frame
        lowest, typical = float(log_loss.min()), float(np.median(log_loss))
        mean = [lowest + np.log(0.5), typical + np.log(0.2), typical + np.log(0.2), np.log(0.35), np.log(0.35)]
        sd = [0.7, 1.5, 1.5, 0.4, 0.4]
        if self.free:
            mean, sd = [*mean, 0.0], [*sd, 0.3]
        return Gaussian(mean=np.array(mean), sd=np.array(sd))

    def starts(self, prior: Gaussian) -> list[Array]:
        """The prior's mean, and both exponents apart."""
        apart = np.zeros_like(prior.mean)
        apart[3:5] = 0.4, -0.4
        return [prior.mean, prior.mean + apart, prior.mean - apart]

    def surface(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
        """By the derivatives of fit/forms/coupled.py."""
        full, zero = self._full(theta)[None], np.zeros_like(x)
        problem = HuberObjective(x=x, y=y, z=zero, x_mean=0.0, y_mean=0.0, delta=1.0)
        value, slopes = residuals(problem, full)[0], jacobian(problem, full)[0]
        a, b = full[0, 3], full[0, 4]
        by_size, by_tokens = -a * slopes[1], -b * slopes[2]
        slopes[3] *= a
        slopes[4] *= b
        return value, slopes[: len(theta)].T, by_size, by_tokens

    def law(self, theta: Array, frame: Frame) -> CoupledLaw:
        """The law of theta (..., constants)."""
        empty = np.zeros(0)
        problem = HuberObjective(x=empty, y=empty, z=empty, x_mean=frame.x_mean, y_mean=frame.y_mean, delta=1.0)
        return coupled_law(problem, self._full(theta[..., :-1]), FITTED)

    def _full(self, theta: Array) -> Array:
        """theta of the coupled form in fit/forms/coupled.py, whose exponents are not logarithms."""
        power = theta[..., 5:6] if self.free else np.zeros((*theta.shape[:-1], 1))
        return np.concatenate([theta[..., :3], np.exp(theta[..., 3:5]), power], axis=-1)


class Chinchilla(Powers):
    """gamma = 1."""

    name, free = "chinchilla", False


class Coupled(Powers):
    """gamma of its own."""

    name, free = "coupled", True


class Quadratic(BentForm):
    """ln L as a quadratic in x and y; theta is its six coefficients."""

    name = "logquadratic"

    def prior(self, log_loss: Array, frame: Frame) -> Gaussian:
        """The level is free; slopes and curvatures are those of published laws near their rows, within their size and
        twice it."""
        del frame
        mean = [float(np.mean(log_loss)), -0.07, -0.07, 0.01, 0.0, 0.01]
        return Gaussian(mean=np.array(mean), sd=np.array([3.0, 0.1, 0.1, 0.02, 0.01, 0.02]))

    def surface(self, theta: Array, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
        """Linear in theta."""
        slopes = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
        by_size = theta[1] + 2 * theta[3] * x + theta[4] * y
        return slopes @ theta, slopes, by_size, theta[2] + theta[4] * x + 2 * theta[5] * y

    def law(self, theta: Array, frame: Frame) -> LogQuadraticLaw:
        """The law of theta (..., 7)."""
        level, by_params, by_tokens, square, both, tokens_square = np.moveaxis(theta[..., :6], -1, 0)
        return LogQuadraticLaw(
            level=level,
            by_params=by_params,
            by_tokens=by_tokens,
            by_params_squared=square,
            by_both=both,
            by_tokens_squared=tokens_square,
            centre=(frame.x_mean, frame.y_mean),
        )


BENT_FORMS: tuple[BentForm, ...] = (Chinchilla(), Coupled(), Quadratic())
"""In the order of fit/forms/table.py."""
