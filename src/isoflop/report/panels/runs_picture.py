"""The picture of the first screen for runs without budgets: loss against compute, the frontier, and the forecast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    PlotlyObject,
    flops_axis,
    layout,
    line,
    linear_axis,
    points,
    spread,
    whiskers,
)
from isoflop.report.fitted_runs import FittedRuns, TrainedRun
from isoflop.report.formatting import interval_text, loss_text, share_text, with_interval
from isoflop.report.label_places import LEAST_NARROW, LEAST_WIDE, Label, Plane, placed
from isoflop.report.panel import Absent
from isoflop.report.panels.first_picture_values import NextLoss, next_of_fit
from isoflop.report.panels.optimum_tables import OptimaAt
from isoflop.report.record import Conventions
from isoflop.report.style import FORECAST_COLOUR, INK, ramp, ramp_log
from isoflop.units import format_flops, format_quantity

_MOST_DRAWN = 2000  # runs: more are one dark cloud, and megabytes
_HEIGHT, _NARROW_HEIGHT = 470, 400
_TOP = 0.98
"""Quantile of the losses up to which is drawn: one run far above would press all others flat."""


@dataclass(frozen=True, kw_only=True)
class RunsPicture:
    """Losses of runs of any compute, and what the best of them should reach."""

    runs: tuple[TrainedRun, ...]
    """Those that are drawn, thinned."""
    all_runs: int
    frontier_flops: tuple[float, ...]
    frontier_loss: tuple[float, ...]
    """The loss of the best size as compute grows, as forecast; empty without a forecast."""
    next_loss: NextLoss | None


def runs_picture(fitted: FittedRuns, optima: Sequence[OptimaAt]) -> RunsPicture | Absent:
    """What is drawn where the runs have no budgets."""
    if not fitted.runs:
        return Absent(sentence="Loss against compute: the rows have no losses.")
    flops: tuple[float, ...] = ()
    loss: tuple[float, ...] = ()
    forecaster = fitted.fit.forecaster if fitted.fit else None
    if forecaster is not None and fitted.size_points:
        sizes, tokens = zip(*((point.params, point.tokens) for point in fitted.size_points), strict=True)
        reached = forecaster.point(sizes, tokens)
        if np.all(np.isfinite(reached)):
            flops = tuple(point.flops for point in fitted.size_points)
            loss = tuple(map(float, reached))
    return RunsPicture(
        runs=fitted.runs[:: math.ceil(len(fitted.runs) / _MOST_DRAWN)],
        all_runs=len(fitted.runs),
        frontier_flops=flops,
        frontier_loss=loss,
        next_loss=next_of_fit(optima),
    )


def draw_runs_picture(values: RunsPicture, words: Conventions) -> Drawing:
    """Loss against compute, a point a run coloured by size, with the frontier and the forecast beyond the runs."""
    sizes = [run.params for run in values.runs]
    low, high = min(sizes), max(sizes)
    hover = [
        f"N = {format_quantity(run.params)}, D = {format_quantity(run.tokens)}"
        f"<br>{format_flops(run.flops)} FLOPs, loss {loss_text(run.loss)}"
        for run in values.runs
    ]
    colours = [ramp_log(run.params, low, high) for run in values.runs]
    flops, losses = [run.flops for run in values.runs], [run.loss for run in values.runs]
    data = [points(flops, losses, colours, hover, size=6, outline_width=0.5)]
    data.append(line(values.frontier_flops, values.frontier_loss, INK, width=2, dash="dot"))
    data += [_interval(values.next_loss)] if values.next_loss else []
    x_range, y_range = _ranges(values)
    wide, narrow = (
        placed(
            _labels(values),
            Plane(x=x_range, y=y_range, width=width, height=height - 64, type_size=size),
            avoiding=[*zip(flops, losses, strict=True), *zip(values.frontier_flops, values.frontier_loss, strict=True)],
        )
        for width, height, size in ((LEAST_WIDE, _HEIGHT, 12.5), (LEAST_NARROW, _NARROW_HEIGHT, 11))
    )
    return Drawing(
        name="first-picture",
        describes=_described(values),
        data=data,
        layout=layout(
            flops_axis(*x_range, f"training compute C (FLOPs, {words.flops})"),
            linear_axis(f"loss ({words.loss_unit})", range=list(y_range)),
            annotations=wide,
            meta={"x": "flops"},  # what the slider's star is placed by
        ),
        narrow={"annotations": narrow},
        legend=_legend(values, low, high),
        height=_HEIGHT,
        narrow_height=_NARROW_HEIGHT,
    )


def _ranges(values: RunsPicture) -> tuple[tuple[float, float], tuple[float, float]]:
    """What is drawn of C and of the loss, with room for the words of the forecast."""
    flops = [run.flops for run in values.runs] + [*values.frontier_flops]
    losses = sorted(run.loss for run in values.runs)
    top = losses[math.ceil(_TOP * len(losses)) - 1]
    seen = [losses[0], top, *(x for x in values.frontier_loss if x < top)]
    if values.next_loss is not None:
        flops.append(values.next_loss.flops)
        seen += [values.next_loss.loss, *(values.next_loss.interval or ())]
    by = max(seen) - min(seen) or 0.5
    return spread(flops, 1.6), (min(seen) - (0.2 if values.next_loss else 0.05) * by, max(seen) + 0.05 * by)


def _interval(ahead: NextLoss) -> PlotlyObject:
    low, high = ahead.interval or (None, None)
    text = (
        f"forecast at {format_flops(ahead.flops)} FLOPs<br>N = {with_interval(ahead.params, ahead.params_interval)}"
        f"<br>loss {with_interval(ahead.loss, ahead.interval, loss_text)}"
    )
    bars = {**whiskers([ahead.loss], [low], [high], FORECAST_COLOUR), "thickness": 3, "width": 11}
    stroke = {"symbol": "line-ew", "outline": FORECAST_COLOUR, "outline_width": 2.5}
    return points([ahead.flops], [ahead.loss], FORECAST_COLOUR, [text], size=11, error_y=bars, **stroke)


def _labels(values: RunsPicture) -> list[Label]:
    """The forecast in words."""
    ahead = values.next_loss
    if ahead is None:
        return []
    lines = [f"forecast at {format_flops(ahead.flops)} FLOPs", f"{format_quantity(ahead.params)} parameters"]
    lines.append(f"loss {loss_text(ahead.loss)}")
    if ahead.interval is not None:
        level = f"{share_text(ahead.level)}: " if ahead.level else ""
        lines.append(f"{level}{interval_text(ahead.interval, loss_text)}")
    at = (ahead.flops, ahead.loss)
    return [Label(text="<br>".join(lines), at=at, sides=("left", "below left", "above left"))]


def _legend(values: RunsPicture, low: float, high: float) -> tuple[LegendEntry, ...]:
    words = f"runs: N = {format_quantity(low)}"
    end = {"colour_end": ramp(1), "label_end": format_quantity(high)}
    entries = [LegendEntry(label=words, colour=ramp(0), kind="ramp", **end)]
    if values.frontier_flops:
        entries.append(LegendEntry(label="loss of the best size, as forecast", colour=INK, kind="dot"))
    if values.next_loss is not None:
        entries.append(LegendEntry(label="forecast with its interval", colour=FORECAST_COLOUR))
    return tuple(entries)


def _described(values: RunsPicture) -> str:
    """What is drawn, with its numbers, for a reader who does not see it."""
    text = f"Loss against compute of {values.all_runs:,} runs, coloured by size"
    if values.next_loss is not None:
        ahead = values.next_loss
        text += (
            f"; at {format_flops(ahead.flops)} FLOPs the forecast loss is "
            f"{with_interval(ahead.loss, ahead.interval, loss_text)} at {format_quantity(ahead.params)} parameters"
        )
    return text + "."
