"""The isoFLOP profile of one budget: the loss to expect against N, and the size that is planned or asked about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.plan import Plan, Prediction, Problem
from isoflop.plan.allocation import expected_losses
from isoflop.plan.law_source import LawSource
from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    band,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    room,
    whiskers,
)
from isoflop.report.formatting import loss_text, share_text, with_interval
from isoflop.report.record import Interval
from isoflop.report.style import BLUE, INK, transparent
from isoflop.units import format_flops, format_quantity

_REACH, _POINTS = 6.0, 49
"""Times the size to both sides that is drawn, and the sizes on the curve: an odd number, so that it is one of them."""


@dataclass(frozen=True, kw_only=True)
class ExpectedProfile:
    """Loss against N along one budget."""

    flops: float
    params: tuple[float, ...]
    """Ascending; the middle one is `at`."""
    loss: tuple[float, ...]
    low: tuple[float, ...]
    """Ends of the interval of one run; empty without draws."""
    high: tuple[float, ...]
    at: float
    """N that is planned or asked about."""
    tokens: float
    at_loss: float
    at_interval: Interval | None
    best: Interval | None
    """Where the best N lies; None where that is not asked, or not known."""
    level: float
    planned: bool
    """Whether `at` is a plan's, and not the size of a question."""
    params_convention: str
    loss_unit: str


def expected_profile(answer: Plan | Prediction) -> ExpectedProfile | None:
    """The isoFLOP profile of the budget of a plan or a prediction; None where its law has no loss, or no finite one."""
    source, loss = answer.source, answer.loss
    if source is None or loss is None:
        return None
    params = answer.params * np.geomspace(1 / _REACH, _REACH, _POINTS)
    problem = Problem()
    interval: Interval | None
    best: Interval | None = None
    if isinstance(answer, Plan):
        problem, interval, best = answer.objective, answer.loss_interval, answer.params_interval
    else:
        interval = answer.interval
    try:
        losses, edges = _losses(source, problem, answer.flops, params, answer.level)
    except RefusedError:
        return None
    if not np.all(np.isfinite(losses)):
        return None
    ends = ((), ()) if edges is None else (tuple(edges[:, 0].tolist()), tuple(edges[:, 1].tolist()))
    return ExpectedProfile(
        flops=answer.flops,
        params=tuple(params.tolist()),
        loss=tuple(losses.tolist()),
        low=ends[0],
        high=ends[1],
        at=answer.params,
        tokens=answer.tokens,
        at_loss=loss,
        at_interval=interval,
        best=best,
        level=answer.level,
        planned=isinstance(answer, Plan),
        params_convention=answer.law.params_convention,
        loss_unit=answer.law.loss_unit.replace("_", " "),
    )


def _losses(
    source: LawSource, problem: Problem, flops: float, params: Array, level: float
) -> tuple[Array, Array | None]:
    """(losses, edges of their intervals) of what `flops` pay for at each size."""
    tokens = source.cost.tokens(flops, params)
    return expected_losses(source, problem, params, tokens, level)


def draw_expected_profile(values: ExpectedProfile) -> Drawing:
    """The curve with its band, and the size with its intervals."""
    data = []
    if values.low:
        data.append(band(values.params, values.low, values.high, transparent(BLUE, 0.16)))
    hover = [
        f"N = {format_quantity(n)}<br>loss {loss_text(x)}" for n, x in zip(values.params, values.loss, strict=True)
    ]
    data.append(line(values.params, values.loss, BLUE, hoverinfo="text", text=hover))
    text = (
        f"N = {with_interval(values.at, values.best)}<br>D = {format_quantity(values.tokens)}"
        f"<br>loss {with_interval(values.at_loss, values.at_interval, loss_text)}"
    )
    low, high = values.at_interval or (None, None)
    least, most = values.best or (None, None)
    data.append(
        points(
            [values.at],
            [values.at_loss],
            INK,
            [text],
            size=14 if values.planned else 10,
            symbol="star" if values.planned else "circle",
            error_x=whiskers([values.at], [least], [most], INK),
            error_y=whiskers([values.at_loss], [low], [high], INK),
        )
    )
    heights = [*values.loss, *values.low, *values.high, values.at_loss, *(values.at_interval or ())]
    words = f"loss along {format_flops(values.flops)} FLOPs"
    if values.low:
        words += f", {share_text(values.level)} interval of one run"
    marked = "planned size" if values.planned else "this run"
    return Drawing(
        name="expected-profile",
        describes=f"Loss against parameters along {format_flops(values.flops)} FLOPs, with the {marked}",
        data=data,
        layout=layout(
            log_axis(f"parameters N ({values.params_convention})", values.params[0], values.params[-1]),
            linear_axis(f"loss ({values.loss_unit})", range=room(heights)),
        ),
        legend=(
            LegendEntry(label=words, colour=BLUE),
            LegendEntry(
                label=marked + (f" and {share_text(values.level)} interval of the best size" if values.best else ""),
                colour=INK,
                kind="star" if values.planned else "point",
            ),
        ),
        height=340,
        narrow_height=300,
    )
