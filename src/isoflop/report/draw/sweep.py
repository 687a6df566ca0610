"""Training curves, isoFLOP curves and the learning-rate check, drawn."""

from __future__ import annotations

from isoflop.report.draw.drawing import (
    Drawing,
    LegendEntry,
    flops_axis,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    room,
    spread,
    whiskers,
)
from isoflop.report.figures.profiles import Profile, loss_range
from isoflop.report.figures.training import RateCheck, TrainingCurves
from isoflop.report.style import INK, MUTED, ramp, ramp_log
from isoflop.report.wording import loss_text
from isoflop.units import format_flops, format_quantity


def draw_training(values: TrainingCurves, loss_unit: str, loss_words: str = "training loss") -> Drawing:
    """Loss against FLOPs, a line a run coloured by size, and the envelope on top."""
    sizes = [curve.params for curve in values.curves]
    low, high = min(sizes), max(sizes)
    data = [
        line(
            curve.flops, curve.loss, ramp_log(curve.params, low, high), width=1.3, opacity=0.75, hoverinfo="text",
            text=[f"N = {format_quantity(curve.params)}<br>{format_flops(c)} FLOPs, loss {loss_text(x)}"
                  for c, x in zip(curve.flops, curve.loss, strict=True)],
        )
        for curve in values.curves
    ]  # fmt: skip
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
            LegendEntry(label="envelope: least loss reached by any run", colour=INK, kind="dot"),
        ),
        height=440,
    )


def draw_profiles(
    values: tuple[Profile, ...], loss_unit: str, params_words: str, loss_words: str = "validation loss"
) -> Drawing:
    """Loss against N, a colour a budget: points, parabola, vertex with its interval."""
    low, high = values[0].budget_flops, values[-1].budget_flops
    data, legend = [], []
    for one in values:
        colour = ramp_log(one.budget_flops, low, high)
        used = one.kept is not False
        data.append(line(one.parabola_params, one.parabola_loss, colour, width=1.6, dash="solid" if used else "dot"))
        hover = [
            f"{format_flops(one.budget_flops)} FLOPs<br>N = {format_quantity(n)}, D = {format_quantity(d)}"
            f"<br>loss {loss_text(x)}"
            for n, d, x in zip(one.params, one.tokens, one.loss, strict=True)
        ]
        symbols = ["circle" if used and near else "circle-open" for near in one.inside]
        outlines = ["white" if used and near else colour for near in one.inside]
        data.append(points(one.params, one.loss, colour, hover, symbol=symbols, outline=outlines))
        legend.append(
            LegendEntry(
                label=f"{format_flops(one.budget_flops)} FLOPs" + ("" if used else " (left out)"),
                colour=colour,
                kind="point" if used else "open",
            )
        )
    kept = [one for one in values if one.vertex_params and one.vertex_loss and one.kept is not False]
    if kept:
        data.append(_vertices(kept))
        legend.append(LegendEntry(label="vertex and its interval in N", colour=INK, kind="diamond"))
    if any(one.kept is not False and not all(one.inside) for one in values):
        legend.append(LegendEntry(label="far from the vertex: not used", colour=MUTED, kind="open"))
    return Drawing(
        name="isoflop-curves",
        describes="Loss against parameters at each compute budget, with parabolas and their vertices",
        data=data,
        layout=layout(
            log_axis(f"parameters N ({params_words})", *spread([n for one in values for n in one.params], 1.15)),
            linear_axis(f"{loss_words} ({loss_unit})", range=room(loss_range(values))),
        ),
        legend=tuple(legend),
        height=540,
        narrow_height=400,
    )


def _vertices(kept: list[Profile]) -> dict[str, object]:
    at = [one.vertex_params or 0.0 for one in kept]
    limits = [one.vertex_interval or (None, None) for one in kept]
    texts = [
        f"vertex at {format_flops(one.budget_flops)} FLOPs<br>N = {format_quantity(one.vertex_params or 0)}"
        + (
            f" ({format_quantity(one.vertex_interval[0])} to {format_quantity(one.vertex_interval[1])})"
            if one.vertex_interval
            else ""
        )
        for one in kept
    ]
    bars = whiskers(at, [low for low, _ in limits], [high for _, high in limits], INK)
    return points(at, [one.vertex_loss or 0.0 for one in kept], INK, texts, size=10, symbol="diamond", error_x=bars)


def draw_rates(values: tuple[RateCheck, ...], loss_unit: str) -> Drawing:
    """Final loss against peak learning rate, a line a size, the chosen rate ringed."""
    low, high = values[0].params, values[-1].params
    data, legend = [], []
    for check in values:
        colour = ramp_log(check.params, low, high)
        hover = [
            f"N = {format_quantity(check.params)}<br>rate {r:.3g}, loss {loss_text(x)}"
            for r, x in zip(check.rates, check.losses, strict=True)
        ]
        data.append(line(check.rates, check.losses, colour, width=1.6))
        data.append(points(check.rates, check.losses, colour, hover))
        if check.chosen is not None and check.chosen_loss is not None:
            hover = [f"the recipe's rate {check.chosen:.3g}"]
            data.append(
                points(
                    [check.chosen], [check.chosen_loss], "rgba(0,0,0,0)", hover, size=15, outline=INK, outline_width=1.8
                )
            )
        words = {True: "", False: ": best at the edge", None: ""}[check.interior]
        legend.append(LegendEntry(label=f"N = {format_quantity(check.params)}{words}", colour=colour, kind="point"))
    legend.append(LegendEntry(label="chosen by the recipe", colour=INK, kind="open"))
    return Drawing(
        name="learning-rate-check",
        describes="Loss against peak learning rate at several sizes",
        data=data,
        layout=layout(
            log_axis(
                "peak learning rate (hidden matrices)",
                *spread([r for check in values for r in check.rates], 1.25),
                how=lambda rate: f"{rate:.2g}",
            ),
            linear_axis(f"validation loss ({loss_unit})", range=room([x for check in values for x in check.losses])),
        ),
        legend=tuple(legend),
        height=380,
    )
