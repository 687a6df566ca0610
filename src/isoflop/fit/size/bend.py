"""The bend of the frontier: the quadratic term of ln N_opt in ln C, and what it adds beyond a straight line.

A power law N_opt = k C^a is straight in logarithms. Frontiers of public isoFLOP sets are not: ln N_opt = u + a t +
bend t^2 with a bend below zero more often than above it (Hoffmann et al. 2022, App. E, is the first to show one), so
that a straight line predicts too large a model beyond its rows. All estimators of one table share that error: their
agreement does not show it.

The bend has a prior, because five vertices with errors of a few per cent cannot tell a bend of -.01 from none, while at
ten times the largest compute it is worth a few per cent to a third of N. Unregularised least squares would extrapolate
the noise of the vertices, and a straight line asserts a bend of exactly 0. The prior is the bend of other tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.codec import Number
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.laws import ChinchillaLaw, ComputeCost

PUBLIC_BEND = Bend(mean=-0.006, sd=0.012)
"""Before the table's own vertices are seen. Least squares over all budgets of public sets: -.029 (Hoffmann et al.'s
figure 4), and from -.018 to +.010 with a mean of -.002 (15 conditions of Porian et al. 2024), with standard errors of
.002 to .012. docs/sizes.md has the forecasts with the prior of the other families of sets."""

FORM_ERROR = 0.004
"""Error of form in ln N_opt for a factor e of compute beyond the rows, besides the bend and the resamples. Public sets
leave less than 0.0023 once the bend is off and are covered equally well by 0.004, 0.005 and 0.007; with 0.007 sweeps
of .1 % noise stated more than twice the waste that was true (docs/sizes.md)."""
POWER_LAW_FLOPS = 1e12
"""Compute above which optima follow a power law. Where the largest budget is below it, N_opt still bends upwards:
own sweeps up to 2.7e10 FLOPs gave exponents of .2 to .4, where those up to 2.4e12 give about .5, and planned models
1.8 and more times smaller than the best."""


def public_bend(largest_flops: float) -> Bend:
    """The prior of the bend of a table whose largest compute is `largest_flops`.

    PUBLIC_BEND from POWER_LAW_FLOPS on. No public set lies below: for each factor of ten the standard deviation grows
    by its own size, and the mean of the public sets counts for less in the same proportion.

    >>> public_bend(1e18) == PUBLIC_BEND
    True
    >>> round(public_bend(1e10).sd, 3)
    0.036
    """
    growth = 1.0 + max(0.0, float(np.log10(POWER_LAW_FLOPS / largest_flops)))
    return Bend(mean=PUBLIC_BEND.mean / growth, sd=PUBLIC_BEND.sd * growth)


_RATIO = 20.0  # tokens per parameter, as of compute optima (Hoffmann et al. 2022, Table 3)


@dataclass(frozen=True, kw_only=True, eq=False)
class ComputeScale:
    """The coordinate in which a table's frontiers are straight: ln C where a token costs 6 N."""

    cost: ComputeCost
    """FLOPs per token against N."""
    law: ChinchillaLaw | None = None
    """A surface fitted to the table; None where there is none."""

    def place(self, flops: ArrayLike) -> Array:
        """The coordinate of `flops`.

        Where a token costs something else a frontier bends by the cost alone, and the laws know that: the coordinate is
        then ln N_opt of the surface over its exponent at 6 N; without a surface, twice ln N of the model that C trains
        at a fixed ratio of tokens to parameters. A bend in it is one that neither cost nor law explains.
        """
        if self.cost.is_six_n:
            return np.asarray(np.log(np.asarray(flops, dtype=np.float64)))
        if self.law is None:
            return np.asarray(2 * np.log(self.cost.size_at_ratio(flops, _RATIO)))
        return np.asarray(np.log(self.law.optimum(flops, self.cost)[0]) / self.law.a)

    def as_json(self) -> dict[str, float] | None:
        """The surface's constants; None where there is none."""
        return None if self.law is None else self.law.constants()


@dataclass(frozen=True, kw_only=True)
class ComputeDesign:
    """Where the rows of a straight fit lie on a ComputeScale, as the straight line that they fit to a parabola.

    An estimator without a bend fits the best line through a bent frontier. Beyond the rows the frontier leaves that
    line by the bend times t^2 less the line that the same rows fit to t^2 (the bias of an omitted variable).
    """

    centre: Number
    """Weighted mean of the coordinate."""
    level: Number
    """Height at the centre of the line through its square about the centre."""
    slope: Number
    """Slope of that line."""

    @classmethod
    def of(cls, log_flops: Array, weights: Array) -> ComputeDesign:
        """The design of rows at these coordinates with these weights."""
        centre = float(np.average(log_flops, weights=weights))
        # Moments of t: the weighted line through t^2 has the height <t^2> at the centre and the slope <t^3> / <t^2>.
        t = log_flops - centre
        level = float(np.average(t**2, weights=weights))
        slope = float(np.average(t**3, weights=weights)) / level if level > 0 else 0.0
        return cls(centre=centre, level=level, slope=slope)

    def beyond_line(self, log_flops: ArrayLike) -> Array:
        """(ln C)^2 less the straight line that the rows fit to it: what a bend of 1 adds to ln N_opt at these ln C.

        >>> budgets = ComputeDesign.of(np.log([1e18, 1e19, 1e20]), np.ones(3))
        >>> [round(float(x), 2) for x in budgets.beyond_line(np.log([1e18, 1e19, 1e21]))]
        [1.77, -3.53, 17.67]
        """
        t = np.asarray(log_flops, dtype=np.float64) - self.centre
        return np.asarray(t * t - self.level - self.slope * t)
