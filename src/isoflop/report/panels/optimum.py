"""N_opt and D_opt against compute by three approaches and as forecast, with the published laws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from isoflop.fit import AnyFit
from isoflop.fit.size import SizeBacktest
from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject, band, flops_axis, layout, line, log_axis, spread
from isoflop.report.fitted_runs import FittedRuns, SizePoint
from isoflop.report.panel import Absent, Panel, Table
from isoflop.report.panels.best_size import BestSize, estimator_table
from isoflop.report.panels.scaling_lines import (
    LAW_STROKES,
    Marker,
    Quantity,
    ScalingLine,
    marker_trace,
    published_lines,
    scaling_line,
)
from isoflop.report.plan_record import PlanRecord
from isoflop.report.record import Interval
from isoflop.report.style import APPROACH_COLOURS, APPROACH_NAMES, INK, transparent
from isoflop.units import format_flops, format_quantity


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The optimum of the top budget: forecast without that budget, and its vertex."""

    forecast: Marker
    vertex: Marker


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """One optimum (N or D) against C in the study's range."""

    quantity: Quantity
    """`params` (N_opt) or `tokens` (D_opt)."""
    lines: tuple[ScalingLine, ...]
    """The study's own, with bands where the fit gives them."""
    published: tuple[ScalingLine, ...]
    vertices: tuple[Marker, ...]
    plan: Marker | None
    flops_range: tuple[float, float]
    forecast: ScalingLine | None = None
    """What a plan takes: estimators mixed, with interval, from the runs' range to the target; None without one."""
    held_out: HeldOut | None = None


def scaling(fitted: FittedRuns, quantity: Quantity) -> Scaling | Absent:
    """The optimum `quantity` against compute, over the range of the runs and the plan."""
    fits = (
        [] if fitted.fit is None else [fitted.fit.fitted[name] for name in APPROACH_NAMES if name in fitted.fit.fitted]
    )
    if not fits:
        return Absent(sentence="N_opt and D_opt against compute: no approach gave a fit here.")
    low, high = fitted.flops_range()
    return Scaling(
        quantity=quantity,
        lines=tuple(_own_line(fit, quantity) for fit in fits),
        published=published_lines(quantity, low, high),
        vertices=vertex_markers(fitted, quantity),
        plan=_plan_marker(fitted.plan, quantity) if fitted.plan else None,
        flops_range=(low, high),
        forecast=_forecast(fitted.size_points, quantity),
        held_out=_held_out(fitted, quantity),
    )


def _own_line(fit: AnyFit, quantity: Quantity) -> ScalingLine:
    """The frontier of one approach, with its band."""
    frontier = fit.frontier
    columns = {
        "params": (frontier.params, frontier.params_low, frontier.params_high),
        "tokens": (frontier.tokens, frontier.tokens_low, frontier.tokens_high),
    }
    return scaling_line(fit.approach, APPROACH_NAMES[fit.approach], frontier.flops, *columns[quantity])


def vertex_markers(fitted: FittedRuns, quantity: Quantity) -> tuple[Marker, ...]:
    """The vertices of the budgets that approach 2 uses, in N or in D."""
    markers = []
    for budget in fitted.isoflop.budgets if fitted.isoflop else ():
        value, interval = {
            "params": (budget.params, budget.params_interval),
            "tokens": (budget.tokens, budget.tokens_interval),
        }[quantity]
        if budget.kept and value is not None:
            markers.append(_marker("isoFLOP vertex", budget.flops, value, interval))
    return tuple(markers)


def _marker(label: str, flops: float, value: float, interval: Interval | None) -> Marker:
    low, high = interval or (None, None)
    return Marker(label=label, flops=flops, value=value, low=low, high=high)


def _plan_marker(plan: PlanRecord, quantity: Quantity) -> Marker:
    if quantity == "params":
        return _marker("plan", plan.flops, plan.params, plan.params_interval)
    return _marker("plan", plan.flops, plan.tokens, plan.tokens_interval)


def _forecast(points: Sequence[SizePoint], quantity: Quantity) -> ScalingLine | None:
    if not points:
        return None
    of_params = quantity == "params"
    limits = [point.params_interval if of_params else point.tokens_interval for point in points]
    return scaling_line(
        "forecast",
        "forecast with its interval",
        [point.flops for point in points],
        [point.params if of_params else point.tokens for point in points],
        [low for low, _ in limits],
        [high for _, high in limits],
    )


def _held_out(fitted: FittedRuns, quantity: Quantity) -> HeldOut | None:
    """The backtest of the size; where D is drawn, what the budget pays for at each N."""
    tested: SizeBacktest | None = fitted.fit.size_backtest if fitted.fit else None
    if tested is None or fitted.fit is None:
        return None
    flops, cost = tested.held_out_budget_flops, fitted.fit.cost

    def marker(label: str, value: float, low: float, high: float) -> Marker:
        """The marker of a size, or of the tokens that the budget pays for at it."""
        if quantity == "tokens":
            # The largest model sees the fewest tokens, so that the limits change places.
            value, high, low = (float(flops / cost.flops_per_token(N)) for N in (value, low, high))
        return Marker(label=label, flops=flops, value=value, low=low, high=high)

    # The interval of the vertex at the forecast's level, from the standard error of its ln N.
    factor = math.exp(_deviations(tested.level) * tested.actual_se)
    return HeldOut(
        forecast=marker("forecast without this budget", tested.predicted, *tested.interval),
        vertex=marker("vertex held out", tested.actual, tested.actual / factor, tested.actual * factor),
    )


