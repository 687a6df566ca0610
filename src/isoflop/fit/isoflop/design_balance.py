"""Whether the sizes of an isoFLOP sweep stand around its vertices: points on each side, drift of the middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice
from isoflop.fit.isoflop.profile import Valley
from isoflop.fit.result import DesignBalance
from isoflop.units import format_flops, format_quantity

Array = NDArray[np.float64]

_ONE_SIDED = 0.2  # of the window of sizes: a vertex nearer to its end leans on one side's runs
_DRIFT = 2.0  # factor over the sweep: a centre that drifts to 3 moves D_opt 1,000 times beyond it by up to 30 %


@dataclass(frozen=True, kw_only=True, eq=False)
class Centring:
    """Vertices against the sizes used around them."""

    flops: Array
    """FLOPs of each budget."""
    log_params: Array
    """ln N of its vertex."""
    off_centre: Array
    """ln of vertex over the geometric middle of the window's sizes."""
    to_end: Array
    """Distance of the vertex from the window's nearer end, as a share of the window in ln N."""
    share_below: Array
    """Share of the window's runs that are smaller than the vertex."""
    drift: float
    """Factor by which vertex over middle changes from the first to the last budget, by a straight line in ln C."""

    def balance(self) -> DesignBalance:
        """What the fit says of it."""
        return DesignBalance(
            off_centre=tuple(np.exp(self.off_centre).tolist()),
            share_below=tuple(self.share_below.tolist()),
            drift=self.drift,
        )


def centring(valleys: Sequence[Valley], log_params: Array) -> Centring:
    """How the `log_params` of the vertices lie in the windows of their valleys, at least two."""
    ends = np.array([[v.x.min() + v.centre, v.x.max() + v.centre] for v in valleys])
    flops = np.array([v.flops for v in valleys])
    off = log_params - ends.mean(axis=1)
    t = np.log(flops) - np.log(flops).mean()
    return Centring(
        flops=flops,
        log_params=log_params,
        off_centre=off,
        to_end=np.minimum(log_params - ends[:, 0], ends[:, 1] - log_params) / np.ptp(ends, axis=1),
        share_below=np.array(
            [float(np.mean(v.x + v.centre < at)) for v, at in zip(valleys, log_params, strict=True)],
        ),
        drift=float(np.exp((off @ t) / (t @ t) * np.ptp(t))),
    )


def centring_notices(found: Centring) -> list[Notice]:
    """`vertex_near_end` a budget, and `centre_drifts` where the sweep's middle moves away from its vertices."""
    notices = []
    for flops, at, share in zip(found.flops, found.log_params, found.to_end, strict=True):
        if share < _ONE_SIDED:
            text = (
                f"the vertex of budget {format_flops(float(flops))}, {format_quantity(float(np.exp(at)))}, lies near "
                "an end of its sizes; add sizes beyond it"
            )
            notices.append(Notice(code="vertex_near_end", message=text))
    if not 1 / _DRIFT <= found.drift <= _DRIFT:
        first, last = np.exp(found.off_centre[[0, -1]])
        text = (
            f"the middle of the sizes drifts against the vertices, from {1 / first:.2g} times the vertex at the "
            f"smallest budget to {1 / last:.2g} times at the largest: what the parabola gets wrong goes into a"
        )
        notices.append(Notice(code="centre_drifts", message=text))
    return notices
