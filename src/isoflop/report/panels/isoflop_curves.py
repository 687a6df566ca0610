"""IsoFLOP profiles: loss against N at each budget, the fitted curve and its vertex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    room,
    spread,
    whiskers,
)
from isoflop.report.formatting import loss_text
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.refused import refusal
from isoflop.report.style import INK, MUTED, ramp_log
from isoflop.report.view import Interval, Run, View, approach, conventions, done_runs, is_fit, pair
from isoflop.units import format_flops, format_quantity

Array = NDArray[np.float64]

# Runs meant for one budget differ by whole steps and rounded shapes, a few per cent.
_SAME_BUDGET = np.log(1.12)

_ROUNDING = 1e-9  # the ends of a window are runs


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The runs of one budget, and what the fit made of them."""

    budget_flops: float
    params: tuple[float, ...]
    """N of each run, ascending."""
    tokens: tuple[float, ...]
    loss: tuple[float, ...]
    loss_se: tuple[float | None, ...]
    inside: tuple[bool, ...]
    """Whether the fit's valley goes through each run: those far from the vertex are outside its window."""
    parabola_params: tuple[float, ...]
    """Where the valley (in ln N) is drawn: inside the sizes that it goes through. Empty where there is none."""
    parabola_loss: tuple[float, ...]
    vertex_params: float | None
    vertex_loss: float | None
    vertex_interval: Interval | None
    """Interval of the vertex in N, at the fit's level."""
    kept: bool | None
    """Whether the fit uses this budget; None where no fit has judged it."""
    reason: str
    """Why not, where it does not."""


def profiles(view: View) -> tuple[Profile, ...] | Absent:
    """One Profile a budget that has runs, small to large."""
    by_budget: dict[float, list[Run]] = {}
    verdicts = list(approach(view, "isoflop").get("budgets") or ())
    for run in done_runs(view, "isoflop"):
        # A fit alone has no wishes: the fit's own grouping says where a run belongs.
        wish = run.budget_flops or _verdict(run.flops or 1.0, verdicts).get("flops")
        if wish:
            by_budget.setdefault(wish, []).append(run)
    if not by_budget:
        return Absent(sentence="IsoFLOP curves: no finished run belongs to an isoFLOP budget.")
    return tuple(_profile(budget, by_budget[budget], _verdict(budget, verdicts)) for budget in sorted(by_budget))


