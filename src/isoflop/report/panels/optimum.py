"""N_opt and D_opt against compute by three approaches and as forecast, beside the published laws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.fit import LEVEL
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost
from isoflop.report.drawing import Drawing, LegendEntry, band, flops_axis, layout, line, log_axis, spread
from isoflop.report.panel import Absent, Panel, Table
from isoflop.report.panels.best_size import backtest_of, estimator_grid, forecast_size
from isoflop.report.panels.scaling_lines import (
    LAW_STROKES,
    LINE_POINTS,
    Marker,
    Quantity,
    ScalingLine,
    marker_trace,
    published_lines,
    scaling_line,
)
from isoflop.report.style import APPROACH_COLOURS, APPROACH_NAMES, INK, transparent
from isoflop.report.view import View, approach, conventions, done_runs, is_fit, pair, plan_of, section
from isoflop.units import format_flops, format_quantity

Array = NDArray[np.float64]


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


def scaling(view: View, quantity: Quantity) -> Scaling | Absent:
    """The optimum `quantity` against compute, over the study's budgets and its plan."""
    lines = [line for name in APPROACH_NAMES if (line := _own_line(view, name, quantity))]
    if not lines:
        return Absent(sentence="N_opt and D_opt against compute: no approach gave a fit here.")
    low, high = study_range(view)
    plan = plan_of(view)
    return Scaling(
        quantity=quantity,
        lines=tuple(lines),
        published=published_lines(quantity, low, high),
        vertices=vertex_markers(view, quantity),
        plan=_plan_marker(plan, quantity) if plan else None,
        flops_range=(low, high),
        forecast=_forecast(view, quantity),
        held_out=_held_out(view, quantity),
    )


def study_range(view: View) -> tuple[float, float]:
    """(least, most) FLOPs of the budgets, the runs and the plan, widened by a quarter of a decade on both sides."""
    seen = [run.flops for run in done_runs(view) if run.flops]
    seen += [entry["flops"] for entry in approach(view, "isoflop").get("budgets") or ()]
    if plan_of(view).get("flops"):
        seen.append(plan_of(view)["flops"])
    for name in APPROACH_NAMES:
        seen += (approach(view, name).get("frontier") or {}).get("flops") or []
    seen += [point["flops"] for point in view.get("size_band") or () if point.get("flops")]
    return (min(seen) / 10**0.25, max(seen) * 10**0.25) if seen else (1e18, 1e24)


def _own_line(view: View, name: str, quantity: Quantity) -> ScalingLine | None:
    fit = approach(view, name)
    frontier = fit.get("frontier") or {}
    label = APPROACH_NAMES[name]
    if frontier.get(quantity):
        return scaling_line(
            name,
            label,
            frontier["flops"],
            frontier[quantity],
            frontier.get(f"{quantity}_low") or (),
            frontier.get(f"{quantity}_high") or (),
        )
    flops = np.geomspace(*study_range(view), LINE_POINTS)
    coefficient, exponent = fit.get(f"{quantity}_coefficient"), fit.get("a" if quantity == "params" else "b")
    if coefficient is not None and exponent is not None:
        return scaling_line(name, label, flops, coefficient * flops**exponent)
    if name == "parametric" and has_optimum(view):
        params, tokens = fitted_optimum(view, flops)
        return scaling_line(name, label, flops, params if quantity == "params" else tokens)
    return None


def has_optimum(view: View) -> bool:
    """Whether there is a parametric fit whose loss falls with both N and D: else no frontier can be drawn."""
    fit = approach(view, "parametric")
    return bool(fit) and all((fit.get(name) or 0) > 0 for name in ("A", "B", "alpha", "beta"))


def fitted_law(view: View) -> ChinchillaLaw:
    """The law of the parametric fit; the view must have one."""
    fit = approach(view, "parametric")
    E, A, B, alpha, beta = (float(fit[name]) for name in ("E", "A", "B", "alpha", "beta"))
    return ChinchillaLaw(E=E, A=A, B=B, alpha=alpha, beta=beta)


def fitted_optimum(view: View, flops: Array) -> tuple[Array, Array]:
    """(N, D) of least loss under the parametric fit, at the cost of a token that it was made with (else 6 N)."""
    return fitted_law(view).optimum(flops, token_cost(view))


def token_cost(view: View) -> ComputeCost:
    """FLOPs per token against N of the fit's runs; 6 N where the fit does not say."""
    known = section(view, "fit").get("cost")
    return ComputeCost.from_json(known) if known else SIX_N


