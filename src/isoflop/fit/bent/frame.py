"""Rows in the coordinates of the bent forms, with the correlation of their noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.laws import SIX_N, ComputeCost

TRUNK_SHARED = 0.7
"""Share of the variance of a row's noise that rows of one run, or of branches of one trunk, have in common.
Weights, text and order of the shared part are the same; the decays alone differ. An assumption until branches of
several seeds were measured: it errs towards counting branches for less."""
_ROUNDING = 0.05  # of C against 6 N D, as papers round: below it the law's closed forms hold


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Where the coordinates are centred, what a token costs, and along what frontiers are straight."""

    x_mean: float
    """Mean of ln N."""
    y_mean: float
    """Mean of ln D."""
    t_mean: float
    """Mean of t."""
    square_level: float
    """Height at t = 0 of the line through t^2 of the rows."""
    square_slope: float
    """Its slope."""
    cost: ComputeCost
    scale: Callable[[Array], Array]
    """t of FLOPs: ln C, or the coordinate in which a cost that is not 6 N leaves frontiers straight."""

    @classmethod
    def of(
        cls,
        params: Array,
        tokens: Array,
        flops: Array,
        cost: ComputeCost | None = None,
        scale: Callable[[Array], Array] = np.log,
    ) -> Frame:
        """The frame of rows (rows,): the line through t^2 is what a straight frontier fits to a bend (size/bend.py).

        Without a cost, that of the rows themselves: 6 N where all of them lie within rounding of it.
        """
        place = np.asarray(scale(flops), dtype=np.float64)
        t = place - place.mean()
        level = float(np.mean(t**2))
        slope = float(np.mean(t**3)) / level if level > 0 else 0.0
        return cls(
            x_mean=float(np.log(params).mean()),
            y_mean=float(np.log(tokens).mean()),
            t_mean=float(place.mean()),
            square_level=level,
            square_slope=slope,
            cost=_cost(params, flops / tokens) if cost is None else cost,
            scale=scale,
        )

    def beyond_line(self, log_flops: Array) -> Array:
        """t^2 less that line: what a bend of 1 adds to ln N_opt at these ln C."""
        t = self.scale(np.exp(log_flops)) - self.t_mean
        return np.asarray(t * t - self.square_level - self.square_slope * t)

    def place(self, log_params: Array, log_tokens: Array, log_flops: Array) -> Points:
        """The points at ln N, ln D and ln C."""
        return Points(
            x=log_params - self.x_mean,
            y=log_tokens - self.y_mean,
            bend=self.beyond_line(log_flops),
            exponent=self.cost.exponent(np.exp(log_params)),
        )


def _cost(params: Array, per_token: Array) -> ComputeCost:
    if np.all(np.abs(np.log(per_token / (6 * params))) < _ROUNDING) or len(np.unique(params)) < 2:
        return SIX_N
    return ComputeCost.from_pairs(zip(params, per_token, strict=True))


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


def correlation(trunk: Sequence[str], shared: float = TRUNK_SHARED) -> Array:
    """(rows, rows): 1 on the diagonal, `shared` between rows of one trunk, else 0."""
    label: Labels = np.unique(np.array(list(trunk)), return_inverse=True)[1]
    same = label[:, None] == label[None, :]
    return np.where(np.eye(len(trunk), dtype=bool), 1.0, np.where(same, shared, 0.0))
