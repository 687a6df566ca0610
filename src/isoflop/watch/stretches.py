"""The last part of a curve in stretches: the mean loss of each, and the noise of that mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from isoflop.arrays import Array, robust_sd
from isoflop.watch.curve import Curve

COUNT = 6
"""Stretches that are looked at: what lies further back says nothing that these do not."""
_WIDTH = 2**0.25
"""Ratio of the shares at the two ends of a stretch."""
EARLIEST = 0.04
"""Share of the schedule before which nothing is looked at: there, curves are those of their warm-ups."""
AFTER_WARMUP = 1.2
"""Share at which a curve is looked at first, over the share of its warm-up: its loss still falls as warm-ups end."""
_FEWEST = 3
_LAST = 0.8
"""Share from which a curve is at its end: where rates fall to 0, points scatter less than before."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretches:
    """Means along a curve, the latest first."""

    edges: Array
    """Shares of the schedule at the ends of the stretches, falling; shape (stretches + 1,)."""
    log_loss: Array
    """Mean of ln(loss) by ln(share), on straight lines between the points; shape (stretches,)."""
    variance: Array
    """Of those means, by the scatter of the points about straight lines; shape (stretches,)."""

    @property
    def middle(self) -> Array:
        """Share in the middle of each stretch; shape (stretches,)."""
        return np.sqrt(self.edges[1:] * self.edges[:-1])


def edges_before(share: float, since: float) -> Array:
    """The ends of the stretches before `share`, falling; fewer where `since` comes first."""
    edges = share * _WIDTH ** -np.arange(COUNT + 1.0)
    return np.asarray(edges[edges >= since])


@lru_cache(maxsize=4096)
def stretches(curve: Curve, share: float) -> Stretches | None:
    """The stretches of `curve` before `share` and after its warm-up; None where it has too few points for any."""
    edges = edges_before(share, max(EARLIEST, AFTER_WARMUP * curve.warmup_share))
    inside = (curve.share >= edges[-1] / _WIDTH) & (curve.share <= share * _WIDTH) if len(edges) else np.zeros(0, bool)
    if len(edges) < 2 or int(np.sum(inside)) < _FEWEST:
        return None
    at, log_loss = np.log(curve.share), np.log(curve.loss)
    first, last = float(curve.share[0]), float(curve.share[-1])
    edges = edges[(edges >= first * (1 - 1e-9)) & (edges <= last * _WIDTH)]
    if len(edges) < 2:
        return None
    noise = _noise(at[inside], log_loss[inside])
    means, variances = [], []
    for high, low in pairwise(edges):
        inner = (curve.share > low) & (curve.share < high)
        means.append(_mean(at, log_loss, np.log(np.concatenate([[low], curve.share[inner], [high]]))))
        variances.append(noise**2 / max(1, int(np.sum(inner))))
    return Stretches(edges=edges, log_loss=np.array(means), variance=np.array(variances))


@lru_cache(maxsize=4096)
def end_noise(curve: Curve) -> float:
    """Standard deviation of ln(loss) of one point at the end of a curve; 0 where that has too few points to tell."""
    last = curve.share >= _LAST
    return _noise(np.log(curve.share[last]), np.log(curve.loss[last])) if int(np.sum(last)) >= _FEWEST + 2 else 0.0


def _mean(at: Array, log_loss: Array, ends: Array) -> float:
    return float(np.trapezoid(np.interp(ends, at, log_loss), ends) / (ends[-1] - ends[0]))


def _noise(at: Array, log_loss: Array) -> float:
    """Standard deviation of single points about the line between their neighbours, without what outliers add."""
    place = (at[1:-1] - at[:-2]) / (at[2:] - at[:-2])
    off = log_loss[1:-1] - ((1 - place) * log_loss[:-2] + place * log_loss[2:])
    scaled = off / np.sqrt(1 + place**2 + (1 - place) ** 2)
    return robust_sd(scaled) if len(scaled) >= _FEWEST else float(np.sqrt(np.mean(scaled**2)))
