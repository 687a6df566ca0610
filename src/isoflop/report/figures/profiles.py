"""IsoFLOP profiles: loss against N at each budget, the parabola and its vertex, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.report.view import Absent, Interval, Run, View, approach, done_runs, pair

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
