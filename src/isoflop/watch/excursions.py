"""Spikes, from which a loss comes back, and divergence, from which it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.watch.curve import Curve
from isoflop.watch.looks import WIDTH, Looks, noise_of

SPIKE = 0.03
"""Rise of ln(loss) over the look before that counts as a spike, however little a loss scatters."""
_SPIKE_SDS = 8.0
"""Standard deviations of single points that a spike must rise besides; 100,000 points of a heavy tail stay below."""
RISING = 0.05
"""Rise of ln(loss) over its best, beyond that of right runs, that is divergence while it keeps rising."""
_RISING_BLIND = 0.1
"""The same where nothing is expected: a schedule that raises the rate again may raise a loss by some per cent."""
DIVERGED = 0.3
"""A rise that is divergence though it has ended; after a smaller one, a loss that falls has another level."""
_DIVERGED_SDS = 6.0
PATIENCE = 2 * WIDTH
"""Share of the schedule after which a rise that has not come back is no spike any more."""
_SCATTER_POINTS = 200
"""Points before a look from which their scatter is taken."""


@dataclass(frozen=True, kw_only=True)
class Spike:
    """A sudden rise of the loss."""

    share: float
    """Share of the schedule at its first point."""
    rise: float
    """ln(loss) at its first point less that of the look before."""
    height: float
    """Largest ln(loss) within it up to now less that of the look before."""
    until: float | None
    """Share at which the loss was back; None while it is not."""


def spikes_of(curve: Curve, looks: Looks, centre: Array) -> tuple[Spike, ...]:
    """Returns the spikes of a run up to now, in order; the last may not have come back yet.

    `centre` is the expected ln(loss) at each look: what right runs rise there is no spike.
    """
    share, log_loss = curve.share, np.log(curve.loss)
    found: list[Spike] = []
    start: int | None = None
    base, limit = np.nan, np.inf
    pieces = [*zip([0, *looks.stops[:-1]], looks.stops, strict=False)]
    if pieces and pieces[-1][1] < len(share):
        pieces.append((pieces[-1][1], np.int64(len(share))))
    for number, (first, stop) in enumerate(pieces):
        if number and start is None:
            base, limit = _ordinary(log_loss, looks, centre, number)
        at = int(first)
        while at < stop:
            above = log_loss[at:stop] - base > (limit if start is None else limit / 2)
            turn = np.flatnonzero(above if start is None else ~above)
            if not len(turn):
                break
            at += int(turn[0])
            if start is None:
                start = at
            else:
                found.append(_spike(share, log_loss, start, at, base))
                start = None
        if start is not None and share[stop - 1] - share[start] > PATIENCE:
            # It has not come back: another level, which the tests of the level and of divergence judge.
            found.append(_spike(share, log_loss, start, None, base))
            start = None
    if start is not None:
        found.append(_spike(share, log_loss, start, None, base))
    return tuple(found)


def in_spikes(spikes: tuple[Spike, ...], share: Array) -> Mask:
    """Returns whether a spike was under way at each share, as it was seen then; shape of `share`."""
    found = np.zeros(len(share), dtype=bool)
    for spike in spikes:
        until = spike.share + PATIENCE if spike.until is None else spike.until
        found |= (share >= spike.share) & (share < until)
    return found


def diverging_after(looks: Looks, centre: Array) -> Array:
    """Returns 1 at every look after which the run diverges and 0 at others; shape (looks,).

    It diverges when two looks in a row lie above its best look before by more than right runs rise there: by much, or
    by less while every look is above the one before.
    """
    x = looks.log_loss
    state, rises = np.zeros(len(x)), np.zeros(len(x))
    best = 0
    for k in range(1, len(x)):
        if x[k - 1] < x[best]:
            best = k - 1
        expected = centre[k] - centre[best]
        blind = not np.isfinite(expected)
        rises[k] = x[k] - x[best] - (0.0 if blind else max(float(expected), 0.0))
        noise = _DIVERGED_SDS * noise_of(x[max(k - 11, 0) : k + 1])
        low = max(_RISING_BLIND if blind else RISING, noise)
        lasting = min(rises[k], rises[k - 1])
        if lasting > max(DIVERGED, noise) or (lasting > low and x[k] > x[k - 1] > x[max(k - 2, 0)]):
            state[k] = 1.0
        elif rises[k] > low:
            state[k] = state[k - 1]
    return state


def not_finite_from(share: Array, loss: Array) -> float | None:
    """Returns the share from which on a log holds no finite positive loss any more; None where its last loss is one."""
    good = np.flatnonzero(np.isfinite(loss) & (loss > 0))
    after = int(good[-1]) + 1 if len(good) else 0
    return float(share[after]) if after < len(share) else None


def _ordinary(log_loss: Array, looks: Looks, centre: Array, number: int) -> tuple[float, float]:
    """The level of the look before `number`, raised by what is expected since, and the rise over it that is a spike."""
    expected = float(centre[number] - centre[number - 1]) if number < len(centre) else 0.0
    stop = int(looks.stops[number - 1])
    scatter = noise_of(log_loss[max(stop - _SCATTER_POINTS, 0) : stop])
    rise = expected if expected > 0 else 0.0  # NaN where nothing is expected
    return float(looks.log_loss[number - 1]) + rise, max(SPIKE, _SPIKE_SDS * scatter)


def _spike(share: Array, log_loss: Array, start: int, back: int | None, base: float) -> Spike:
    return Spike(
        share=float(share[start]),
        rise=float(log_loss[start] - base),
        height=float(log_loss[start:back].max() - base),
        until=None if back is None else float(share[back]),
    )
