"""Losses along the runs of a comparison, for its picture: what logs have in addition to final points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from isoflop.logs.run import LoggedRun, Series

if TYPE_CHECKING:
    from isoflop.compare.gaps import Gaps

_MOST_POINTS = 160
"""Of a curve, even in ln tokens: a line of 1,000 pixels needs no more."""
_MOST_CELLS = 4
"""Cells whose curves are drawn, the largest: more cover each other."""


@dataclass(frozen=True, kw_only=True)
class LossCurve:
    """The losses of one run on one evaluation set, as they were measured on the way."""

    run: str
    of_b: bool = False
    """Whether it is a run of B."""
    params: float | None
    tokens: tuple[float, ...]
    """Training tokens seen at each point; rising."""
    flops: tuple[float, ...]
    """Training FLOPs spent there, as logged, else 6 N D; empty where neither is known."""
    loss: tuple[float, ...]


def curve_of(run: LoggedRun, name: str) -> LossCurve | None:
    """The curve on an evaluation set, or of the training loss; None where it has fewer than two points with tokens."""
    series = run.evaluations.get(name, run.training if not run.evaluations else None)
    if series is None or run.tokens is None or len(run.tokens) < 2 or len(series) < 2:
        return None
    tokens = np.interp(series.steps, run.tokens.steps, run.tokens.values, left=np.nan, right=np.nan)
    usable = np.isfinite(tokens) & (tokens > 0) & np.isfinite(series.values) & (series.values > 0)
    if int(usable.sum()) < 2:
        return None
    seen, loss, steps = tokens[usable], series.values[usable], series.steps[usable]
    even = np.geomspace(seen[0], seen[-1], _MOST_POINTS)
    kept = np.unique(np.append(np.clip(np.searchsorted(seen, even * (1 - 1e-12)), 0, len(seen) - 1), len(seen) - 1))
    return LossCurve(
        run=run.name,
        params=run.params,
        tokens=tuple(seen[kept].tolist()),
        flops=_flops(run, run.flops, steps[kept].tolist(), seen[kept].tolist()),
        loss=tuple(loss[kept].tolist()),
    )


def _flops(run: LoggedRun, logged: Series | None, steps: list[float], tokens: list[float]) -> tuple[float, ...]:
    if logged is not None and len(logged) > 1:
        return tuple(np.interp(steps, logged.steps, logged.values).tolist())
    return () if run.params is None else tuple(6 * run.params * seen for seen in tokens)


def curves_of(gaps: Gaps) -> tuple[LossCurve, ...]:
    """One run a side of the largest cells, of one label where both have one."""
    found = []
    for cell in sorted(gaps.cells, key=lambda each: each.b.log_length or 0.0)[-_MOST_CELLS:]:
        label = next(iter(cell.labels), None)
        for group, of_b in ((cell.a, False), (cell.b, True)):
            run = next((run for run in group.runs if run.label == label), group.runs[0])
            curve = run.curves.get(gaps.name)
            found += [] if curve is None else [replace(curve, of_b=of_b)]
    return tuple(found)
