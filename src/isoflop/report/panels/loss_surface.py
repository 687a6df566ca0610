"""Contours of the fitted loss L(N, D) with the frontier and the runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.laws import SIX_N
from isoflop.report.drawing import Drawing, LegendEntry, PlotlyObject, layout, line, log_axis, points
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.formatting import loss_text
from isoflop.report.panel import Absent, Panel
from isoflop.report.style import APPROACH_COLOURS, INK, MUTED, ramp
from isoflop.units import format_quantity

_SIDE = 60
_MOST_DRAWN = 3000  # runs: more are one dark cloud, and megabytes


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The fitted loss over a log grid of N and D that holds every run."""

    params: tuple[float, ...]
    tokens: tuple[float, ...]
    loss: tuple[tuple[float, ...], ...]
    """loss[i][j] at tokens[i], params[j]."""
    frontier_params: tuple[float, ...]
    frontier_tokens: tuple[float, ...]
    """The compute-optimal pairs of the parametric fit inside the grid."""
    run_params: tuple[float, ...]
    run_tokens: tuple[float, ...]
    run_loss: tuple[float, ...]
    planned: tuple[float, float] | None
    """(N, D) of the planned run."""


def surface(fitted: FittedRuns) -> Surface | Absent:
    """L(N, D) of the parametric fit."""
    law = fitted.surface
    if law is None or fitted.fit is None:
        return Absent(sentence="Contour of L(N, D): there is no parametric fit with an optimum here.")
    runs, planned = fitted.runs, fitted.planned_run
    n = [run.params for run in runs] + ([planned[0]] if planned else [])
    d = [run.tokens for run in runs] + ([planned[1]] if planned else [])
    if not n:
        return Absent(sentence="Contour of L(N, D): no run shows where to draw it.")
    drawn = runs[:: math.ceil(len(runs) / _MOST_DRAWN) or 1]
    params = np.geomspace(min(n) / 1.4, max(n) * 1.4, _SIDE)
    tokens = np.geomspace(min(d) / 1.4, max(d) * 1.4, _SIDE)
    loss = law.loss(params[None, :], tokens[:, None])
    best_params, best_tokens = law.optimum(np.geomspace(*fitted.flops_range(), _SIDE), fitted.fit.cost)
    pairs = [
        (a, b)
        for a, b in zip(best_params, best_tokens, strict=True)
        if params[0] <= a <= params[-1] and tokens[0] <= b <= tokens[-1]
    ]
    return Surface(
        params=tuple(map(float, params)),
        tokens=tuple(map(float, tokens)),
        loss=tuple(tuple(map(float, row)) for row in loss),
        frontier_params=tuple(float(a) for a, _ in pairs),
        frontier_tokens=tuple(float(b) for _, b in pairs),
        run_params=tuple(float(run.params) for run in drawn),
        run_tokens=tuple(float(run.tokens) for run in drawn),
        run_loss=tuple(float(run.loss) for run in drawn),
        planned=planned,
    )


def draw_surface(values: Surface, loss_unit: str, params_words: str) -> Drawing:
    """Contours of the fitted loss over (N, D) with the frontier, the runs and the plan."""
    ramp_stops = [[i / 6, ramp(i / 6)] for i in range(7)]
    losses = [x for row in values.loss for x in row]
    data: list[PlotlyObject] = [
        {
            "type": "contour", "x": list(values.params), "y": list(values.tokens),
            "z": [list(row) for row in values.loss],
            "colorscale": ramp_stops, "showscale": False, "line": {"width": 1},
            "contours": {"coloring": "lines", "showlabels": True, "labelfont": {"size": 10, "color": INK}},
            "ncontours": 16, "hovertemplate": "N %{x:.3s}, D %{y:.3s}<br>fitted loss %{z:.4f}<extra></extra>",
            "zmin": min(losses), "zmax": min(losses) + 0.7 * (max(losses) - min(losses)),
        }
    ]  # fmt: skip
    data.append(line(values.frontier_params, values.frontier_tokens, APPROACH_COLOURS["parametric"], width=2.6))
    hover = [
        f"run: N = {format_quantity(n)}, D = {format_quantity(d)}<br>loss {loss_text(x)}"
        for n, d, x in zip(values.run_params, values.run_tokens, values.run_loss, strict=True)
    ]
    data.append(points(values.run_params, values.run_tokens, MUTED, hover, size=6))
    legend = [
        LegendEntry(
            label=f"fitted loss ({loss_unit}), low", colour=ramp(0), kind="ramp", colour_end=ramp(1), label_end="high"
        ),
        LegendEntry(label="compute-optimal frontier", colour=APPROACH_COLOURS["parametric"]),
        LegendEntry(label="runs", colour=MUTED, kind="point"),
    ]
    if values.planned:
        n, d = values.planned
        hover = [f"planned run: N = {format_quantity(n)}, D = {format_quantity(d)}"]
        data.append(points([n], [d], INK, hover, size=14, symbol="star"))
        legend.append(LegendEntry(label="planned run", colour=INK, kind="star"))
    return Drawing(
        name="loss-surface",
        describes="Contour lines of the fitted loss over parameters and tokens with the frontier and the runs",
        data=data,
        layout=layout(
            log_axis(f"parameters N ({params_words})", values.params[0], values.params[-1]),
            log_axis("training tokens D", values.tokens[0], values.tokens[-1]),
        ),
        legend=tuple(legend),
        height=480,
        narrow_height=380,
    )


def surface_panel(fitted: FittedRuns) -> Panel | Absent:
    """Contours of the fitted loss."""
    values = surface(fitted)
    if isinstance(values, Absent):
        return values
    words, cost = fitted.conventions, fitted.fit.cost if fitted.fit else SIX_N
    return Panel(
        name="surface",
        short="Loss surface",
        title="The fitted loss L(N, D)",
        lead="Contours of E + A/N^alpha + B/D^beta, with the cheapest way down.",
        drawings=(draw_surface(values, words.loss_unit, words.params),),
        caption=("" if cost.is_six_n else "A token costs on the frontier what it costs in the runs here, not 6N. ")
        + "Outside the cloud of runs the contours are extrapolation.",
    )