def _verdict(budget: float, verdicts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    near = [entry for entry in verdicts if abs(np.log(entry["flops"] / budget)) < _SAME_BUDGET]
    return min(near, key=lambda entry: abs(np.log(entry["flops"] / budget))) if near else {}


def _profile(budget: float, runs: list[Run], verdict: Mapping[str, Any]) -> Profile:
    runs = sorted(runs, key=lambda run: run.params or 0)
    params = np.array([run.params for run in runs], dtype=float)
    loss = np.array([run.loss for run in runs], dtype=float)
    low, high = pair(verdict.get("window")) or (0.0, np.inf)
    inside = (params >= low * (1 - _ROUNDING)) & (params <= high * (1 + _ROUNDING))
    drawn_params, drawn_loss = parabola(params[inside], loss[inside], verdict.get("parabola"))
    return Profile(
        budget_flops=budget,
        params=tuple(map(float, params)),
        tokens=tuple(float(run.tokens or 0) for run in runs),
        loss=tuple(map(float, loss)),
        loss_se=tuple(run.loss_se for run in runs),
        inside=tuple(map(bool, inside)),
        parabola_params=drawn_params,
        parabola_loss=drawn_loss,
        vertex_params=verdict.get("params"),
        vertex_loss=verdict.get("loss"),
        vertex_interval=pair(verdict.get("params_interval")),
        kept=verdict.get("kept"),
        reason=str(verdict.get("reason") or ""),
    )


def loss_range(values: Sequence[Profile]) -> tuple[float, float]:
    """(least, most) loss that is drawn: of the runs that valleys go through, and a quarter of their span above.

    Runs far too large for their budget would press the valleys flat; where no run is outside all are drawn.
    """
    everything = [x for one in values for x in one.loss]
    within = [x for one in values for x, near in zip(one.loss, one.inside, strict=True) if near]
    if not within:
        return min(everything), max(everything)
    return min(everything), min(max(everything), max(within) + (max(within) - min(within)) / 4)


def parabola(
    params: Array, loss: Array, fitted: Mapping[str, Any] | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The valley of loss in ln N, at 60 places between the smallest and the largest N.

    The fit's own where it says {coefficients: [c0, c1, ...], log_params_centre}; else a parabola by least squares.
    Empty with fewer than four different sizes, where a parabola would pass through its points whatever they are.
    """
    if len(np.unique(params)) < 4:
        return (), ()
    x = np.log(params)
    if fitted:
        middle, coefficients = float(fitted["log_params_centre"]), np.array(fitted["coefficients"][::-1], dtype=float)
    else:
        middle = float(x.mean())
        coefficients = np.polyfit(x - middle, loss, 2)
    grid = np.linspace(x.min(), x.max(), 60)
    return tuple(map(float, np.exp(grid))), tuple(map(float, np.polyval(coefficients, grid - middle)))


def draw_profiles(
    values: tuple[Profile, ...], loss_unit: str, params_words: str, loss_words: str = "validation loss"
) -> Drawing:
    """Loss against N, a colour a budget: points, parabola, vertex with its interval."""
    low, high = values[0].budget_flops, values[-1].budget_flops
    data, legend = [], []
    for one in values:
        colour = ramp_log(one.budget_flops, low, high)
        used = one.kept is not False
        data.append(line(one.parabola_params, one.parabola_loss, colour, width=1.6, dash="solid" if used else "dot"))
        hover = [
            f"{format_flops(one.budget_flops)} FLOPs<br>N = {format_quantity(n)}, D = {format_quantity(d)}"
            f"<br>loss {loss_text(x)}"
            for n, d, x in zip(one.params, one.tokens, one.loss, strict=True)
        ]
        symbols = ["circle" if used and near else "circle-open" for near in one.inside]
        outlines = ["white" if used and near else colour for near in one.inside]
        data.append(points(one.params, one.loss, colour, hover, symbol=symbols, outline=outlines))
        legend.append(
            LegendEntry(
                label=f"{format_flops(one.budget_flops)} FLOPs" + ("" if used else " (left out)"),
                colour=colour,
                kind="point" if used else "open",
            )
        )
    kept = [one for one in values if one.vertex_params and one.vertex_loss and one.kept is not False]
    if kept:
        data.append(_vertices(kept))
        legend.append(LegendEntry(label="vertex and its interval in N", colour=INK, kind="diamond"))
    if any(one.kept is not False and not all(one.inside) for one in values):
        legend.append(LegendEntry(label="far from the vertex: not used", colour=MUTED, kind="open"))
    return Drawing(
        name="isoflop-curves",
        describes="Loss against parameters at each compute budget, with parabolas and their vertices",
        data=data,
        layout=layout(
            log_axis(f"parameters N ({params_words})", *spread([n for one in values for n in one.params], 1.15)),
            linear_axis(f"{loss_words} ({loss_unit})", range=room(loss_range(values))),
        ),
        legend=tuple(legend),
        height=540,
        narrow_height=400,
    )


def _vertices(kept: list[Profile]) -> dict[str, object]:
    at = [one.vertex_params or 0.0 for one in kept]
    limits = [one.vertex_interval or (None, None) for one in kept]
    texts = [
        f"vertex at {format_flops(one.budget_flops)} FLOPs<br>N = {format_quantity(one.vertex_params or 0)}"
        + (
            f" ({format_quantity(one.vertex_interval[0])} to {format_quantity(one.vertex_interval[1])})"
            if one.vertex_interval
            else ""
        )
        for one in kept
    ]
    bars = whiskers(at, [low for low, _ in limits], [high for _, high in limits], INK)
    return points(at, [one.vertex_loss or 0.0 for one in kept], INK, texts, size=10, symbol="diamond", error_x=bars)


def profiles_panel(view: View) -> Panel | Absent:
    """Loss against N at each budget, with the vertices."""
    values = profiles(view)
    if isinstance(values, Absent):
        return values
    words = conventions(view)
    loss = "loss" if is_fit(view) else "validation loss"
    kept = sum(one.kept is True for one in values)
    lead = "At each budget, models of different sizes spend the same compute; the best size is at the bottom."
    judged = (
        f" {kept} of {len(values)} budgets are used by approach 2."
        if any(one.kept is not None for one in values)
        else ""
    )
    above = sum(x > loss_range(values)[1] for one in values for x in one.loss)
    left_out = "; ".join(f"{format_flops(one.budget_flops)}: {one.reason}" for one in values if one.kept is False)
    level = (approach(view, "isoflop").get("intervals") or {}).get("level")
    caption = f"N counts {words['params']} parameters; compute counts {words['flops']} FLOPs. Valleys in ln N"
    caption += f"; vertices with {100 * level:g} % intervals." if level else "."
    caption += f" Left out: {left_out}." if left_out else ""
    caption += f" {above} run{'s lie' if above > 1 else ' lies'} above the drawn range." if above else ""
    return Panel(
        name="isoflop",
        short="IsoFLOP curves",
        title="IsoFLOP curves",
        lead=lead + judged,
        drawings=(draw_profiles(values, words["loss_unit"], words["params"], loss),),
        caption=caption,
    )


def valleys_panel(view: View) -> Panel | Absent:
    """The isoFLOP valleys, or why approach 2 gave none."""
    return refusal(view, "isoflop", "isoflop", "IsoFLOP curves") or profiles_panel(view)
