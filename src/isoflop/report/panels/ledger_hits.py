"""Share of intervals that held what came, against their nominal level."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.ledger import INTERVAL_LEVEL, Hits
from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, points, whiskers
from isoflop.report.formatting import interval_text, share_text
from isoflop.report.ledger_words import FINDINGS, hits_text, whole_percent
from isoflop.report.style import BLUE, MUTED

_TICKS = (0, 25, 50, 75, 100)
_NEAR = (40.0, 100.0)
"""Nominal levels that the axis shows."""


def draw_hits(found: Sequence[Hits]) -> Drawing:
    """A point and the interval of its share at each nominal level that has forecasts; the line where both are equal."""
    known = [(one, one.share) for one in found if one.share is not None]
    shares = [100 * share for _, share in known]
    ends = [(None, None) if one.interval is None else one.interval for one, _ in known]
    texts = [
        f"intervals of {share_text(one.level)}: {hits_text(one)} held<br>"
        f"share of hits {interval_text(one.interval, whole_percent)}: {FINDINGS[one.finding]}"
        for one, _ in known
    ]
    bars = whiskers(
        shares,
        [None if low is None else 100 * low for low, _ in ends],
        [None if high is None else 100 * high for _, high in ends],
        BLUE,
    )
    ticks: dict[str, object] = {"tickvals": [50, 80, 90], "ticktext": ["50 %", "80 %", "90 %"]}
    return Drawing(
        name="hits",
        describes="Share of intervals that held the outcome against their nominal level",
        data=[
            line(list(_NEAR), list(_NEAR), MUTED, width=1, dash="dash"),
            points([100 * one.level for one, _ in known], shares, BLUE, texts, size=11, error_y=bars),
        ],
        layout=layout(
            linear_axis("nominal probability of the interval", range=list(_NEAR), **ticks),
            linear_axis(
                "intervals that held the outcome",
                range=[-4, 104],
                tickvals=list(_TICKS),
                ticktext=[f"{tick} %" for tick in _TICKS],
            ),
        ),
        legend=(
            LegendEntry(
                label=f"share of hits, with its {share_text(INTERVAL_LEVEL)} interval", colour=BLUE, kind="point"
            ),
            LegendEntry(label="as often as stated", colour=MUTED, kind="dash"),
        ),
        height=360,
        narrow_height=320,
    )
