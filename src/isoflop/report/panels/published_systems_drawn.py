"""Systems over frontiers, their gaps, the rules for one budget, serving, and counts, drawn."""

from __future__ import annotations

from isoflop.paper.rules import Lifetime
from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    PlotlyObject,
    band,
    flops_axis,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    spread,
    whiskers,
)
from isoflop.report.formatting import loss_text, percent
from isoflop.report.panels.published_systems import CountErrors, JudgedBy, RuleSizes, SystemsMap
from isoflop.report.panels.scaling_lines import LAW_STROKES, Quantity, label_at
from isoflop.report.style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, VERMILLION, transparent
from isoflop.units import format_flops, format_number, format_quantity

# Where each label stands, in pixels from its point (wide, narrow), for N and for D.
_SHIFTS: dict[str, dict[Quantity, tuple[tuple[int, int], tuple[int, int]]]] = {
    "LaMDA 137B": {"params": ((-50, -14), (-34, -16)), "tokens": ((-40, 26), (-30, 26))},
    "GPT-3 175B": {"params": ((-56, -34), (-40, -44)), "tokens": ((-60, -14), (-44, -20))},
    "Gopher 280B": {"params": ((-60, -40), (-36, -64)), "tokens": ((10, -40), (2, -50))},
    "MT-NLG 530B": {"params": ((-40, -42), (-22, -62)), "tokens": ((52, 20), (34, 30))},
    "Chinchilla 70B": {"params": ((40, 40), (30, 56)), "tokens": ((-56, -40), (-44, -44))},
    "PaLM 540B": {"params": ((14, -40), (26, -34)), "tokens": ((50, 26), (36, 26))},
    "140B on 3T": {"params": ((54, 20), (40, 26)), "tokens": ((-30, -44), (-14, -44))},
    "Llama 2 7B": {"params": ((40, 20), (34, 20)), "tokens": ((-10, -34), (14, -54))},
    "Llama 3 405B": {"params": ((-10, 44), (-20, 44)), "tokens": ((-20, 40), (-22, 44))},
}

_TITLES = {"params": "parameters N", "tokens": "training tokens D"}

_LAW_COLOURS = {"hoffmann2022-3-rounded": ORANGE, "hoffmann2022-3": VERMILLION, "besiroglu2024": PURPLE}

_SIX_N = "6ND"

_TICKS = (60e9, 100e9, 200e9)  # few: next to the rules' names a phone leaves the axis a hundred pixels

_SIZE_TICKS: PlotlyObject = {
    "tickvals": list(_TICKS),
    "ticktext": [format_quantity(tick) for tick in _TICKS],
    "tickangle": 0,
}


