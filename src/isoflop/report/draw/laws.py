"""Optimum against compute, the zoomed-out plane, and the contour of L(N, D), drawn."""

from __future__ import annotations

import math
from typing import Any

from isoflop.report.draw.drawing import (
    Drawing,
    Kind,
    LegendEntry,
    band,
    flops_axis,
    layout,
    line,
    log_axis,
    points,
    spread,
    whiskers,
)
from isoflop.report.figures.published import ScalingLine
from isoflop.report.figures.scaling import Landscape, Marker, Scaling
from isoflop.report.figures.surface import Surface
from isoflop.report.style import APPROACH_COLOURS, BLUE, INK, MUTED, PURPLE, VERMILLION, ramp, transparent
from isoflop.report.wording import loss_text
from isoflop.units import format_flops, format_quantity

# Published laws are told apart by dash and grey: colour is for the study's own three approaches.
LAW_STROKES: dict[str, tuple[str, Kind]] = {
    "hoffmann2022-1": ("#3f4a53", "dash"),
    "hoffmann2022-2": ("#3f4a53", "dot"),
    "hoffmann2022-3": ("#8b959d", "dashdot"),
    "besiroglu2024": (PURPLE, "dash"),
}
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
        data.append(_markers(values.vertices, APPROACH_COLOURS["isoflop"], "diamond", 9))
        legend.append(LegendEntry(label="isoFLOP vertices", colour=APPROACH_COLOURS["isoflop"], kind="diamond"))
    if values.held_out:
        data.append(_markers((values.held_out.vertex,), APPROACH_COLOURS["isoflop"], "diamond-open", 15))
        data.append(_markers((values.held_out.forecast,), INK, "circle-open", 10, outline_width=2))
        legend.append(LegendEntry(label="the ringed vertex, forecast without its budget", colour=INK, kind="open"))
    if values.plan:
        data.append(_markers((values.plan,), INK, "star", 13))
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


def _markers(
    marks: tuple[Marker, ...], colour: str, symbol: str, size: int, *, outline_width: float = 1
) -> dict[str, Any]:
    values = [mark.value for mark in marks]
    texts = [
        f"{mark.label}<br>{format_flops(mark.flops)} FLOPs: {format_quantity(mark.value)}"
        + (f" ({format_quantity(mark.low)} to {format_quantity(mark.high)})" if mark.low and mark.high else "")
        for mark in marks
    ]
    bars = whiskers(values, [mark.low for mark in marks], [mark.high for mark in marks], colour)
    # An open symbol is drawn by its outline alone, which is white elsewhere.
    outline = colour if symbol.endswith("-open") else "white"
    flops = [mark.flops for mark in marks]
    stroke = {"outline": outline, "outline_width": outline_width}
    return points(flops, values, colour, texts, size=size, symbol=symbol, error_y=bars, **stroke)


# Where each label stands, in pixels from its point (wide, narrow): the five systems crowd into one decade of compute.
_LABEL_SHIFTS = {
    "Gopher 280B": ((-70, 6), (-64, 12)),
    "MT-NLG 530B": ((-80, -6), (-76, -6)),
    "PaLM 540B": ((-30, -34), (-50, -36)),
    "Chinchilla 70B": ((-6, 44), (-34, 64)),
    "140B on 3T": ((26, 26), (-14, 38)),
}


def draw_landscape(values: Landscape) -> Drawing:
    """N against C from the study's range to 1e25 FLOPs, published systems labelled where they stand."""
    data = [
        line(law.flops, law.values, LAW_STROKES[law.name][0], dash=LAW_STROKES[law.name][1], width=1.3)
        for law in values.published
    ]
    legend = [
        LegendEntry(label=law.label, colour=LAW_STROKES[law.name][0], kind=LAW_STROKES[law.name][1])
        for law in values.published
    ]
    if values.carried_on:
        on = values.carried_on
        data.insert(0, line(on.flops, on.values, transparent(VERMILLION, 0.45), width=1.5))
        legend.insert(0, LegendEntry(label=on.label, colour=transparent(VERMILLION, 0.45)))
    data.append(_markers(values.vertices, VERMILLION, "diamond", 8))
    data.append(_markers(values.systems, BLUE, "circle", 9))
    legend.insert(0, LegendEntry(label="vertices of this study", colour=VERMILLION, kind="diamond"))
    legend.append(LegendEntry(label="published systems, C = 6ND", colour=BLUE, kind="point"))
    low, high = values.flops_range
    heights = [mark.value for mark in (*values.vertices, *values.systems)]
    return Drawing(
        name="landscape",
        describes="Parameters against compute up to 1e25 FLOPs with Gopher, MT-NLG, Chinchilla, PaLM and 140B on 3T",
        data=data,
        layout=layout(
            flops_axis(low, high * 4),
            log_axis("parameters N", *spread(heights, 12)),
            annotations=[_label(mark, narrow=False) for mark in values.systems],
        ),
        narrow={"annotations": [_label(mark, narrow=True) for mark in values.systems]},
        legend=tuple(legend),
        height=480,
        narrow_height=420,
    )


