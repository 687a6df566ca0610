"""Training curves and their envelope, and the learning-rate check, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.report.view import Absent, View, done_runs, section

# Enough for a line of 1,000 pixels, and a report of 60 runs stays below 1 MB of figure data.
_POINTS_A_CURVE = 160
_POINTS_OF_ENVELOPE = 120


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Loss of one run against the compute spent so far."""

    run_id: str
    params: float
    """N of the run."""
    flops: tuple[float, ...]
    loss: tuple[float, ...]
    """Training loss (of a fit's rows: their loss) at each of `flops`, in the view's loss unit."""


@dataclass(frozen=True, kw_only=True)
class TrainingCurves:
    """All curves and the least loss that any of them had reached at each compute."""

    curves: tuple[Curve, ...]
    envelope_flops: tuple[float, ...]
    envelope_loss: tuple[float, ...]
    loss_range: tuple[float, float]
    """What is drawn; the first steps of every run lie above."""


def training_curves(view: View) -> TrainingCurves | Absent:
    """The curves of finished runs, thinned evenly in log FLOPs, and their envelope."""
    recorded = section(view, "curves")
    curves, seen = [], set[str]()
    for run in done_runs(view):
        found = recorded.get(run.run_id)
        if found and len(found.get("flops") or ()) >= 2 and run.params and run.run_id not in seen:
            seen.add(run.run_id)  # of a fit, each row of a run is one of done_runs
            flops, loss = thinned(found["flops"], found.get("train_loss_nats") or found["loss"])
            curves.append(Curve(run_id=run.run_id, params=run.params, flops=flops, loss=loss))
    if not curves:
        return Absent(sentence="Training curves: none is recorded here.")
    curves.sort(key=lambda curve: curve.params)
    flops, loss = envelope(curves)
    ends = [curve.loss[-1] for curve in curves]
    # The first steps fall from log(vocabulary); the eye needs the part where the runs part ways.
    top = max(ends) + 0.6 * (max(ends) - min(ends)) + 0.05
    return TrainingCurves(
        curves=tuple(curves), envelope_flops=flops, envelope_loss=loss, loss_range=(min(ends) - 0.04 * top, top)
    )


def thinned(x: Sequence[float], y: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """At most 160 of the points, even in log x, first and last kept; rows with x <= 0 or a missing y left out."""
    points = [(a, b) for a, b in zip(x, y, strict=True) if a > 0 and b is not None and np.isfinite(b)]
    xs = np.array([a for a, _ in points])
    if len(points) > _POINTS_A_CURVE:
        wanted = np.geomspace(xs[0], xs[-1], _POINTS_A_CURVE)
        keep = np.unique(np.clip(np.searchsorted(xs, wanted * (1 - 1e-12)), 0, len(xs) - 1))
        points = [points[i] for i in keep]
    return tuple(a for a, _ in points), tuple(b for _, b in points)


def envelope(curves: Sequence[Curve]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(FLOPs, least loss over the curves there), each curve interpolated in log FLOPs inside its own range."""
    low = min(curve.flops[0] for curve in curves)
    high = max(curve.flops[-1] for curve in curves)
    grid = np.geomspace(low, high, _POINTS_OF_ENVELOPE)
    heights = [np.interp(np.log(grid), np.log(curve.flops), curve.loss, left=np.inf, right=np.inf) for curve in curves]
    least = np.minimum.accumulate(np.min(heights, axis=0))
    inside = np.isfinite(least)
    return tuple(map(float, grid[inside])), tuple(map(float, least[inside]))


@dataclass(frozen=True, kw_only=True)
class RateCheck:
    """Final loss against peak learning rate at one size."""

    params: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    chosen: float | None
    """The peak learning rate that the recipe uses at this size."""
    chosen_loss: float | None
    """Where that rate stands on the line through the losses; None where it lies outside the rates tried."""
    interior: bool | None
    """Whether the best rate lies inside the rates tried."""


def _between(pairs: Sequence[tuple[float, float]], rate: float | None) -> float | None:
    """The loss at `rate` on straight lines in log rate through (rate, loss) pairs."""
    if rate is None or not pairs[0][0] * 0.999 <= rate <= pairs[-1][0] * 1.001:
        return None
    return float(np.interp(np.log(rate), [np.log(r) for r, _ in pairs], [x for _, x in pairs]))


def rate_checks(view: View) -> tuple[RateCheck, ...] | Absent:
    """The learning-rate check by size, small to large."""
    checks = []
    for entry in view.get("learning_rate_check") or ():
        columns = zip(entry.get("rates") or (), entry.get("losses") or (), strict=False)
        pairs = sorted((r, x) for r, x in columns if r is not None and x is not None)
        if pairs and entry.get("params"):
            checks.append(
                RateCheck(
                    params=entry["params"],
                    rates=tuple(rate for rate, _ in pairs),
                    losses=tuple(loss for _, loss in pairs),
                    chosen=entry.get("chosen"),
                    chosen_loss=_between(pairs, entry.get("chosen")),
                    interior=entry.get("interior"),
                )
            )
    if not checks:
        return Absent(sentence="Learning-rate check: this study has none.")
    return tuple(sorted(checks, key=lambda check: check.params))
