"""z-scores of forecasts over time, with the bands that hold half, 80 and 90 % of them where the intervals are right."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.ledger import LEVELS, Entry
from isoflop.ledger.distribution import normal_quantile
from isoflop.ledger.entry import Kind
from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject, band, layout, line, linear_axis, points
from isoflop.report.drawing import Kind as Mark
from isoflop.report.formatting import share_text
from isoflop.report.ledger_words import KIND_WORDS, deviation_text, sealed_text, z_text
from isoflop.report.style import BLUE, GREEN, MUTED, VERMILLION, transparent

_MARKS: dict[Kind, tuple[str, str, Mark]] = {
    "loss": (BLUE, "circle", "point"),
    "size": (VERMILLION, "diamond", "diamond"),
    "other": (GREEN, "square", "square"),
}
_DAY = 86_400_000.0
"""Milliseconds, the unit of plotly's dates."""
_ROOM = 0.06


def draw_scores(entries: Sequence[Entry]) -> Drawing | None:
    """A point a forecast at the day when it was made; None without any."""
    shown = [one for one in entries if one.counted and one.z is not None and one.sealed is not None]
    if not shown:
        return None
    when = [1000 * (one.sealed or 0.0) for one in shown]
    margin = max((max(when) - min(when)) * _ROOM, _DAY)
    across = [min(when) - margin, max(when) + margin]
    tall = max(2.4, 1.15 * max(abs(one.z or 0.0) for one in shown))
    data: list[PlotlyObject] = []
    for level in reversed(LEVELS):
        end = normal_quantile((1 + level) / 2)
        data.append(band(across, [-end, -end], [end, end], transparent(MUTED, 0.12)))
    data.append(line(across, [0, 0], MUTED, width=1))
    legend = []
    for kind, (colour, symbol, mark) in _MARKS.items():
        own = [(place, one) for place, one in zip(when, shown, strict=True) if one.kind == kind]
        if own:
            data.append(
                points(
                    [place for place, _ in own],
                    [one.z or 0.0 for _, one in own],
                    colour,
                    [
                        f"{one.name}, {sealed_text(one)}: z {z_text(one.z)}, came {deviation_text(one)}"
                        for _, one in own
                    ],
                    size=9,
                    symbol=symbol,
                )
            )
            legend.append(LegendEntry(label=KIND_WORDS[kind], colour=colour, kind=mark))
    levels = ", ".join(share_text(level) for level in LEVELS[:-1])
    legend.append(LegendEntry(label=f"{levels} and {share_text(LEVELS[-1])} bands", colour=MUTED, kind="line"))
    return Drawing(
        name="scores",
        describes="Outcome less forecast in standard deviations over the time of the forecasts",
        data=data,
        layout=layout(
            {**linear_axis("when the forecast was made (UTC)"), "type": "date", "range": across, "nticks": 6},
            linear_axis("z (standard deviations)", range=[-tall, tall]),
        ),
        legend=tuple(legend),
        height=360,
        narrow_height=320,
    )