def _label(mark: Marker, *, narrow: bool) -> dict[str, Any]:
    shift = _LABEL_SHIFTS.get(mark.label, ((-60, 0), (-60, 0)))[narrow]
    return label_at(mark.label, mark.flops, mark.value, shift)


def label_at(text: str, x: float, y: float, shift: tuple[int, int]) -> dict[str, Any]:
    """An annotation of the point (x, y) on two log axes, `shift` pixels from it."""
    return {
        "x": math.log10(x), "y": math.log10(y), "ax": shift[0], "ay": shift[1],
        "text": text, "showarrow": True, "arrowhead": 0, "arrowwidth": 0.8, "arrowcolor": MUTED, "standoff": 5,
        "font": {"size": 11, "color": INK}, "bgcolor": "rgba(255,255,255,0.75)", "borderpad": 1,
    }  # fmt: skip


def draw_surface(values: Surface, loss_unit: str, params_words: str) -> Drawing:
    """Contours of the fitted loss over (N, D) with the frontier, the runs and the plan."""
    ramp_stops = [[i / 6, ramp(i / 6)] for i in range(7)]
    losses = [x for row in values.loss for x in row]
    data: list[dict[str, Any]] = [
        {
            "type": "contour", "x": list(values.params), "y": list(values.tokens),
            "z": [list(row) for row in values.loss],
            "colorscale": ramp_stops, "showscale": False, "line": {"width": 1},
            "contours": {"coloring": "lines", "showlabels": True, "labelfont": {"size": 10, "color": INK}},
            "ncontours": 16, "hovertemplate": "N %{x:.3s}, D %{y:.3s}<br>fitted loss %{z:.4f}<extra></extra>",
            "zmin": min(losses), "zmax": min(losses) + 0.7 * (max(losses) - min(losses)),
        }
    ]  # fmt: skip
    data.append(line(values.frontier_params, values.frontier_tokens, APPROACH_COLOURS["parametric"], width=2.6))
    hover = [
        f"run: N = {format_quantity(n)}, D = {format_quantity(d)}<br>loss {loss_text(x)}"
        for n, d, x in zip(values.run_params, values.run_tokens, values.run_loss, strict=True)
    ]
    data.append(points(values.run_params, values.run_tokens, MUTED, hover, size=6))
    legend = [
        LegendEntry(
            label=f"fitted loss ({loss_unit}), low", colour=ramp(0), kind="ramp", colour_end=ramp(1), label_end="high"
        ),
        LegendEntry(label="compute-optimal frontier", colour=APPROACH_COLOURS["parametric"]),
        LegendEntry(label="runs", colour=MUTED, kind="point"),
    ]
    if values.plan:
        plan = values.plan
        data.append(
            points(
                [plan.flops],
                [plan.value],
                INK,
                [f"plan: N = {format_quantity(plan.flops)}, D = {format_quantity(plan.value)}"],
                size=14,
                symbol="star",
            )
        )
        legend.append(LegendEntry(label="plan", colour=INK, kind="star"))
    return Drawing(
        name="loss-surface",
        describes="Contour lines of the fitted loss over parameters and tokens with the frontier and the runs",
        data=data,
        layout=layout(
            log_axis(f"parameters N ({params_words})", values.params[0], values.params[-1]),
            log_axis("training tokens D", values.tokens[0], values.tokens[-1]),
        ),
        legend=tuple(legend),
        height=480,
        narrow_height=380,
    )
