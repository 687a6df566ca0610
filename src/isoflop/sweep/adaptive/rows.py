"""Rows in the coordinates of the fits, with the covariance of their noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.laws import SIX_N, ComputeCost
from isoflop.sweep.adaptive.evidence import Evidence

TRUNK_SHARED = 0.7
"""Share of the variance of a row's noise that branches of one trunk have in common. Weights, text and order of the
shared part are the same; the decays alone differ. An assumption until branches of several seeds were measured: it errs
towards counting branches for less."""
_ROUNDING = 0.05  # of C against 6 N D, as papers round: below it the law's closed forms hold


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Where the coordinates are centred, and what a token costs."""

    x_mean: float
    """Mean of ln N."""
    y_mean: float
    """Mean of ln D."""
    t_mean: float
    """Mean of ln C."""
    square_level: float
    """Height at t = 0 of the line through t^2 of the rows."""
    square_slope: float
    """Its slope."""
    cost: ComputeCost

    @classmethod
    def of(cls, rows: Evidence) -> Frame:
        """The frame of rows: the line through t^2 is what a straight frontier fits to a bend (fit/size/bend.py)."""
        log_flops = np.log(rows.flops)
        t = log_flops - log_flops.mean()
        level = float(np.mean(t**2))
        slope = float(np.mean(t**3)) / level if level > 0 else 0.0
        return cls(
            x_mean=float(np.log(rows.params).mean()),
            y_mean=float(np.log(rows.tokens).mean()),
            t_mean=float(log_flops.mean()),
            square_level=level,
            square_slope=slope,
            cost=_cost(rows),
        )

    def beyond_line(self, log_flops: Array) -> Array:
        """t^2 less that line: what a bend of 1 adds to ln N_opt at these ln C."""
        t = np.asarray(log_flops) - self.t_mean
        return np.asarray(t * t - self.square_level - self.square_slope * t)

    def place(self, log_params: Array, log_tokens: Array, log_flops: Array) -> Points:
        """The points at ln N, ln D and ln C."""
        return Points(
            x=log_params - self.x_mean,
            y=log_tokens - self.y_mean,
            bend=self.beyond_line(log_flops),
            exponent=self.cost.exponent(np.exp(log_params)),
        )


def _cost(rows: Evidence) -> ComputeCost:
    per_token = rows.flops / rows.tokens
    if np.all(np.abs(np.log(per_token / (6 * rows.params))) < _ROUNDING) or len(np.unique(rows.params)) < 2:
        return SIX_N
    return ComputeCost.from_pairs(zip(rows.params, per_token, strict=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Points of the plane of sizes and tokens, all (points,)."""

    x: Array
    """ln N less the frame's mean."""
    y: Array
    """ln D less the frame's mean."""
    bend: Array
    """What a bend of 1 adds to ln N_opt at the point's compute."""
    exponent: Array
    """k of the local cost kappa N^k of a token: a shift of -s in ln N is one of k s in ln D at the same compute."""


def correlation(trunk: tuple[str, ...], shared: float = TRUNK_SHARED) -> Array:
    """(rows, rows): 1 on the diagonal, `shared` between rows of one trunk, else 0."""
    label: Labels = np.unique(np.array(trunk), return_inverse=True)[1]
    same = label[:, None] == label[None, :]
    return np.where(np.eye(len(trunk), dtype=bool), 1.0, np.where(same, shared, 0.0))
