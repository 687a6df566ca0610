"""Training curves of all runs and their envelope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject, flops_axis, layout, line, linear_axis, spread
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.formatting import loss_text, share_text
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.refused import refusal
from isoflop.report.record import RunCurve
from isoflop.report.style import INK, ramp, ramp_log, transparent
from isoflop.units import format_flops, format_quantity

# Enough for a line of 1,000 pixels, and a report of 60 runs stays below 1 MB of figure data.
_POINTS_A_CURVE = 160
_POINTS_OF_ENVELOPE = 120
WINDOW = 0.02
"""Window of the moving average over a run's compute."""
_WINDOW_AT_START = 0.1


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Loss of one run against the compute spent so far."""

    run_id: str
    params: float
    """N of the run."""
    flops: tuple[float, ...]
    loss: tuple[float, ...]
    """Training loss, smoothed (of a fit's rows: their loss) at each of `flops`, in the unit of the record."""
    recorded: tuple[float, ...] = ()
    """Training loss at each of `flops` as it was recorded; empty where `loss` is not smoothed."""


@dataclass(frozen=True, kw_only=True)
class TrainingCurves:
    """All curves and the least loss that any of them had reached at each compute."""

    curves: tuple[Curve, ...]
    envelope_flops: tuple[float, ...]
    envelope_loss: tuple[float, ...]
    loss_range: tuple[float, float]
    """What is drawn; the first steps of every run lie above."""


def training_curves(fitted: FittedRuns) -> TrainingCurves | Absent:
    """The curves of finished runs, thinned evenly in log FLOPs, and their envelope."""
    # Of a table of runs, each row of a run is one of `runs`: the first has the run's N.
    params: dict[str, float] = {}
    for run in fitted.runs:
        params.setdefault(run.run_id, run.params)
    curves = []
    for name, size in params.items():
        recorded = fitted.curves.get(name)
        if recorded is not None and len(recorded.flops) >= 2:
            curves.append(_curve(name, size, recorded, smooth=fitted.of_study))
    if not curves:
        return Absent(sentence="Training curves: none is recorded here.")
    curves.sort(key=lambda curve: curve.params)
    flops, loss = envelope(curves)
    ends = [curve.loss[-1] for curve in curves]
    # The first steps fall from log(vocabulary); the eye needs the part where the runs separate.
    top = max(ends) + 0.6 * (max(ends) - min(ends)) + 0.05
    return TrainingCurves(
        curves=tuple(curves), envelope_flops=flops, envelope_loss=loss, loss_range=(min(ends) - 0.04 * top, top)
    )


def _curve(name: str, params: float, recorded: RunCurve, *, smooth: bool) -> Curve:
    """A run's curve, thinned; with `smooth` smoothed before that."""
    if not smooth:
        flops, loss = thinned(recorded.flops, recorded.loss)
        return Curve(run_id=name, params=params, flops=flops, loss=loss)
    flops, loss = thinned(recorded.flops, smoothed(recorded.flops, recorded.loss))
    return Curve(run_id=name, params=params, flops=flops, loss=loss, recorded=thinned(recorded.flops, recorded.loss)[1])


def smoothed(flops: Sequence[float], loss: Sequence[float]) -> tuple[float, ...]:
    """The exponential moving average of `loss`, whose weights fall by e over WINDOW of the run's compute.

    At the start of a run, where losses fall fast, they fall by e over a tenth of the compute spent so far.
    """
    spent = np.asarray(flops, dtype=float)
    window = np.minimum(WINDOW * spent[-1], _WINDOW_AT_START * spent)
    kept = np.exp(-np.diff(spent, prepend=spent[0]) / window)
    averages = [float(loss[0])]
    for value, share in zip(loss[1:], kept[1:], strict=True):
        averages.append(float(share * averages[-1] + (1 - share) * value))
    return tuple(averages)


def thinned(x: Sequence[float], y: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """At most 160 of the points (x ascending), even in log x, with the first and the last."""
    if len(x) <= _POINTS_A_CURVE:
        return tuple(x), tuple(y)
    xs = np.array(x)
    even = np.geomspace(xs[0], xs[-1], _POINTS_A_CURVE)
    # The first point at or beyond each even place; the factor keeps rounding from skipping the point itself.
    places = np.unique(np.clip(np.searchsorted(xs, even * (1 - 1e-12)), 0, len(xs) - 1))
    return tuple(x[i] for i in places), tuple(y[i] for i in places)


def envelope(curves: Sequence[Curve]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(FLOPs, least loss over the curves there), each curve interpolated in log FLOPs inside its own range."""
    low = min(curve.flops[0] for curve in curves)
    high = max(curve.flops[-1] for curve in curves)
    # Losses fall fastest where a run ends, and the least of all is the end of one.
    grid = np.union1d(np.geomspace(low, high, _POINTS_OF_ENVELOPE), [curve.flops[-1] for curve in curves])
    heights = [np.interp(np.log(grid), np.log(curve.flops), curve.loss, left=np.inf, right=np.inf) for curve in curves]
    least = np.minimum.accumulate(np.min(heights, axis=0))
    inside = np.isfinite(least)
    return tuple(map(float, grid[inside])), tuple(map(float, least[inside]))


def draw_training(values: TrainingCurves, loss_unit: str, loss_words: str = "training loss") -> Drawing:
    """Loss against FLOPs, a line a run coloured by size, and the envelope on top."""
    sizes = [curve.params for curve in values.curves]
    low, high = min(sizes), max(sizes)
    data = [_recorded_trace(curve, ramp_log(curve.params, low, high)) for curve in values.curves if curve.recorded]
    data += [_curve_trace(curve, ramp_log(curve.params, low, high)) for curve in values.curves]
    data.append(line(values.envelope_flops, values.envelope_loss, INK, width=2.4, dash="dot"))
    # Everything left of the first compute at which some curve enters the range of losses would be empty.
    entered = [
        c for curve in values.curves for c, x in zip(curve.flops, curve.loss, strict=True) if x <= values.loss_range[1]
    ]
    return Drawing(
        name="training-curves",
        describes="Loss against compute, one line a run, with the envelope of all",
        data=data,
        layout=layout(
            flops_axis(*spread(entered or values.envelope_flops, 1.1)),
            linear_axis(f"{loss_words} ({loss_unit})", range=list(values.loss_range)),
        ),
        legend=(
            LegendEntry(
                label=f"N = {format_quantity(low)}",
                colour=ramp(0),
                kind="ramp",
                colour_end=ramp(1),
                label_end=format_quantity(high),
            ),
            LegendEntry(label="envelope: least loss of any run so far", colour=INK, kind="dot"),
        ),
        height=440,
    )


def _recorded_trace(curve: Curve, colour: str) -> PlotlyObject:
    """What was recorded of a run, pale behind its smoothed curve."""
    recorded = np.round(curve.recorded, 4).tolist()
    return line(_drawn(curve.flops), recorded, transparent(colour, 0.16), width=1, name=f"{curve.run_id}, as recorded")


def _curve_trace(curve: Curve, colour: str) -> PlotlyObject:
    """A run's curve with what it says at each place."""
    texts = [
        f"N = {format_quantity(curve.params)}<br>{format_flops(c)} FLOPs, loss {loss_text(x)}"
        for c, x in zip(curve.flops, curve.loss, strict=True)
    ]
    losses = np.round(curve.loss, 4).tolist()
    look = {"width": 1.3, "opacity": 0.85, "hoverinfo": "text"}
    return line(_drawn(curve.flops), losses, colour, text=texts, name=curve.run_id, **look)


def _drawn(flops: Sequence[float]) -> list[float]:
    """`flops` to a tenth of a pixel: every digit more of so many points would be in the file."""
    return [float(value) for value in 10 ** np.round(np.log10(flops), 4)]


def training_panel(fitted: FittedRuns) -> Panel | Absent:
    """Loss against compute along each run, with the envelope; of a fit alone why approach 1 has no law from them."""
    drawn = _curves_panel(fitted)
    refused = None if fitted.of_study else refusal(fitted.fit, "envelope", "training", "Envelope of the curves")
    if isinstance(refused, Panel) and isinstance(drawn, Panel):
        return replace(drawn, lead=f"{refused.lead} The curves are a picture, and no exponent is read off them.")
    return refused or drawn


def _curves_panel(fitted: FittedRuns) -> Panel | Absent:
    values = training_curves(fitted)
    if isinstance(values, Absent):
        return values
    loss, caption = "loss", "The rows of each run in order of compute; what lies above the drawn range is cut."
    if fitted.of_study:
        loss = "training loss"
        caption = (
            f"Training loss, not validation. Lines: exponential moving average over {share_text(WINDOW)} of a run's "
            f"compute, at its start over {share_text(_WINDOW_AT_START)} of what it had spent; pale behind them: as "
            "recorded. The envelope is that of the lines. No number on this page is read off here. The first steps lie "
            "above the drawn range."
        )
    return Panel(
        name="training",
        short="Training curves",
        title="Training curves and their envelope",
        lead="Every run, coloured by size, and the least loss that any had reached. Approach 1 compares the ends of "
        "finished runs alone.",
        drawings=(draw_training(values, fitted.conventions.loss_unit, loss),),
        caption=caption,
    )
