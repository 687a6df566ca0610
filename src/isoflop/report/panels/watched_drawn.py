"""The drawings of the planned run under way."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.report.drawing import (
    Drawing,
    Kind,
    LegendEntry,
    PlotlyObject,
    band,
    layout,
    line,
    linear_axis,
    points,
    room,
)
from isoflop.report.formatting import interval_text, loss_text, share_text
from isoflop.report.panels.watched_values import FinalSeen, WatchedRun
from isoflop.report.style import (
    FORECAST_COLOUR,
    GREEN,
    INK,
    ORANGE,
    PLANNED_COLOUR,
    PURPLE,
    SKY,
    VERMILLION,
    transparent,
)
from isoflop.units import format_quantity

_MARKS: tuple[tuple[bool, str, str, Kind, str], ...] = (
    (False, GREEN, "circle", "point", "on course"),
    (True, VERMILLION, "diamond", "diamond", "off course"),
)
"""(whether off course, colour, symbol, kind in the legend, words) of a verdict's mark."""
_METHOD_COLOURS = (VERMILLION, GREEN, PURPLE, ORANGE)
_PALE = 0.22


def draw_course(values: WatchedRun, loss_unit: str) -> Drawing:
    """Loss against the share of the tokens: the band, the run, and a mark where each verdict was first given."""
    data: list[PlotlyObject] = []
    legend: list[LegendEntry] = []
    if values.band:
        at = [100 * place.share for place in values.band]
        lows, highs = [place.low for place in values.band], [place.high for place in values.band]
        data.append(band(at, lows, highs, transparent(FORECAST_COLOUR, _PALE)))
        expected = [place.expected for place in values.band]
        data.append(line(at, expected, FORECAST_COLOUR, width=1.5, dash="dash"))
        sealed = "sealed band" if values.sealed else "band"
        legend.append(LegendEntry(label=f"{sealed}, {share_text(values.level)}", colour=FORECAST_COLOUR, kind="dash"))
    shares = [round(100 * share, 2) for share in values.shares]
    data.append(line(shares, [round(x, 4) for x in values.logged], transparent(PLANNED_COLOUR, 0.16), width=1))
    data.append(
        line(
            shares,
            [round(x, 4) for x in values.loss],
            PLANNED_COLOUR,
            text=[_hover_loss(values, share, x) for share, x in zip(values.shares, values.loss, strict=True)],
            hoverinfo="text",
        )
    )
    legend.append(LegendEntry(label="the run", colour=PLANNED_COLOUR))
    for off, colour, symbol, kind, words in _MARKS:
        places = [place for place in values.verdicts if place.off_course == off]
        if places:
            texts = [f"{place.words}<br>at {done_text(place.share)}, loss {loss_text(place.loss)}" for place in places]
            at, losses = [100 * place.share for place in places], [place.loss for place in places]
            data.append(points(at, losses, colour, texts, size=11, symbol=symbol))
            legend.append(LegendEntry(label=f"verdict from here on: {words}", colour=colour, kind=kind))
    seen = [*values.loss, *(limit for place in values.band for limit in (place.low, place.high))]
    return Drawing(
        name="watch-course",
        describes="Training loss of the planned run against the share of its tokens, with the band and each verdict",
        data=data,
        layout=_along_the_run(f"training loss ({loss_unit})", seen),
        legend=tuple(legend),
        height=400,
    )


def done_text(share: float) -> str:
    """A share of the training tokens, in whole per cent.

    >>> done_text(0.1398)
    '14 %'
    """
    return f"{100 * share:.0f} %"


def _hover_loss(values: WatchedRun, share: float, loss: float) -> str:
    return f"{done_text(share)}, {format_quantity(share * values.total_tokens)} tokens<br>loss {loss_text(loss)}"


def draw_final(values: WatchedRun, loss_unit: str) -> Drawing:
    """The predicted final loss against the share at which it was predicted, by method and together."""
    data: list[PlotlyObject] = []
    legend: list[LegendEntry] = []
    seen: list[float] = []
    if values.forecast is not None:
        if values.forecast_interval is not None:
            low, high = values.forecast_interval
            data.append(band([0, 102], [low, low], [high, high], transparent(FORECAST_COLOUR, _PALE)))
            seen += [low, high]
        data.append(line([0, 102], [values.forecast] * 2, FORECAST_COLOUR, width=1.5, dash="dash"))
        legend.append(LegendEntry(label="sealed forecast", colour=FORECAST_COLOUR, kind="dash"))
    together = values.together
    at = [100 * one.share for one in together]
    lows, highs = [one.interval[0] for one in together], [one.interval[1] for one in together]
    data.append(band(at, lows, highs, transparent(INK, 0.12)))
    for number, (name, looks) in enumerate(values.methods):
        colour = _METHOD_COLOURS[number % len(_METHOD_COLOURS)]
        words = method_words(name)
        data.append(_line_of(looks, colour, words, width=1.3))
        legend.append(LegendEntry(label=words, colour=colour))
        seen += _predicted(looks)
    data.append(_line_of(together, PLANNED_COLOUR, "together", width=2.4))
    label = "all methods together" if values.methods else "predicted final loss"
    legend.append(LegendEntry(label=f"{label}, {share_text(values.level)} interval", colour=PLANNED_COLOUR))
    seen += [*lows[len(lows) // 5 :], *highs[len(highs) // 5 :], *_predicted(together)]
    if values.actual is not None:
        text = f"final loss {loss_text(values.actual)}"
        data.append(points([100], [values.actual], SKY, [text], size=14, symbol="star", outline=INK))
        legend.append(LegendEntry(label="outcome", colour=SKY, kind="star"))
        seen.append(values.actual)
    return Drawing(
        name="watch-final",
        describes="Predicted final loss against the share of the tokens at which it was predicted, by method",
        data=data,
        layout=_along_the_run(f"final validation loss ({loss_unit})", seen),
        legend=tuple(legend),
        height=400,
    )


def _along_the_run(title: str, losses: Sequence[float]) -> PlotlyObject:
    share = linear_axis("share of the training tokens (%)", range=[0, 102])
    return layout(share, linear_axis(title, range=room(losses, 0.06)))


def method_words(name: str) -> str:
    """The name of a method in words.

    >>> method_words("multi_power")
    'multi power law'
    """
    words = name.replace("_", " ")
    return words if name == "ratio" else f"{words} law"


def _line_of(looks: Sequence[FinalSeen], colour: str, words: str, width: float) -> PlotlyObject:
    texts = [
        f"{words}, at {done_text(one.share)}<br>{loss_text(one.predicted)} ({interval_text(one.interval, loss_text)})"
        for one in looks
    ]
    at = [100 * one.share for one in looks]
    return line(at, _predicted(looks), colour, width=width, text=texts, hoverinfo="text")


def _predicted(looks: Sequence[FinalSeen]) -> list[float]:
    return [one.predicted for one in looks]