def vertex_markers(view: View, quantity: Quantity) -> tuple[Marker, ...]:
    """The vertices of the budgets that approach 2 uses, in N or in D."""
    found = []
    for entry in approach(view, "isoflop").get("budgets") or ():
        if entry.get("kept", True) and entry.get(quantity):
            low, high = pair(entry.get(f"{quantity}_interval")) or (None, None)
            found.append(
                Marker(label="isoFLOP vertex", flops=entry["flops"], value=entry[quantity], low=low, high=high)
            )
    return tuple(found)


def _forecast(view: View, quantity: Quantity) -> ScalingLine | None:
    known = [(point, pair(point.get(f"{quantity}_interval"))) for point in view.get("size_band") or ()]
    points = [(point, limits) for point, limits in known if point.get("flops") and point.get(quantity) and limits]
    if not points:
        return None
    return scaling_line(
        "forecast",
        "forecast with its interval",
        [point["flops"] for point, _ in points],
        [point[quantity] for point, _ in points],
        [low for _, (low, _) in points],
        [high for _, (_, high) in points],
    )


def _held_out(view: View, quantity: Quantity) -> HeldOut | None:
    """Where D is wanted, what the budget pays for at each N."""
    tested = backtest_of(view)
    if not tested:
        return None
    flops, cost = float(tested["held_out_budget_flops"]), token_cost(view)

    def marker(label: str, value: float, low: float, high: float) -> Marker:
        if quantity == "tokens":
            value, high, low = (float(flops / cost.flops_per_token(N)) for N in (value, low, high))
        return Marker(label=label, flops=flops, value=value, low=low, high=high)

    actual = float(tested["actual"])
    factor = math.exp(_deviations(tested.get("level") or LEVEL) * (tested.get("actual_se") or 0.0))
    return HeldOut(
        forecast=marker("forecast without this budget", tested["predicted"], *tested["interval"]),
        vertex=marker("vertex held out", actual, actual / factor, actual * factor),
    )


def _deviations(level: float) -> float:
    """Standard deviations on either side of a normal distribution's mean that hold `level` of it."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _plan_marker(plan: Mapping[str, Any], quantity: Quantity) -> Marker:
    low, high = pair(plan.get(f"{quantity}_interval")) or (None, None)
    return Marker(label="plan", flops=plan["flops"], value=plan[quantity], low=low, high=high)


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


def _forecast_traces(forecast: ScalingLine) -> list[dict[str, Any]]:
    """The band, its limits, and the line of the forecast."""
    limits = [line(forecast.flops, edge, INK, width=0.8, dash="dot") for edge in (forecast.low, forecast.high) if edge]
    shade = [band(forecast.flops, forecast.low, forecast.high, transparent(INK, 0.1))] if limits else []
    rows = zip(forecast.flops, forecast.values, strict=True)
    texts = [f"{forecast.label}<br>{format_flops(c)} FLOPs: {format_quantity(v)}" for c, v in rows]
    return [*shade, *limits, line(forecast.flops, forecast.values, INK, width=1.8, hoverinfo="text", text=texts)]


def scaling_panel(view: View) -> Panel | Absent:
    """N_opt and D_opt against C by three approaches."""
    n, d = scaling(view, "params"), scaling(view, "tokens")
    if isinstance(n, Absent) or isinstance(d, Absent):
        return (
            n
            if isinstance(n, Absent)
            else Absent(sentence="N_opt and D_opt against compute: no approach gave a fit here.")
        )
    words, whose = conventions(view), "These runs" if is_fit(view) else "This study"
    own = "their" if is_fit(view) else "its"
    grid = estimator_grid(forecast_size(view))
    tables: tuple[Table, ...] = ()
    bend = ""
    if grid is not None:
        tables = (Table(columns=grid.columns, rows=grid.rows, words=(0, 5), heading=grid.heading),)
        bend = f"{grid.note} ".lstrip()
    return Panel(
        name="scaling",
        short="Optimum",
        title="The optimum against compute",
        lead="Parameters and tokens of the compute-optimal model by three approaches and as a plan takes them, beside "
        "the published laws.",
        drawings=(draw_scaling(n), draw_scaling(d)),
        columns=2,
        tables=tables,
        caption=f"{bend}{whose}: N {words['params']}, C {words['flops']}, {own} own tokens. Published laws: all "
        "parameters, C = 6ND, subword tokens, and runs of 1e18 FLOPs and more, carried on to here; compare slopes, not "
        "levels.",
        sources=tuple(f"{law.label}: {law.source}" for law in n.published),
    )
