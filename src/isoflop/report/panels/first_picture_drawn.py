"""How the picture of the first screen is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    PlotlyObject,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    spread,
    whiskers,
)
from isoflop.report.formatting import interval_text, loss_text, with_interval
from isoflop.report.label_places import Label, Plane, placed
from isoflop.report.panels.first_picture_values import FirstPicture, NextLoss
from isoflop.report.panels.isoflop_curves import Profile, loss_range
from isoflop.report.record import Conventions
from isoflop.report.style import INK, LARGER_COLOUR, MUTED, ramp_log
from isoflop.units import format_flops, format_number, format_quantity

_HEIGHT, _NARROW_HEIGHT = 470, 430
_WIDE_PLANE, _NARROW_PLANE = (560.0, _HEIGHT - 64.0), (285.0, _NARROW_HEIGHT - 56.0)
"""(width, height) in pixels that labels are set for: the least plane of each layout."""
_ROOM_FOR_LABELS = 1.5
"""Factor of N right of the largest size, where the budgets are written."""
_ROOM_ABOVE, _ROOM_BELOW = 0.05, 0.22
"""Shares of the span of losses; the forecast is written in words below its interval."""


def draw_first_picture(values: FirstPicture, words: Conventions, loss_words: str) -> Drawing:
    """Loss against N: a profile a budget, the path of the optima, the forecast at the next budget, and what came."""
    data: list[PlotlyObject] = []
    x_range, y_range = _ranges(values)
    if values.valley_params:
        data.append(line(values.valley_params, values.valley_loss, MUTED, width=1.6, dash="dash"))
    for one in values.profiles:
        data += _profile_traces(one, _colour(one, values.profiles))
    data.append(line(values.path_params, values.path_loss, INK, width=2, dash="dot"))
    vertices = [one for one in values.profiles if one.vertex_params and one.vertex_loss and one.kept is not False]
    data.append(_vertices(vertices))
    if values.next_loss is not None:
        data.append(_interval(values.next_loss))
    data += _final_runs(values)
    beside = _occupied(values)
    wide, narrow = (
        placed(
            _labels(values, y_range[1], short=short),
            Plane(x=x_range, y=y_range, width=width, height=height, type_size=size),
            beside=beside,
        )
        for short, (width, height), size in ((False, _WIDE_PLANE, 12.5), (True, _NARROW_PLANE, 11))
    )
    return Drawing(
        name="first-picture",
        describes=_described(values),
        data=data,
        layout=layout(
            log_axis(f"parameters N ({words.params})", *x_range),
            linear_axis(f"{loss_words} ({words.loss_unit})", range=list(y_range)),
            annotations=wide,
        ),
        narrow={"annotations": narrow},
        legend=_legend(values),
        height=_HEIGHT,
        narrow_height=_NARROW_HEIGHT,
    )


def _occupied(values: FirstPicture) -> list[tuple[float, float]]:
    """Points that no label may cover: of every curve, the path, the runs, and the interval."""
    found = [*zip(values.path_params, values.path_loss, strict=True)]
    found += zip(values.valley_params, values.valley_loss, strict=True)
    for one in values.profiles:
        found += zip(one.curve_params, one.curve_loss, strict=True)
        found += zip(one.params, one.loss, strict=True)
    for final in (values.planned, values.larger):
        found += [(final.params, final.loss)] if final else []
    if values.next_loss is not None:
        found += [(values.next_loss.params, loss) for loss in values.next_loss.interval or (values.next_loss.loss,)]
    return found


def _ranges(values: FirstPicture) -> tuple[tuple[float, float], tuple[float, float]]:
    """What is drawn of N and of the loss: all that happened, and room for the labels."""
    sizes = [n for one in values.profiles for n in one.params] + list(values.valley_params)
    low, high = loss_range(values.profiles)
    losses = [low, high, *values.path_loss]
    for one in (values.planned, values.larger):
        if one is not None:
            sizes.append(one.params)
            losses.append(one.loss)
    if values.next_loss is not None:
        sizes.append(values.next_loss.params)
        losses += [values.next_loss.loss, *(values.next_loss.interval or ())]
    left, right = spread(sizes, 1.12)
    by = (max(losses) - min(losses)) or 0.5
    below = _ROOM_BELOW if values.next_loss is not None else _ROOM_ABOVE
    return (left, right * _ROOM_FOR_LABELS), (min(losses) - below * by, max(losses) + _ROOM_ABOVE * by)


def _colour(one: Profile, drawn: Sequence[Profile]) -> str:
    return ramp_log(one.budget_flops, drawn[0].budget_flops, drawn[-1].budget_flops)


def _profile_traces(one: Profile, colour: str) -> list[PlotlyObject]:
    """The curve and the runs of a budget; those that the fit does not take are hollow."""
    used = one.kept is not False
    taken = [used and near for near in one.inside]
    hover = [
        f"{format_flops(one.budget_flops)} FLOPs<br>N = {format_quantity(n)}, D = {format_quantity(d)}"
        f"<br>loss {loss_text(x)}"
        for n, d, x in zip(one.params, one.tokens, one.loss, strict=True)
    ]
    return [
        line(one.curve_params, one.curve_loss, colour, width=2, dash="solid" if used else "dot"),
        points(
            one.params,
            one.loss,
            colour,
            hover,
            size=7,
            symbol=["circle" if inside else "circle-open" for inside in taken],
            outline=["white" if inside else colour for inside in taken],
        ),
    ]


def _vertices(drawn: Sequence[Profile]) -> PlotlyObject:
    """The best size of each budget with its interval in N."""
    at = [one.vertex_params or 0.0 for one in drawn]
    limits = [one.vertex_interval or (None, None) for one in drawn]
    bars = whiskers(at, [low for low, _ in limits], [high for _, high in limits], INK)
    texts = [
        f"best size at {format_flops(one.budget_flops)} FLOPs<br>"
        f"N = {with_interval(one.vertex_params, one.vertex_interval)}"
        for one in drawn
    ]
    return points(at, [one.vertex_loss or 0.0 for one in drawn], INK, texts, size=9, symbol="diamond", error_x=bars)


def _interval(ahead: NextLoss) -> PlotlyObject:
    """The forecast with its intervals in loss and in N."""
    low, high = ahead.interval or (None, None)
    least, most = ahead.params_interval or (None, None)
    text = (
        f"forecast at {format_flops(ahead.flops)} FLOPs<br>N = {with_interval(ahead.params, ahead.params_interval)}"
        f"<br>loss {with_interval(ahead.loss, ahead.interval, loss_text)}"
    )
    bars = {**whiskers([ahead.loss], [low], [high], INK), "thickness": 3, "width": 11}
    across = whiskers([ahead.params], [least], [most], INK)
    return points(
        [ahead.params], [ahead.loss], INK, [text], size=11, symbol="line-ew", outline=INK, outline_width=2.5,
        error_y=bars, error_x=across,
    )  # fmt: skip


def _final_runs(values: FirstPicture) -> list[PlotlyObject]:
    """The star of the planned run, and the square of the larger model."""
    drawn = []
    if values.larger is not None:
        one = values.larger
        text = f"larger model, same compute<br>N = {format_quantity(one.params)}<br>loss {loss_text(one.loss)}"
        drawn.append(points([one.params], [one.loss], LARGER_COLOUR, [text], size=13, symbol="square"))
    if values.planned is not None:
        one = values.planned
        text = f"planned run<br>N = {format_quantity(one.params)}<br>loss {loss_text(one.loss)}"
        drawn.append(points([one.params], [one.loss], INK, [text], size=15, symbol="star"))
    return drawn


def _labels(values: FirstPicture, top: float, *, short: bool) -> list[Label]:
    """What is written in the picture, the most important first; `top` is the largest loss that is drawn."""
    labels = []
    ahead, planned, larger = values.next_loss, values.planned, values.larger
    if ahead is not None:
        labels.append(
            Label(text=_forecast_words(values, ahead), at=(ahead.params, ahead.loss), sides=("left", "below"))
        )
    if planned is not None and larger is not None:
        text = f"{larger.params / planned.params:.1f} times as large,<br>same compute: {loss_text(larger.loss)}"
        labels.append(Label(text=text, at=(larger.params, larger.loss), sides=("below", "above", "left")))
    unit = "" if short else " FLOPs"
    for one in reversed(values.profiles):
        end = _end(one, top)
        words = f"{format_flops(one.budget_flops)}{unit}" + (" (left out)" if one.kept is False and not short else "")
        labels.append(
            Label(text=words, at=end, sides=("right", "above"), colour=_colour(one, values.profiles), bold=True)
        )
    if values.valley_params and ahead is not None:
        end = next(
            (
                at
                for at in zip(reversed(values.valley_params), reversed(values.valley_loss), strict=True)
                if at[1] < top
            ),
            (ahead.params, ahead.loss),
        )
        words = format_flops(ahead.flops) + ("" if short else " FLOPs, forecast")
        labels.append(Label(text=words, at=end, sides=("right", "above", "below"), colour=MUTED, bold=True))
    return labels


def _forecast_words(values: FirstPicture, ahead: NextLoss) -> str:
    """The forecast, and below it what came."""
    what = "sealed forecast" if ahead.sealed else "forecast"
    lines = [f"{what} {loss_text(ahead.loss)}"]
    if ahead.interval is not None:
        level = f"{format_number(100 * ahead.level, 6)} %: " if ahead.level else ""
        lines.append(f"{level}{interval_text(ahead.interval, loss_text)}")
    if values.planned is not None:
        lines.append(f"<b>came {loss_text(values.planned.loss)}</b>")
    return "<br>".join(lines)


def _end(one: Profile, top: float) -> tuple[float, float]:
    """The right end of a profile within the drawn losses: of its curve, or where it has none of its runs."""
    pairs = list(zip(one.curve_params, one.curve_loss, strict=True)) or list(zip(one.params, one.loss, strict=True))
    return next((pair for pair in reversed(pairs) if pair[1] <= top), pairs[-1])


def _legend(values: FirstPicture) -> tuple[LegendEntry, ...]:
    entries = []
    if any(one.vertex_params for one in values.profiles):
        entries.append(LegendEntry(label="best size, with interval", colour=INK, kind="diamond"))
    if values.path_params:
        entries.append(LegendEntry(label="path of the optima", colour=INK, kind="dot"))
    if values.valley_params and values.next_loss is not None:
        entries.append(
            LegendEntry(label=f"forecast at {format_flops(values.next_loss.flops)} FLOPs", colour=MUTED, kind="dash")
        )
    if values.planned is not None:
        entries.append(LegendEntry(label="planned run", colour=INK, kind="star"))
    if values.larger is not None:
        entries.append(LegendEntry(label="larger model, same compute", colour=LARGER_COLOUR, kind="square"))
    return tuple(entries)


def _described(values: FirstPicture) -> str:
    """What is drawn, with its numbers, for a reader who does not see it."""
    first, last = values.profiles[0].budget_flops, values.profiles[-1].budget_flops
    text = (
        f"Loss against parameters at {len(values.profiles)} compute budgets from {format_flops(first)} to "
        f"{format_flops(last)} FLOPs, with the best size of each"
    )
    if values.next_loss is not None:
        ahead = values.next_loss
        text += (
            f"; at {format_flops(ahead.flops)} FLOPs the forecast loss is "
            f"{with_interval(ahead.loss, ahead.interval, loss_text)} at {format_quantity(ahead.params)} parameters"
        )
    if values.planned is not None:
        text += f"; the planned run came to {loss_text(values.planned.loss)}"
    if values.larger is not None:
        text += f", the larger model to {loss_text(values.larger.loss)}"
    return text + "."
