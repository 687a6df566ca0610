"""Gaps of loss as multipliers of compute, tokens, time or money.

Along the axis A's loss is L(s) = F + (L - F) s^-gamma, s the factor on what is spent: with F = E and gamma =
alpha beta / (alpha + beta) in the direction of the frontier, from any N and D, since both terms of the law then fall by
one factor; with F = E + A N^-alpha and gamma = beta at fixed N. A stated slope is F = 0, gamma = -d ln L / d ln axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array


def pinned_multiplier(loss_a: ArrayLike, loss_b: ArrayLike, floor: ArrayLike, exponent: ArrayLike) -> Array:
    """((L_A - F) / (L_B - F))^(1 / gamma): what A would spend for B's loss over what it spent for its own.

    NaN where B's loss is not above the floor: A does not reach it.

    >>> float(pinned_multiplier(3.0, 2.9, 1.7, 0.154).round(4))
    1.6816
    """
    a, b, F = (np.asarray(value, dtype=np.float64) for value in (loss_a, loss_b, floor))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((b > F) & (a > F), (a - F) / (b - F), np.nan)
    return np.asarray(ratio ** (1 / np.asarray(exponent, dtype=np.float64)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Pinned:
    """A's floor and exponent in each cell with E held at a number."""

    E: float
    floor: Array
    """F, (cells,)."""
    exponent: Array
    """gamma, (cells,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Conversion:
    """A's floor and exponent in each cell, with draws of them for their error."""

    floor: Array
    """F, (cells,)."""
    exponent: Array
    """gamma, (cells,)."""
    floors: Array
    """(draws, cells)."""
    exponents: Array
    """(draws, cells)."""
    source: str
    """In words."""
    constant: bool | None = None
    """Whether one multiplier serves all cells, as far as the runs tell."""
    own_laws: bool = False
    """Whether a test finds that the recipes have floors or exponents of their own."""
    degrees: float = np.inf
    """Of freedom behind the draws."""
    tells_trend: bool = False
    """Whether its slope falls along the axis as the runs' does; a slope that stays would make a trend of its own."""
    usual: bool = False
    """Whether it is the usual slope of language models and not one of these runs."""
    pinned: tuple[Pinned, ...] = ()
    """The same with the loss of infinite compute held at numbers that the runs allow."""

    def log_multiplier(self, log_a: Array, log_b: Array) -> Array:
        """ln m of each cell from ln L_A and ln L_B, NaN where A does not reach B's loss."""
        return log_multiplier(log_a, log_b, self.floor, self.exponent)

    def drawn(self, log_a: Array, log_b: Array) -> Array:
        """The same of each draw, (draws, cells)."""
        return log_multiplier(log_a, log_b, self.floors, self.exponents)

    def per_gap(self, log_loss: Array) -> Array:
        """d ln m / d ln L at a loss: L / ((L - F) gamma), (cells,); the inverse of the local slope."""
        return _per_gap(log_loss, self.floor, self.exponent)

    def drawn_per_gap(self, log_loss: Array) -> Array:
        """The same of each draw, (draws, cells)."""
        return _per_gap(log_loss, self.floors, self.exponents)


def pinned_log_multiplier(pinned: Pinned, log_a: Array, log_b: Array) -> Array:
    """ln m of each cell with E held, NaN where A does not reach B's loss."""
    return log_multiplier(log_a, log_b, pinned.floor, pinned.exponent)


def log_multiplier(log_a: Array, log_b: Array, floor: Array, exponent: Array) -> Array:
    """ln m of A's floor and exponent, arrays that broadcast; NaN where A does not reach B's loss."""
    # The logarithm of the ratio as a difference of logarithms of shares above the floor: exchanging the sides changes
    # the sign and nothing else.
    with np.errstate(divide="ignore", invalid="ignore"):
        above = [np.where(np.exp(log) > floor, np.log(np.exp(log) - floor), np.nan) for log in (log_a, log_b)]
    return np.asarray((above[0] - above[1]) / exponent)


def _per_gap(log_loss: Array, floor: Array, exponent: Array) -> Array:
    loss = np.exp(log_loss)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(loss > floor, loss / ((loss - floor) * exponent), np.nan))
