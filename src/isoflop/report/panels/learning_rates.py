"""The learning-rate check: final loss against peak learning rate at several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, log_axis, points, room, spread
from isoflop.report.formatting import loss_text
from isoflop.report.panel import Absent, Panel
from isoflop.report.record import LearningRateCheck, StudyRecord
from isoflop.report.style import INK, ramp_log
from isoflop.units import format_number, format_quantity


@dataclass(frozen=True, kw_only=True)
class RateCheck:
    """Final loss against peak learning rate at one size, without the runs that failed."""

    params: float
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    chosen: float
    """The peak learning rate that the recipe uses at this size."""
    chosen_loss: float | None
    """The loss at that rate on the line through the losses; None where it lies outside the rates with a loss."""
    interior: bool
    """Whether the best rate lies inside the rates tried."""


def rate_checks(checks: Sequence[LearningRateCheck]) -> tuple[RateCheck, ...] | Absent:
    """What is drawn of the learning-rate checks, small models first."""
    if not checks:
        return Absent(sentence="Learning-rate check: this study has none.")
    drawn = []
    for check in checks:
        pairs = [(rate, loss) for rate, loss in zip(check.rates, check.losses, strict=True) if loss is not None]
        drawn.append(
            RateCheck(
                params=check.params,
                rates=tuple(rate for rate, _ in pairs),
                losses=tuple(loss for _, loss in pairs),
                chosen=check.chosen,
                chosen_loss=_loss_at(check.chosen, pairs),
                interior=check.interior,
            )
        )
    return tuple(drawn)


def _loss_at(rate: float, pairs: Sequence[tuple[float, float]]) -> float | None:
    """The loss at `rate` on straight lines in log rate through (rate, loss) pairs."""
    if not pairs[0][0] * 0.999 <= rate <= pairs[-1][0] * 1.001:
        return None
    return float(np.interp(np.log(rate), [np.log(r) for r, _ in pairs], [x for _, x in pairs]))


def draw_rates(values: tuple[RateCheck, ...], loss_unit: str) -> Drawing:
    """Final loss against peak learning rate, a line a size, the chosen rate ringed."""
    low, high = values[0].params, values[-1].params
    data, legend = [], []
    for check in values:
        colour = ramp_log(check.params, low, high)
        hover = [
            f"N = {format_quantity(check.params)}<br>rate {format_number(r)}, loss {loss_text(x)}"
            for r, x in zip(check.rates, check.losses, strict=True)
        ]
        data.append(line(check.rates, check.losses, colour, width=1.6))
        data.append(points(check.rates, check.losses, colour, hover))
        if check.chosen_loss is not None:
            hover = [f"the recipe's rate {format_number(check.chosen)}"]
            data.append(
                points(
                    [check.chosen], [check.chosen_loss], "rgba(0,0,0,0)", hover, size=15, outline=INK, outline_width=1.8
                )
            )
        words = "" if check.interior else ": best at the edge"
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
                how=lambda rate: format_number(rate, 2),
            ),
            linear_axis(f"validation loss ({loss_unit})", range=room([x for check in values for x in check.losses])),
        ),
        legend=tuple(legend),
        height=380,
    )


def rates_panel(record: StudyRecord) -> Panel | Absent:
    """Loss against peak learning rate at several sizes."""
    values = rate_checks(record.learning_rate_checks)
    if isinstance(values, Absent):
        return values
    edge = sum(not check.interior for check in values)
    verdict = (
        "The best rate lies inside the rates tried at every size."
        if not edge
        else f"At {edge} of {len(values)} sizes the best rate lies at the edge of those tried."
    )
    return Panel(
        name="rates",
        short="Learning rates",
        title="Learning-rate check",
        lead=f"One rate for all sizes would tilt every isoFLOP curve. {verdict}",
        drawings=(draw_rates(values, record.conventions.loss_unit),),
        caption=f"N: {record.conventions.params} parameters. A ring shows the rate that the recipe gives this size.",
    )