def draw_map(values: SystemsMap, quantity: Quantity) -> Drawing:
    """N or D against C: frontiers, systems, and on each frontier what it would have built instead."""
    lines = values.params_lines if quantity == "params" else values.tokens_lines
    data: list[PlotlyObject] = []
    legend = []
    for law in lines:
        colour, dash = LAW_STROKES[law.name]
        data.append(line(law.flops, law.values, colour, dash=dash, width=1.5))
        legend.append(LegendEntry(label=law.label, colour=colour, kind=dash))
    for one in values.placed:
        # From the system to the furthest frontier: one stroke a system.
        ends = [getattr(one.system, quantity), *(getattr(best, quantity) for best in one.instead)]
        data.append(line([one.system.flops] * 2, [min(ends), max(ends)], transparent(BLUE, 0.35), width=1))
    for number, law in enumerate(lines):
        best = [one.instead[number] for one in values.placed]
        hover = [
            f"{law.label} instead of {one.system.label}<br>{format_quantity(at.params)} on {format_quantity(at.tokens)}"
            for one, at in zip(values.placed, best, strict=True)
        ]
        flops, heights = [one.system.flops for one in values.placed], [getattr(at, quantity) for at in best]
        colour = LAW_STROKES[law.name][0]
        data.append(points(flops, heights, "white", hover, size=6, outline=colour, outline_width=1.4))
    built = [one.system for one in values.placed]
    hover = [
        f"{one.label}: {format_quantity(one.params)} on {format_quantity(one.tokens)}<br>{format_flops(one.flops)} "
        "FLOPs"
        for one in built
    ]
    heights = [getattr(one, quantity) for one in built]
    data.append(points([one.flops for one in built], heights, BLUE, hover, size=10))
    legend += [
        LegendEntry(label=f"systems at their {_SIX_N}", colour=BLUE, kind="point"),
        LegendEntry(label="what a law would have built", colour=MUTED, kind="open"),
    ]
    labels = [(_label(one.label), one.flops, getattr(one, quantity), _SHIFTS[one.label][quantity])
              for one in built if one.label in _SHIFTS]  # fmt: skip
    everything = [*heights, *(value for law in lines for value in law.values)]
    wide, narrow = ([label_at(text, flops, height, shift[k]) for text, flops, height, shift in labels] for k in (0, 1))
    return Drawing(
        name=f"map-{quantity}",
        describes=f"{_TITLES[quantity]} of published systems against compute, over the frontiers of published laws",
        data=data,
        layout=layout(
            flops_axis(*values.flops_range),
            log_axis(_TITLES[quantity], *spread(everything, 1.6)),
            annotations=wide,
        ),
        narrow={"annotations": narrow},
        legend=tuple(legend),
        height=520,
        narrow_height=460,
    )


def _label(system: str) -> str:
    # Of one size, text and compute: one label for both.
    return "GPT-3, Jurassic-1" if system == "GPT-3 175B" else system


def draw_judged(values: tuple[JudgedBy, ...], what: str) -> Drawing:
    """`gap` or `share` of every system, a colour a law."""
    titles = {
        "gap": "gap to the best (nats a token)",
        "share": "an optimal run's share of C (%)",
    }
    factor = 100.0 if what == "share" else 1.0
    data, legend = [], []
    for one in values:
        numbers = [factor * value for value in getattr(one, what)]
        colour = _LAW_COLOURS[one.law]
        hover = [
            f"{system}, {one.label}<br>loss {loss_text(loss)}, {format_number(gap, 4)} above the least, optimal run: "
            f"{100 * share:.1f} %"
            for system, loss, gap, share in zip(one.systems, one.loss, one.gap, one.share, strict=True)
        ]
        data.append(points(numbers, list(one.systems), transparent(colour, 0.85), hover, size=9))
        legend.append(LegendEntry(label=one.label, colour=colour, kind="point"))
    most = max(factor * value for one in values for value in getattr(one, what))
    return Drawing(
        name=f"systems-{what}",
        describes=f"{titles[what]} of every system under three laws",
        data=data,
        layout=layout(
            linear_axis(titles[what], range=[-0.03 * most, 100.0 * 1.03 if what == "share" else 1.06 * most]),
            _categories(list(values[0].systems)),
        ),
        legend=tuple(legend),
        height=400,
        narrow_height=400,
    )


def _categories(names: list[str]) -> PlotlyObject:
    """An axis of names, the first at the top, with a line of its own each."""
    return {
        **linear_axis(""), "type": "category", "categoryorder": "array", "categoryarray": list(reversed(names)),
        "range": [-0.6, len(names) - 0.4], "tickvals": list(names), "ticklen": 0,
    }  # fmt: skip


