"""How the picture of the first screen is drawn."""

from __future__ import annotations

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
from isoflop.report.formatting import interval_text, loss_text, share_text, with_interval
from isoflop.report.label_places import LEAST_NARROW, LEAST_WIDE, Label, Plane, placed
from isoflop.report.panels.first_picture_values import FirstPicture, NextLoss
from isoflop.report.panels.isoflop_curves import (
    ROOM_FOR_LABELS,
    budget_colour,
    budget_labels,
    loss_range,
    profile_traces,
    taken_places,
    vertex_trace,
)
from isoflop.report.record import Conventions
from isoflop.report.style import FORECAST_COLOUR, INK, LARGER_COLOUR, PLANNED_COLOUR
from isoflop.units import format_flops, format_quantity

_HEIGHT, _NARROW_HEIGHT = 470, 430
_ROOM_ABOVE, _ROOM_BELOW = 0.05, 0.22
"""Shares of the span of losses; the forecast is written in words below its interval."""


def draw_first_picture(values: FirstPicture, words: Conventions, loss_words: str) -> Drawing:
    """Loss against N: a profile a budget, the path of the optima, the forecast at the next budget, and what came."""
    data: list[PlotlyObject] = []
    x_range, y_range = _ranges(values)
    if values.next_profile_params:
        data.append(line(values.next_profile_params, values.next_profile_loss, FORECAST_COLOUR, width=1.6, dash="dash"))
    for one in values.profiles:
        data += profile_traces(one, budget_colour(one, values.profiles))
    data.append(line(values.path_params, values.path_loss, INK, width=2, dash="dot"))
    vertices = [one for one in values.profiles if one.vertex_params and one.vertex_loss and one.kept is not False]
    data.append(vertex_trace(vertices))
    if values.next_loss is not None:
        data.append(_interval(values.next_loss))
    data += _final_runs(values)
    occupied = _occupied(values)
    wide, narrow = (
        placed(
            _labels(values, y_range[1], short=short),
            Plane(x=x_range, y=y_range, width=width, height=height - 64, type_size=size),
            avoiding=occupied,
        )
        for short, width, height, size in ((False, LEAST_WIDE, _HEIGHT, 12.5), (True, LEAST_NARROW, _NARROW_HEIGHT, 11))
    )
    return Drawing(
        name="first-picture",
        describes=_described(values),
        data=data,
        layout=layout(
            log_axis(f"parameters N ({words.params})", *x_range),
            linear_axis(f"{loss_words} ({words.loss_unit})", range=list(y_range)),
            annotations=wide,
            meta={"x": "params"},  # what the slider's star is placed by
        ),
        narrow={"annotations": narrow},
        legend=_legend(values),
        height=_HEIGHT,
        narrow_height=_NARROW_HEIGHT,
    )


def _occupied(values: FirstPicture) -> list[tuple[float, float]]:
    """Points that no label may cover: of every curve, the path, the runs, and the interval."""
    found = taken_places(values.profiles)
    found += zip(values.path_params, values.path_loss, strict=True)
    found += zip(values.next_profile_params, values.next_profile_loss, strict=True)
    for final in (values.planned, values.larger):
        found += [(final.params, final.loss)] if final else []
    if values.next_loss is not None:
        found += [(values.next_loss.params, loss) for loss in values.next_loss.interval or (values.next_loss.loss,)]
    return found


def _ranges(values: FirstPicture) -> tuple[tuple[float, float], tuple[float, float]]:
    """What is drawn of N and of the loss: all that happened, and room for the labels."""
    sizes = [n for one in values.profiles for n in one.params] + list(values.next_profile_params)
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
    return (left, right * ROOM_FOR_LABELS), (min(losses) - below * by, max(losses) + _ROOM_ABOVE * by)


def _interval(ahead: NextLoss) -> PlotlyObject:
    """The forecast with its intervals in loss and in N."""
    low, high = ahead.interval or (None, None)
    least, most = ahead.params_interval or (None, None)
    text = (
        f"forecast at {format_flops(ahead.flops)} FLOPs<br>N = {with_interval(ahead.params, ahead.params_interval)}"
        f"<br>loss {with_interval(ahead.loss, ahead.interval, loss_text)}"
    )
    bars = {**whiskers([ahead.loss], [low], [high], FORECAST_COLOUR), "thickness": 3, "width": 11}
    across = whiskers([ahead.params], [least], [most], FORECAST_COLOUR)
    return points(
        [ahead.params], [ahead.loss], FORECAST_COLOUR, [text], size=11, symbol="line-ew", outline=FORECAST_COLOUR,
        outline_width=2.5,
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
        drawn.append(points([one.params], [one.loss], PLANNED_COLOUR, [text], size=15, symbol="star"))
    return drawn


def _labels(values: FirstPicture, top: float, *, short: bool) -> list[Label]:
    """What is written in the picture, the most important first; `top` is the largest loss that is drawn."""
    labels = []
    ahead, larger = values.next_loss, values.larger
    if ahead is not None:
        low = ahead.interval[0] if ahead.interval else ahead.loss
        text = _forecast_words(values, ahead)
        labels.append(Label(text=text, at=(ahead.params, low), sides=("below left", "below", "left", "right")))
    if larger is not None:  # below the forecast profile there is nothing else
        at = (larger.params, larger.loss)
        labels.append(Label(text=loss_text(larger.loss), at=at, sides=("below", "below left")))
    labels += budget_labels(values.profiles, top, short=short)
    if values.next_profile_params and ahead is not None:
        from_right = zip(reversed(values.next_profile_params), reversed(values.next_profile_loss), strict=True)
        end = next((at for at in from_right if at[1] < top), (ahead.params, ahead.loss))
        words = format_flops(ahead.flops) + ("" if short else " FLOPs")
        labels.append(Label(text=words, at=end, sides=("right", "above", "below"), colour=FORECAST_COLOUR, bold=True))
    return labels


def _forecast_words(values: FirstPicture, ahead: NextLoss) -> str:
    """The forecast, and below it what came."""
    what = "sealed forecast" if ahead.sealed else "forecast"
    lines = [f"{what} {loss_text(ahead.loss)}"]
    if ahead.interval is not None:
        level = f"{share_text(ahead.level)}: " if ahead.level else ""
        lines.append(f"{level}{interval_text(ahead.interval, loss_text)}")
    if values.planned is not None:
        lines.append(f"<b>came {loss_text(values.planned.loss)}</b>")
    return "<br>".join(lines)


def _legend(values: FirstPicture) -> tuple[LegendEntry, ...]:
    entries = []
    if any(one.vertex_params for one in values.profiles):
        entries.append(LegendEntry(label="best size, with interval", colour=INK, kind="diamond"))
    if values.path_params:
        entries.append(LegendEntry(label="path of the optima", colour=INK, kind="dot"))
    if values.next_profile_params and values.next_loss is not None:
        entries.append(
            LegendEntry(
                label=f"forecast at {format_flops(values.next_loss.flops)} FLOPs", colour=FORECAST_COLOUR, kind="dash"
            )
        )
    if values.planned is not None:
        entries.append(LegendEntry(label="planned run", colour=PLANNED_COLOUR, kind="star"))
    if values.larger is not None:
        times = f"{values.larger.params / values.planned.params:.1f} times as large" if values.planned else "larger"
        entries.append(LegendEntry(label=f"{times}, same compute", colour=LARGER_COLOUR, kind="square"))
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
