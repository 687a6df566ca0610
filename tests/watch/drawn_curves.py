"""Small made-up curves: a right run with its offset and noise, and what may befall it."""

from dataclasses import replace

import numpy as np

from isoflop.watch import Curve

TOTAL = 1e9


def right_course(share):
    """ln(loss) of every right run but for its own noise."""
    return 1.1 + 0.25 * (1 - share) ** 1.5 + 0.9 * np.exp(-share / 0.02)


def drawn_curve(
    rng, *, points=50, offset_sd=0.0003, noise_sd=0.0003, correlation=0.3, dof=None, name="run", params=1e8
):
    """A right run: an offset that lasts, and noise that follows itself from point to point, normal or heavy-tailed."""
    share = np.arange(1, points + 1) / points
    shocks = rng.standard_normal(points) if dof is None else rng.standard_t(dof, points) / np.sqrt(dof / (dof - 2))
    noise = np.empty(points)
    noise[0] = shocks[0]
    for k in range(1, points):
        noise[k] = correlation * noise[k - 1] + np.sqrt(1 - correlation**2) * shocks[k]
    loss = np.exp(right_course(share) + offset_sd * rng.standard_normal() + noise_sd * noise)
    return Curve(
        name=name,
        tokens=share * TOTAL,
        loss=loss,
        schedule_tokens=np.array([0.0, 0.02 * TOTAL, TOTAL]),
        schedule_rates=np.array([0.0, 1.0, 0.0]),
        total_tokens=TOTAL,
        params=params,
        final=float(loss[-1]),
    )


def changed(curve, change, *, since=0.2, until=1.0):
    """The same run with `change` added to ln(loss) over a part of the schedule."""
    within = (curve.share >= since) & (curve.share < until) | (curve.share >= since) & (until >= 1)
    return replace(curve, loss=curve.loss * np.where(within, np.exp(change), 1.0))
