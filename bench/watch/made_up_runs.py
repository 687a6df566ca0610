"""Made-up right runs of several kinds, and what befalls wrong ones, for the bench of false alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.watch import Curve

TOTAL = 1e9


def plain_curve(name: str, tokens: Array, loss: Array, total: float) -> Curve:
    none = np.zeros(0)
    return Curve(name=name, tokens=tokens, loss=loss, schedule_tokens=none, schedule_rates=none, total_tokens=total)


def changed(curve: Curve, change: float | Array, since: float = 0.2) -> Curve:
    """The run with `change` added to ln(loss) from a share of the schedule on."""
    return replace(curve, loss=curve.loss * np.exp(np.where(curve.share >= since, change, 0.0)))


@dataclass(frozen=True)
class Kind:
    """What right runs of one kind are like: standard deviations are of ln(loss)."""

    offset: float = 0.0003
    noise: float = 0.0003
    correlation: float = 0.3
    """Of the noise of points that lie 2 % of the schedule apart."""
    dof: float = np.inf
    """Of Student's distribution of the noise."""
    points: int = 50
    wsd: bool = False

    def draw(self, rng: np.random.Generator) -> Curve:
        share = np.arange(1, self.points + 1) / self.points
        step = self.correlation ** (50 / self.points) if self.correlation > 0 else 0.0
        shocks = rng.standard_t(self.dof, self.points) if np.isfinite(self.dof) else rng.standard_normal(self.points)
        if np.isfinite(self.dof):
            shocks /= np.sqrt(self.dof / (self.dof - 2))
        noise = np.empty(self.points)
        noise[0] = shocks[0]
        for k in range(1, self.points):
            noise[k] = step * noise[k - 1] + np.sqrt(1 - step * step) * shocks[k]
        course = 1.1 + 0.9 * np.exp(-share / 0.02)
        if self.wsd:
            course += 0.08 * (share**-0.3 - 1) - 0.04 * np.clip((share - 0.8) / 0.2, 0, 1)
        else:
            course += 0.25 * (1 - share) ** 1.5
        log_loss = course + self.offset * rng.standard_normal() + self.noise * noise
        return plain_curve("run", share * TOTAL, np.exp(log_loss), TOTAL)


KINDS = {
    "points of their own": Kind(correlation=0.0),
    "AR(1) .6": Kind(correlation=0.6),
    "AR(1) .9": Kind(correlation=0.9),
    "AR(1) .98": Kind(correlation=0.98),
    "an offset only": Kind(offset=0.001, noise=0.0001),
    "Student's t, 3 degrees": Kind(dof=3),
    "a small model, .5 %": Kind(offset=0.004, noise=0.005),
    "2,000 points of 1 %": Kind(points=2000, noise=0.01, correlation=0.0),
}


def with_spikes(run: Curve) -> Curve:
    """Four spikes of single points, none of which lasts."""
    loss = run.loss.copy()
    for at in (0.25, 0.4, 0.55, 0.8):
        loss[int(at * len(loss))] *= 1.5
    return replace(run, loss=loss)


def after_restart(run: Curve) -> Curve:
    """Loss .5 % high just after a restart at 46 %, back within 2 % of the schedule."""
    return replace(run, loss=run.loss * np.exp(np.where((run.share > 0.46) & (run.share < 0.475), 0.005, 0.0)))


def too_fast(run: Curve) -> Curve:
    """The shape of three times the learning rate: high while the rate is high, level with the others at its end."""
    return replace(run, loss=run.loss * np.exp(0.02 * (1 - run.share)))


def diverging(run: Curve) -> Curve:
    return changed(run, np.clip(30 * (run.share - 0.4), 0, 1.0), since=0.4)


WRONG: dict[str, Callable[[Curve], Curve]] = {
    "+1 % from 20 % on": lambda run: changed(run, 0.01),
    "+.3 % from 20 % on": lambda run: changed(run, 0.003),
    "-1 % from 20 % on": lambda run: changed(run, -0.01),
    "diverges from 40 % on": diverging,
    "shape of 3x the learning rate, 2 % high at the start": too_fast,
}
