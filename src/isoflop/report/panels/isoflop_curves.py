"""IsoFLOP profiles: loss against N at each budget, the fitted curve and its vertex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit import LEVEL, BudgetProfile
from isoflop.fit.budgets import SAME_BUDGET
from isoflop.fit.result.isoflop import ProfileCurve
from isoflop.report.drawing import (
    Drawing,
    LegendEntry,
    PlotlyObject,
    layout,
    line,
    linear_axis,
    log_axis,
    points,
    room,
    spread,
    whiskers,
)
from isoflop.report.fitted_runs import FittedRuns, TrainedRun
from isoflop.report.formatting import loss_text, share_text, with_interval
from isoflop.report.label_places import LEAST_NARROW, LEAST_WIDE, Label, Plane, placed
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.refused import refusal
from isoflop.report.record import Interval
from isoflop.report.style import INK, MUTED, ramp_log
from isoflop.units import format_flops, format_quantity

_ROUNDING = 1e-9  # the ends of a window are runs
_FEWEST_SIZES = 4  # a parabola passes through any three


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The runs of one budget, and what the fit made of them."""

    budget_flops: float
    params: tuple[float, ...]
    """N of each run, ascending."""
    tokens: tuple[float, ...]
    loss: tuple[float, ...]
    inside: tuple[bool, ...]
    """Whether the fitted curve takes each run: those far from the vertex are outside its window."""
    curve_params: tuple[float, ...]
    """Where the curve (in ln N) is drawn: over the sizes within its window. Empty where there is no curve."""
    curve_loss: tuple[float, ...]
    vertex_params: float | None
    vertex_loss: float | None
    vertex_interval: Interval | None
    """Interval of the vertex in N, at the fit's level."""
    kept: bool | None
    """Whether the fit uses this budget; None where no fit has judged it."""
    reason: str
    """Why not, where it does not."""


def profiles(fitted: FittedRuns) -> tuple[Profile, ...] | Absent:
    """One Profile a budget that has runs, small to large."""
    judged = fitted.isoflop.budgets if fitted.isoflop else ()
    by_budget: dict[float, list[TrainedRun]] = {}
    for run in fitted.profile_runs:
        budget = run.budget_flops
        if budget is None:
            # A table of runs has no design: the fit's own grouping says which budget a run belongs to.
            nearest = _nearest(run.flops, judged)
            budget = nearest.flops if nearest else None
        if budget is not None:
            by_budget.setdefault(budget, []).append(run)
    if not by_budget:
        return Absent(sentence="IsoFLOP curves: no finished run belongs to an isoFLOP budget.")
    return tuple(_profile(budget, by_budget[budget], _nearest(budget, judged)) for budget in sorted(by_budget))


def _nearest(flops: float, judged: Sequence[BudgetProfile]) -> BudgetProfile | None:
    """The fitted budget that `flops` belong to; None where none is near."""

    def distance(budget: BudgetProfile) -> float:
        return float(abs(np.log(budget.flops / flops)))

    nearest = min(judged, key=distance, default=None)
    return nearest if nearest is not None and distance(nearest) < SAME_BUDGET else None


def _profile(budget: float, runs: list[TrainedRun], judged: BudgetProfile | None) -> Profile:
    runs = sorted(runs, key=lambda run: run.params)
    params = np.array([run.params for run in runs], dtype=float)
    loss = np.array([run.loss for run in runs], dtype=float)
    low, high = (judged.window if judged else None) or (0.0, np.inf)
    inside = (params >= low * (1 - _ROUNDING)) & (params <= high * (1 + _ROUNDING))
    curve_params, curve_loss = profile_curve(params[inside], loss[inside], judged.parabola if judged else None)
    return Profile(
        budget_flops=budget,
        params=tuple(map(float, params)),
        tokens=tuple(float(run.tokens) for run in runs),
        loss=tuple(map(float, loss)),
        inside=tuple(map(bool, inside)),
        curve_params=curve_params,
        curve_loss=curve_loss,
        vertex_params=judged.params if judged else None,
        vertex_loss=judged.loss if judged else None,
        vertex_interval=judged.params_interval if judged else None,
        kept=judged.kept if judged else None,
        reason=judged.reason if judged else "",
    )