def _deviations(level: float) -> float:
    """Standard deviations on either side of a normal distribution's mean that hold `level` of it."""
    return NormalDist().inv_cdf((1 + level) / 2)


_SHOWN = {"params": ("N_opt", "parameters"), "tokens": ("D_opt", "tokens")}


def draw_scaling(values: Scaling) -> Drawing:
    """N_opt or D_opt against C: three approaches with bands, published laws, vertices and the plan."""
    legend = []
    data = [
        band(own.flops, own.low, own.high, transparent(APPROACH_COLOURS[own.name], 0.13))
        for own in values.lines
        if own.low and own.high
    ]
    for law in values.published:
        colour, dash = LAW_STROKES[law.name]
        data.append(line(law.flops, law.values, colour, dash=dash, width=1.3))
    for own in values.lines:
        data.append(
            line(
                own.flops,
                own.values,
                APPROACH_COLOURS[own.name],
                width=2.2,
                hoverinfo="text",
                text=[
                    f"{own.label}<br>{format_flops(c)} FLOPs: {format_quantity(v)}"
                    for c, v in zip(own.flops, own.values, strict=True)
                ],
            )
        )
        legend.append(LegendEntry(label=own.label, colour=APPROACH_COLOURS[own.name]))
    if values.forecast:
        data += _forecast_traces(values.forecast)
        legend.append(LegendEntry(label=values.forecast.label, colour=INK))
    if values.vertices:
        data.append(marker_trace(values.vertices, APPROACH_COLOURS["isoflop"], "diamond", 9))
        legend.append(LegendEntry(label="isoFLOP vertices", colour=APPROACH_COLOURS["isoflop"], kind="diamond"))
    if values.held_out:
        data.append(marker_trace((values.held_out.vertex,), APPROACH_COLOURS["isoflop"], "diamond-open", 15))
        data.append(marker_trace((values.held_out.forecast,), INK, "circle-open", 10, outline_width=2))
        legend.append(LegendEntry(label="the ringed vertex, forecast without its budget", colour=INK, kind="open"))
    if values.plan:
        data.append(marker_trace((values.plan,), INK, "star", 13))
        legend.append(LegendEntry(label="plan", colour=INK, kind="star"))
    legend += [
        LegendEntry(label=law.label, colour=LAW_STROKES[law.name][0], kind=LAW_STROKES[law.name][1])
        for law in values.published
    ]
    symbol, words = _SHOWN[values.quantity]
    # The study's own lines decide the range; a published law of another convention may leave it.
    heights = [v for own in values.lines for v in own.values] + [mark.value for mark in values.vertices]
    heights += [values.plan.value] if values.plan else []
    heights += [*values.forecast.low, *values.forecast.high] if values.forecast else []
    return Drawing(
        name=f"scaling-{values.quantity}",
        describes=f"{symbol} against compute by three approaches, with published laws",
        data=data,
        layout=layout(flops_axis(*values.flops_range), log_axis(f"{symbol} ({words})", *spread(heights, 2.2))),
        legend=tuple(legend),
        height=420,
        narrow_height=330,
    )


def _forecast_traces(forecast: ScalingLine) -> list[PlotlyObject]:
    """The band, its limits, and the line of the forecast."""
    limits = [line(forecast.flops, edge, INK, width=0.8, dash="dot") for edge in (forecast.low, forecast.high) if edge]
    shade = [band(forecast.flops, forecast.low, forecast.high, transparent(INK, 0.1))] if limits else []
    rows = zip(forecast.flops, forecast.values, strict=True)
    texts = [f"{forecast.label}<br>{format_flops(c)} FLOPs: {format_quantity(v)}" for c, v in rows]
    return [*shade, *limits, line(forecast.flops, forecast.values, INK, width=1.8, hoverinfo="text", text=texts)]


def optimum_panel(fitted: FittedRuns, size: BestSize | None) -> Panel | Absent:
    """N_opt and D_opt against C by three approaches, and what each estimator of the `size` gives."""
    n, d = scaling(fitted, "params"), scaling(fitted, "tokens")
    if isinstance(n, Absent):
        return n
    if isinstance(d, Absent):
        return d
    words = fitted.conventions
    whose, own = ("This study", "its") if fitted.of_study else ("These runs", "their")
    tables: tuple[Table, ...] = ()
    bend = ""
    if size is not None:
        table = estimator_table(size)
        tables = (Table(columns=table.columns, rows=table.rows, words=(0, 5), heading=table.heading),)
        bend = f"{table.note} "
    return Panel(
        name="scaling",
        short="Optimum",
        title="The optimum against compute",
        lead="Parameters and tokens of the compute-optimal model by three approaches and as a plan takes them, next "
        "to the published laws.",
        drawings=(draw_scaling(n), draw_scaling(d)),
        columns=2,
        tables=tables,
        caption=f"{bend}{whose}: N {words.params}, C {words.flops}, {own} own tokens. Published laws: all "
        "parameters, C = 6ND, subword tokens, and runs of 1e18 FLOPs and more, carried on to here; compare slopes, not "
        "levels.",
        sources=tuple(f"{law.label}: {law.source}" for law in n.published),
    )
