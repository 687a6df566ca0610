"""Looks at a curve: its logarithm in steps of at least one fiftieth of the schedule, however often the run logs.

A test that may be asked at every line of a log has an unknown number of looks. These are at most fifty, whatever is
logged, and each stands from the moment at which it is complete: a longer log never changes an earlier look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array, Labels, robust_sd
from isoflop.watch.curve import Curve

WIDTH = 0.02
"""Share of the schedule that a look spans at least; runs that evaluate less often have one look for each evaluation."""
_DENSE = 3
"""Points within a look from which on their median is taken; with fewer, a finished run is read between its points."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """The looks at one curve that are complete."""

    share: Array
    """Mean share of the points of each look; shape (looks,)."""
    known_at: Array
    """Share at which each look was complete, that of its last point; shape (looks,)."""
    log_loss: Array
    """Median of ln(loss) over the points of each look; shape (looks,)."""
    stops: Labels
    """Index after the last point of each look; shape (looks,)."""


def looks_of(curve: Curve, *, width: float = WIDTH) -> Looks:
    """Returns the complete looks at a curve.

    A look ends with the first point that lies `width` or more after the end of the look before, or with the schedule.
    The median keeps single spikes out.
    """
    share, log_loss = curve.share, np.log(curve.loss)
    stops: list[int] = []
    start, end = 0, 0.0
    while start < len(share):
        stop = int(np.searchsorted(share, min(end + width, 1.0) - 1e-12, side="left")) + 1
        if stop > len(share):
            break
        stop = max(stop, start + 1)
        stops.append(stop)
        start, end = stop, float(share[stop - 1])
    starts = [0, *stops[:-1]]
    pieces = list(zip(starts, stops, strict=False))
    return Looks(
        share=np.array([share[a:b].mean() for a, b in pieces]),
        known_at=share[np.array(stops, dtype=np.int64) - 1],
        log_loss=np.array([np.median(log_loss[a:b]) for a, b in pieces]),
        stops=np.array(stops, dtype=np.int64),
    )


def log_loss_at(curve: Curve, share: Array, *, width: float = WIDTH) -> Array:
    """Returns ln(loss) of a finished run at the shares of looks, smoothed as a look is; shape of `share`.

    NaN more than `width` outside the run. Where the run has few points, it is read along straight lines of ln(loss)
    against ln(share).
    """
    log_loss, known = np.log(curve.loss), curve.share
    between = np.interp(np.log(share), np.log(known), log_loss)
    between[(share < known[0] - width) | (share > known[-1] + width)] = np.nan
    first = np.searchsorted(known, share - width / 2, side="left")
    stop = np.searchsorted(known, share + width / 2, side="right")
    dense = np.flatnonzero((stop - first >= _DENSE) & np.isfinite(between))
    for at in dense:
        part = slice(int(first[at]), int(stop[at]))
        # The window is cut at the ends of the run, where its mean share is another than that of the look.
        away = known[part] - share[at]
        slope = float(np.mean((away - away.mean()) * log_loss[part]) / away.var())
        between[at] = np.median(log_loss[part] - slope * away)
    return between


def noise_of(values: Array, *, fewest: int = 5) -> float:
    """Returns the standard deviation of single values along a curve, from their second differences; 0 of too few.

    Second differences, of which there must be `fewest`, leave out an offset and a steady fall. `values` has shape
    (values,) or (curves, values); NaN are left out.
    """
    second = np.diff(values, 2, axis=-1).ravel()
    second = second[np.isfinite(second)]
    return robust_sd(second) / float(np.sqrt(6.0)) if len(second) >= fewest else 0.0