def loss_range(values: Sequence[Profile]) -> tuple[float, float]:
    """(least, most) loss that is drawn: of the runs within their windows, and a quarter of their span above.

    Runs far too large for their budget would press the curves flat; where no run is outside all are drawn.
    """
    everything = [x for one in values for x in one.loss]
    within = [x for one in values for x, near in zip(one.loss, one.inside, strict=True) if near]
    if not within:
        return min(everything), max(everything)
    return min(everything), min(max(everything), max(within) + (max(within) - min(within)) / 4)


def profile_curve(
    params: Array, loss: Array, fitted: ProfileCurve | None = None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(N, loss) of the curve of the loss in ln N, at 60 places between the smallest and the largest N.

    The fit's own where there is one; else a parabola by least squares. Empty with fewer than four different sizes,
    where a parabola would pass through its points whatever they are.
    """
    if len(np.unique(params)) < _FEWEST_SIZES:
        return (), ()
    x = np.log(params)
    if fitted is not None:
        # The fit lists its coefficients lowest order first, and polyval takes the highest first.
        middle, coefficients = fitted.log_params_centre, np.array(fitted.coefficients[::-1])
    else:
        middle = float(x.mean())
        coefficients = np.polyfit(x - middle, loss, 2)
    grid = np.linspace(x.min(), x.max(), 60)
    return tuple(map(float, np.exp(grid))), tuple(map(float, np.polyval(coefficients, grid - middle)))


ROOM_FOR_LABELS = 1.5
"""Factor of N right of the largest size, where the budgets are written."""
_PLACES = 20  # of a whisker
_LABEL_SHARE = 0.2
"""The same as a share of the decades that the sizes span."""
_HEIGHT, _NARROW_HEIGHT = 540, 400


def budget_colour(one: Profile, drawn: Sequence[Profile]) -> str:
    """The colour of a budget among those `drawn`, which ascend."""
    return ramp_log(one.budget_flops, drawn[0].budget_flops, drawn[-1].budget_flops)


def budget_labels(drawn: Sequence[Profile], top: float, *, short: bool) -> list[Label]:
    """Each budget at the right end of its curve, below the largest drawn loss `top`; `short` without a unit."""
    labels = []
    for one in reversed(drawn):
        unit = "" if short else " FLOPs"
        words = f"{format_flops(one.budget_flops)}{unit}" + (" (left out)" if one.kept is False and not short else "")
        at, colour = _right_end(one, top), budget_colour(one, drawn)
        labels.append(Label(text=words, at=at, sides=("right", "above", "below"), colour=colour, bold=True))
    return labels


def _right_end(one: Profile, top: float) -> tuple[float, float]:
    """(N, loss) where a profile ends on the right within the drawn losses: of its curve, else of its runs."""
    pairs = list(zip(one.curve_params, one.curve_loss, strict=True)) or list(zip(one.params, one.loss, strict=True))
    return next((pair for pair in reversed(pairs) if pair[1] <= top), pairs[-1])


def profile_traces(one: Profile, colour: str) -> list[PlotlyObject]:
    """The curve and the runs of a budget; those that the fit does not take are hollow."""
    used, name = one.kept is not False, f"{format_flops(one.budget_flops)} FLOPs"
    taken = [used and near for near in one.inside]
    hover = [
        f"{name}<br>N = {format_quantity(n)}, D = {format_quantity(d)}<br>loss {loss_text(x)}"
        for n, d, x in zip(one.params, one.tokens, one.loss, strict=True)
    ]
    return [
        line(one.curve_params, one.curve_loss, colour, width=2, dash="solid" if used else "dot", name=f"{name}, curve"),
        points(
            one.params,
            one.loss,
            colour,
            hover,
            symbol=["circle" if inside else "circle-open" for inside in taken],
            outline=["white" if inside else colour for inside in taken],
            name=f"{name}, runs",
        ),
    ]


def taken_places(drawn: Sequence[Profile]) -> list[tuple[float, float]]:
    """(N, loss) along all curves and intervals and of all runs, which no label may cover."""
    found: list[tuple[float, float]] = []
    for one in drawn:
        if one.vertex_interval is not None and one.vertex_loss is not None:
            found += [(float(n), one.vertex_loss) for n in np.geomspace(*one.vertex_interval, _PLACES)]
        found += zip(one.curve_params, one.curve_loss, strict=True)
        found += zip(one.params, one.loss, strict=True)
    return found


def draw_profiles(
    values: tuple[Profile, ...], loss_unit: str, params_words: str, loss_words: str = "validation loss"
) -> Drawing:
    """Loss against N, a colour a budget, which is written at its curve: points, curve, vertex with its interval."""
    data, legend = [], []
    for one in values:
        data += profile_traces(one, budget_colour(one, values))
    vertices = [one for one in values if one.vertex_params and one.vertex_loss and one.kept is not False]
    if vertices:
        data.append(vertex_trace(vertices))
        legend.append(LegendEntry(label="vertex: best size of its budget, with interval", colour=INK, kind="diamond"))
    if any(one.kept is not False and not all(one.inside) for one in values):
        legend.append(LegendEntry(label="far from the vertex: not used", colour=MUTED, kind="open"))
    left, right = spread([n for one in values for n in one.params], 1.15)
    x_range, losses = (left, right * (right / left) ** _LABEL_SHARE), room(loss_range(values))
    wide, narrow = (
        placed(
            budget_labels(values, losses[1], short=short),
            Plane(x=x_range, y=(losses[0], losses[1]), width=width, height=height - 64, type_size=size),
            avoiding=taken_places(values),
        )
        for short, width, height, size in ((False, LEAST_WIDE, _HEIGHT, 12), (True, LEAST_NARROW, _NARROW_HEIGHT, 11))
    )
    return Drawing(
        name="isoflop-curves",
        describes="Loss against parameters at each compute budget, with fitted curves and their vertices",
        data=data,
        layout=layout(
            log_axis(f"parameters N ({params_words})", *x_range),
            linear_axis(f"{loss_words} ({loss_unit})", range=losses),
            annotations=wide,
        ),
        narrow={"annotations": narrow},
        legend=tuple(legend),
        height=_HEIGHT,
        narrow_height=_NARROW_HEIGHT,
    )


def vertex_trace(drawn: Sequence[Profile]) -> PlotlyObject:
    """The best size of each budget, with its interval in N."""
    at = [one.vertex_params or 0.0 for one in drawn]
    limits = [one.vertex_interval or (None, None) for one in drawn]
    texts = [
        f"best size at {format_flops(one.budget_flops)} FLOPs<br>"
        f"N = {with_interval(one.vertex_params, one.vertex_interval)}"
        for one in drawn
    ]
    bars = whiskers(at, [low for low, _ in limits], [high for _, high in limits], INK)
    return points(at, [one.vertex_loss or 0.0 for one in drawn], INK, texts, size=9, symbol="diamond", error_x=bars)


def isoflop_panel(fitted: FittedRuns) -> Panel | Absent:
    """Loss against N at each budget, with the vertices; of a fit alone why approach 2 gave none."""
    refused = None if fitted.of_study else refusal(fitted.fit, "isoflop", "isoflop", "IsoFLOP curves")
    return refused or _profiles_panel(fitted)


def _profiles_panel(fitted: FittedRuns) -> Panel | Absent:
    values = profiles(fitted)
    if isinstance(values, Absent):
        return values
    words = fitted.conventions
    lead = "At each budget, models of different sizes spend the same compute; the best size is at the bottom."
    if any(one.kept is not None for one in values):
        lead += f" {sum(one.kept is True for one in values)} of {len(values)} budgets are used by approach 2."
    caption = f"N counts {words.params} parameters, the compute at each curve {words.flops} FLOPs. Curves are fitted "
    caption += "in ln N"
    caption += f"; vertices with {share_text(LEVEL)} intervals." if fitted.isoflop else "."
    left_out = "; ".join(f"{format_flops(one.budget_flops)}: {one.reason}" for one in values if one.kept is False)
    caption += f" Left out: {left_out}." if left_out else ""
    above = sum(x > loss_range(values)[1] for one in values for x in one.loss)
    caption += f" {above} run{'s lie' if above > 1 else ' lies'} above the drawn range." if above else ""
    return Panel(
        name="isoflop",
        short="IsoFLOP curves",
        title="IsoFLOP curves",
        lead=lead,
        drawings=(
            draw_profiles(values, words.loss_unit, words.params, "validation loss" if fitted.of_study else "loss"),
        ),
        caption=caption,
    )