def draw_rules(values: RuleSizes) -> Drawing:
    """Best N at PaLM's compute by every rule, and 140B."""
    names, sizes = [one.label for one in values.rules], [one.params for one in values.rules]
    hover = [f"{one.label}<br>{format_quantity(one.params)} on {format_quantity(one.tokens)}" for one in values.rules]
    low, high = spread([*sizes, values.proposed, *(values.refit[1] if values.refit else ())], 1.25)
    data = []
    legend = [LegendEntry(label="a rule", colour=BLUE, kind="point")]
    if values.refit is not None:
        size, interval = values.refit
        names = [*names, "our refit of Figure 4"]
        bars = whiskers([size], [interval[0]], [interval[1]], GREEN)
        text = (
            f"our refit<br>{format_quantity(size)} ({format_quantity(interval[0])} to {format_quantity(interval[1])})"
        )
        data.append(points([size], [names[-1]], GREEN, [text], size=10, symbol="diamond", error_x=bars))
        legend.append(LegendEntry(label="our refit, 90 % interval", colour=GREEN, kind="diamond"))
    data.insert(0, points(sizes, names[: len(sizes)], BLUE, hover, size=10))
    data.insert(0, line([values.proposed] * 2, [names[0], names[-1]], INK, width=1.2, dash="dash"))
    legend.append(LegendEntry(label="140B", colour=INK, kind="dash"))
    return Drawing(
        name="rules-sizes",
        describes="Parameters that each rule would train with PaLM's compute, next to 140B",
        data=data,
        layout=layout(log_axis("best N (parameters)", low, high, **_SIZE_TICKS), _categories(names)),
        legend=tuple(legend),
        height=400,
        narrow_height=400,
    )


def draw_serving(values: tuple[Lifetime, ...]) -> Drawing:
    """Training and serving together against the tokens served."""
    shown = [one for one in values if one.served]
    served = [one.served for one in shown]
    curves = (
        ("PaLM 540B", [one.built for one in shown], VERMILLION),
        ("140B on 3T, of lower loss", [one.proposed for one in shown], BLUE),
        ("least for PaLM's predicted loss", [one.least.flops for one in shown], PURPLE),
    )
    data = []
    for label, totals, colour in curves:
        hover = [
            f"{label}<br>{format_quantity(at)} tokens served: {format_flops(total)} FLOPs"
            for at, total in zip(served, totals, strict=True)
        ]
        data += [line(served, totals, colour), points(served, totals, colour, hover, size=8)]
    totals = [total for _, numbers, _ in curves for total in numbers]
    return Drawing(
        name="serving",
        describes="FLOPs of training and serving PaLM, 140B on 3T and the cheapest model of PaLM's loss",
        data=data,
        layout=layout(
            log_axis("tokens served", *spread(served, 1.4)),
            log_axis("FLOPs of training and serving", *spread(totals, 1.6), format_flops),
        ),
        legend=tuple(LegendEntry(label=label, colour=colour) for label, _, colour in curves),
        height=400,
        narrow_height=320,
    )


def draw_counts(values: CountErrors) -> Drawing:
    """Counted over printed parameters of every shape, in the band that rounding explains."""
    hover = [
        f"{name}<br>{percent(error, 3)}, rounding up to {100 * half:.3f} %"
        for name, error, half in zip(values.names, values.error, values.rounding, strict=True)
    ]
    most = 100 * max(values.rounding)
    low, high = spread(values.params, 1.3)
    half = [100 * one for one in values.rounding]
    return Drawing(
        name="counts",
        describes="Counted over printed parameters of the fifty shapes of Table A9",
        data=[
            band(values.params, [-one for one in half], half, transparent(BLUE, 0.13)),
            line([low, high], [0, 0], MUTED, width=1),
            points(values.params, [100 * error for error in values.error], BLUE, hover, size=7),
        ],
        layout=layout(
            log_axis("printed parameters", low, high),
            linear_axis("counted over printed − 1 (%)", range=[-1.1 * most, 1.1 * most]),
        ),
        legend=(
            LegendEntry(label="a shape of Table A9", colour=BLUE, kind="point"),
            LegendEntry(label="rounding to the printed million", colour=transparent(BLUE, 0.3), kind="square"),
        ),
        height=300,
        narrow_height=270,
    )
