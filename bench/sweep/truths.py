"""Known laws, right and wrong in form, and what a size wastes under them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isoflop.laws import ChinchillaLaw
from isoflop.sweep.adaptive.candidate import Candidate
from isoflop.sweep.adaptive.simulate import Losses, candidate_grid

BESIROGLU = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
HOFFMANN = ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
ASYM = ChinchillaLaw(E=1.69, A=400.0, B=400.0, alpha=0.465, beta=0.155)
SMALL = ChinchillaLaw(E=1.05, A=13.3, B=59.4, alpha=0.34, beta=0.34)
"""Nats per byte of very small models: the best size at 1e12 FLOPs is 45K, with a loss of 1.75; at 2e13 it has 1.48, as
planned models of the studies in docs/measured.md do. Equal exponents: N_opt grows there with the root of compute."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A surface, with its best sizes found on a fine grid: no form is assumed."""

    name: str
    loss: Losses
    flops: tuple[float, float] = (1e15, 1e25)
    """Range of compute that the tables cover."""

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ln C, ln N_opt, least loss)."""
        log_flops = np.linspace(*np.log(self.flops), 201)
        sizes = np.linspace(np.log(1e2), np.log(1e14), 20001)
        best = []
        for at in log_flops:
            losses = self.loss(np.exp(sizes), np.exp(at - np.log(6) - sizes))
            best.append((sizes[np.argmin(losses)], losses.min()))
        return log_flops, np.array(best)[:, 0], np.array(best)[:, 1]

    def log_optimum(self, flops: float) -> float:
        """ln N of least loss."""
        log_flops, sizes, _ = self._table
        return float(np.interp(np.log(flops), log_flops, sizes))

    def waste(self, params: float, flops: float) -> float:
        """Share of `flops` that a model of `params` wastes: what the best size reaches its loss with, against 1."""
        log_flops, _, losses = self._table
        reached = float(self.loss(np.array(params), np.array(flops / (6 * params))))
        return float(1 - np.exp(np.interp(-reached, -losses, log_flops)) / flops)

    def guess(self, off: float) -> Callable[[float], float]:
        """A first guess of N that is wrong by `off` in ln N everywhere."""
        return lambda flops: float(np.exp(self.log_optimum(flops) + off))


def bent(coefficient: float, law: ChinchillaLaw = BESIROGLU, about: float = 3e18) -> Losses:
    """A law whose ln N_opt has a quadratic term in ln C, about a compute in FLOPs."""

    def loss(N: np.ndarray, D: np.ndarray) -> np.ndarray:
        t = np.log(6 * N * D) - np.log(about)
        shift = coefficient * t * t
        return law.loss(N * np.exp(-shift), D * np.exp(shift))

    return loss


def coupled(N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """What the 240 points of Hoffmann et al. 2022, Figure 4 fit (gamma .774)."""
    return 1.757 + (2305 * N**-0.42436 + 9957 * D**-0.43053) ** 0.774


def drifting(N: np.ndarray, D: np.ndarray) -> np.ndarray:
    """The law of Besiroglu et al. 2024 with an error of tuning that grows by 1 % of the loss for each decade of N."""
    return BESIROGLU.loss(N, D) * (1 + 0.01 * np.log10(N / 1e8))


RIGHT = (
    Truth(name="besiroglu", loss=BESIROGLU.loss),
    Truth(name="hoffmann", loss=HOFFMANN.loss),
    Truth(name="asym", loss=ASYM.loss),
)
"""The form is one that is fitted."""
WRONG = (
    Truth(name="coupled, gamma .774", loss=coupled),
    Truth(name="frontier bends, -.01", loss=bent(-0.01)),
    Truth(name="frontier bends, +.01", loss=bent(0.01)),
    Truth(name="tuning drifts by 1 % a decade of N", loss=drifting),
)
"""The form of Chinchilla is wrong."""


def candidates(guess: Callable[[float], float], low: float, high: float, budgets: int = 20) -> list[Candidate]:
    """Seventeen sizes up to 16 times smaller and larger than a guess, at budgets from `low` to `high`."""
    return candidate_grid(guess, np.geomspace(low, high, budgets), ratios=np.geomspace(1 / 16, 16, 17))
