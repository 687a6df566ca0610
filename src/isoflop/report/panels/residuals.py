"""Residuals of the parametric fit against N, D and D / N."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import MAD_TO_SD
from isoflop.report.drawing import Drawing, LegendEntry, layout, line, linear_axis, log_axis, points, spread
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.formatting import percent
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.past_forecasts import lack_of_fit
from isoflop.report.style import APPROACH_COLOURS, INK, MUTED, transparent
from isoflop.units import format_quantity

_MOST_GROUPS, _FEWEST_A_GROUP = 8, 5
_MOST_DRAWN = 3000
"""Points of one figure: more make a page of many megabytes and one dark cloud."""


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """ln(observed loss / fitted loss) of every row that the parametric fit used."""

    run_ids: tuple[str, ...]
    params: tuple[float, ...]
    tokens: tuple[float, ...]
    residual: tuple[float, ...]
    """ln(observed) - ln(fitted): 0.01 means the run ended 1 % above the law."""

    @property
    def tokens_per_param(self) -> tuple[float, ...]:
        """D / N of every row."""
        return tuple(d / n for n, d in zip(self.params, self.tokens, strict=True))

    @property
    def rms(self) -> float:
        """Root mean square of `residual`."""
        return float(np.sqrt(np.mean(np.square(self.residual))))


def residuals(fitted: FittedRuns) -> Residuals | Absent:
    """What the parametric fit leaves of each row that it lists."""
    if fitted.parametric is None:
        return Absent(sentence="Residuals: there is no parametric fit here.")
    rows = fitted.parametric.residuals
    observed, expected = np.array([row.loss for row in rows]), np.array([row.predicted for row in rows])
    return Residuals(
        run_ids=tuple(row.run_id for row in rows),
        params=tuple(row.params for row in rows),
        tokens=tuple(row.tokens for row in rows),
        residual=tuple(map(float, np.log(observed / expected))),
    )


def drawn_reach(values: Residuals) -> float:
    """Per cent up to which residuals are drawn in place: the largest, or eight times the typical where that is less.

    Huber's loss keeps outliers, and one of them would flatten all other rows into a line.
    """
    percents = np.abs(100 * np.expm1(np.asarray(values.residual)))
    typical = MAD_TO_SD * float(np.median(percents))  # the standard deviation, were they normal
    return float(min(percents.max(), max(8 * typical, 0.01)))


def beyond_reach(values: Residuals) -> int:
    """Number of rows that lie beyond `drawn_reach`."""
    return int(np.sum(np.abs(100 * np.expm1(np.asarray(values.residual))) > 1.15 * drawn_reach(values)))


def running_median(x: Sequence[float], residual: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(x, residual) medians of up to eight groups of equal count in order of x; empty with fewer than 15 rows.

    Five rows a group and three groups: with less a median is the noise of a run or two.
    """
    groups = min(_MOST_GROUPS, len(x) // _FEWEST_A_GROUP)
    if groups < 3 or len(set(x)) < 3:
        return (), ()
    order = np.argsort(np.asarray(x), kind="stable")
    parts = np.array_split(order, groups)
    at = [float(np.exp(np.median(np.log(np.asarray(x)[part])))) for part in parts]
    return tuple(at), tuple(float(np.median(np.asarray(residual)[part])) for part in parts)


def draw_residuals(values: Residuals, params_words: str) -> tuple[Drawing, ...]:
    """Residuals in per cent against N, D and D / N, with running medians: three drawings.

    Rows beyond the drawn reach are triangles at its edge.
    """
    percents = [100 * (math.exp(r) - 1) for r in values.residual]
    most = 1.15 * drawn_reach(values) or 1.0
    beyond = [i for i, p in enumerate(percents) if abs(p) > most]
    every = math.ceil(len(percents) / _MOST_DRAWN)
    legend = [LegendEntry(label="a row", colour=APPROACH_COLOURS["parametric"], kind="point")]
    drawings = []
    for name, title, xs, how in (
        ("params", f"parameters N ({params_words})", values.params, format_quantity),
        ("tokens", "training tokens D", values.tokens, format_quantity),
        ("ratio", "tokens per parameter D / N", values.tokens_per_param, format_quantity),
    ):
        low, high = spread(xs, 1.3)
        hover = [f"{run}<br>{percent(p / 100)}" for run, p in zip(values.run_ids, percents, strict=True)]
        data = [
            line([low, high], [0, 0], MUTED, width=1),
            points(
                xs[::every], percents[::every], transparent(APPROACH_COLOURS["parametric"], 0.7), hover[::every], size=6
            ),
        ]
        data += [
            points(
                [xs[i] for i in beyond if (percents[i] > 0) is above],
                [(1 if above else -1) * 0.96 * most for i in beyond if (percents[i] > 0) is above],
                APPROACH_COLOURS["parametric"],
                [hover[i] for i in beyond if (percents[i] > 0) is above],
                size=8,
                symbol="triangle-up" if above else "triangle-down",
            )
            for above in (True, False)
            if any((percents[i] > 0) is above for i in beyond)
        ]
        at, middle = running_median(xs, percents)
        if at:
            data.append(line(at, middle, INK, width=2))
        drawings.append(
            Drawing(
                name=f"residuals-{name}",
                describes=f"Residuals of the parametric fit against {title}",
                data=data,
                layout=layout(
                    log_axis(title, low, high, how),
                    linear_axis("observed over fitted loss − 1 (%)", range=[-most, most]),
                ),
                legend=(*legend, LegendEntry(label="running median", colour=INK)) if at else tuple(legend),
                height=300,
                narrow_height=260,
            )
        )
    return tuple(drawings)


def residuals_panel(fitted: FittedRuns) -> Panel | Absent:
    """What the fitted loss leaves, against N, D and D/N."""
    values = residuals(fitted)
    if isinstance(values, Absent):
        return values
    beyond = beyond_reach(values)
    return Panel(
        name="residuals",
        short="Residuals",
        title="Residuals of the parametric fit",
        lead=f"Root mean square {100 * values.rms:.2f} % over {len(values.residual):,} rows. "
        + (lack_of_fit(fitted.fit) or "A trend here is what the form cannot follow")
        + ".",
        drawings=draw_residuals(values, fitted.conventions.params),
        columns=3,
        caption=f"Triangles: {beyond} row{'s' if beyond > 1 else ''} beyond the drawn range." if beyond else "",
    )
