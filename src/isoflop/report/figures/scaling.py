"""N_opt and D_opt against C: three approaches, the published laws, the published systems, as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.arch.published import published_systems
from isoflop.fit import LEVEL
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost
from isoflop.report.figures.published import Quantity, ScalingLine, published_lines
from isoflop.report.figures.sizes import backtest_of
from isoflop.report.style import APPROACH_NAMES
from isoflop.report.view import Absent, View, approach, done_runs, pair, plan_of, section

Array = NDArray[np.float64]
_POINTS = 40
# Where the zoomed-out panel ends: PaLM's 2.5e24 FLOPs with room beside it.
_ZOOM_TO_FLOPS = 1e25
# The systems that the question of Hoffmann et al. 2022 is about, in words as short as a label must be.
_SYSTEM_LABELS = {
    "gopher-280b": "Gopher 280B",
    "mt-nlg-530b": "MT-NLG 530B",
    "chinchilla-70b": "Chinchilla 70B",
    "palm-540b": "PaLM 540B",
    "140b-on-3t": "140B on 3T",
}


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A point with an interval or a label: a vertex, the plan, a published system."""

    label: str
    flops: float
    value: float
    low: float | None = None
    high: float | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The optimum of the top budget: forecast without that budget, and its vertex."""

    forecast: Marker
    vertex: Marker


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """One optimum (N or D) against C in the study's range."""

    quantity: Quantity
    """`params` (N_opt) or `tokens` (D_opt)."""
    lines: tuple[ScalingLine, ...]
    """The study's own, with bands where the fit gives them."""
    published: tuple[ScalingLine, ...]
    vertices: tuple[Marker, ...]
    plan: Marker | None
    flops_range: tuple[float, float]
    forecast: ScalingLine | None = None
    """What a plan takes: estimators mixed, with interval, from the runs' range to the target; None without one."""
    held_out: HeldOut | None = None


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """N against C from the study's range to 1e25 FLOPs."""

    published: tuple[ScalingLine, ...]
    carried_on: ScalingLine | None
    """The study's own isoFLOP line carried on far outside its data, for the eye."""
    systems: tuple[Marker, ...]
    vertices: tuple[Marker, ...]
    flops_range: tuple[float, float]


def scaling(view: View, quantity: Quantity) -> Scaling | Absent:
    """The optimum `quantity` against compute, over the study's budgets and its plan."""
    lines = [line for name in APPROACH_NAMES if (line := _own_line(view, name, quantity))]
    if not lines:
        return Absent(sentence="N_opt and D_opt against compute: no approach gave a fit here.")
    low, high = study_range(view)
    plan = plan_of(view)
    return Scaling(
        quantity=quantity,
        lines=tuple(lines),
        published=published_lines(quantity, low, high, _POINTS),
        vertices=_vertices(view, quantity),
        plan=_plan_marker(plan, quantity) if plan else None,
        flops_range=(low, high),
        forecast=_forecast(view, quantity),
        held_out=_held_out(view, quantity),
    )


def landscape(view: View) -> Landscape | Absent:
    """Published laws and systems in one plane with the study's own vertices."""
    vertices = _vertices(view, "params")
    if not vertices:
        return Absent(sentence="The zoomed-out panel: there is no isoFLOP vertex to place in it.")
    low = study_range(view)[0]
    systems = {model.name: model for model in published_systems()}
    own = approach(view, "isoflop")
    carried = None
    if own.get("params_coefficient") and own.get("a"):
        flops = np.geomspace(low, _ZOOM_TO_FLOPS, 2)
        carried = _line(
            "isoflop", "this study's isoFLOP line, carried on", flops, own["params_coefficient"] * flops ** own["a"]
        )
    return Landscape(
        published=published_lines("params", low, _ZOOM_TO_FLOPS, _POINTS),
        carried_on=carried,
        systems=tuple(
            Marker(
                label=label,
                flops=float(systems[name].flops or 0),
                value=systems[name].params,
                source=systems[name].source,
            )
            for name, label in _SYSTEM_LABELS.items()
            if name in systems
        ),
        vertices=vertices,
        flops_range=(low, _ZOOM_TO_FLOPS),
    )


def study_range(view: View) -> tuple[float, float]:
    """(least, most) FLOPs of the budgets, the runs and the plan, widened by a quarter of a decade on both sides."""
    seen = [run.flops for run in done_runs(view) if run.flops]
    seen += [entry["flops"] for entry in approach(view, "isoflop").get("budgets") or ()]
    if plan_of(view).get("flops"):
        seen.append(plan_of(view)["flops"])
    for name in APPROACH_NAMES:
        seen += (approach(view, name).get("frontier") or {}).get("flops") or []
    seen += [point["flops"] for point in view.get("size_band") or () if point.get("flops")]
    return (min(seen) / 10**0.25, max(seen) * 10**0.25) if seen else (1e18, 1e24)


def _own_line(view: View, name: str, quantity: Quantity) -> ScalingLine | None:
    fit = approach(view, name)
    frontier = fit.get("frontier") or {}
    label = APPROACH_NAMES[name]
    if frontier.get(quantity):
        return _line(
            name,
            label,
            frontier["flops"],
            frontier[quantity],
            frontier.get(f"{quantity}_low") or (),
            frontier.get(f"{quantity}_high") or (),
        )
    flops = np.geomspace(*study_range(view), _POINTS)
    coefficient, exponent = fit.get(f"{quantity}_coefficient"), fit.get("a" if quantity == "params" else "b")
    if coefficient is not None and exponent is not None:
        return _line(name, label, flops, coefficient * flops**exponent)
    if name == "parametric" and has_optimum(view):
        params, tokens = fitted_optimum(view, flops)
        return _line(name, label, flops, params if quantity == "params" else tokens)
    return None


def has_optimum(view: View) -> bool:
    """Whether there is a parametric fit whose loss falls with both N and D: else no frontier can be drawn."""
    fit = approach(view, "parametric")
    return bool(fit) and all((fit.get(name) or 0) > 0 for name in ("A", "B", "alpha", "beta"))


def fitted_law(view: View) -> ChinchillaLaw:
    """The law of the parametric fit; the view must have one."""
    fit = approach(view, "parametric")
    E, A, B, alpha, beta = (float(fit[name]) for name in ("E", "A", "B", "alpha", "beta"))
    return ChinchillaLaw(E=E, A=A, B=B, alpha=alpha, beta=beta)


def fitted_optimum(view: View, flops: Array) -> tuple[Array, Array]:
    """(N, D) of least loss under the parametric fit, at the cost of a token that it was made with (else 6 N)."""
    return fitted_law(view).optimum(flops, token_cost(view))


def token_cost(view: View) -> ComputeCost:
    """FLOPs per token against N of the fit's runs; 6 N where the fit does not say."""
    known = section(view, "fit").get("cost")
    return ComputeCost.from_json(known) if known else SIX_N


def _line(
    name: str, label: str, flops: ArrayLike, values: ArrayLike, low: ArrayLike = (), high: ArrayLike = ()
) -> ScalingLine:
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high))):
        low, high = (), ()
    c, optimum, below, above = (tuple(map(float, np.asarray(column))) for column in (flops, values, low, high))
    return ScalingLine(name=name, label=label, flops=c, values=optimum, low=below, high=above)


def _vertices(view: View, quantity: Quantity) -> tuple[Marker, ...]:
    found = []
    for entry in approach(view, "isoflop").get("budgets") or ():
        if entry.get("kept", True) and entry.get(quantity):
            low, high = pair(entry.get(f"{quantity}_interval")) or (None, None)
            found.append(
                Marker(label="isoFLOP vertex", flops=entry["flops"], value=entry[quantity], low=low, high=high)
            )
    return tuple(found)


def _forecast(view: View, quantity: Quantity) -> ScalingLine | None:
    known = [(point, pair(point.get(f"{quantity}_interval"))) for point in view.get("size_band") or ()]
    points = [(point, limits) for point, limits in known if point.get("flops") and point.get(quantity) and limits]
    if not points:
        return None
    return _line(
        "forecast",
        "forecast with its interval",
        [point["flops"] for point, _ in points],
        [point[quantity] for point, _ in points],
        [low for _, (low, _) in points],
        [high for _, (_, high) in points],
    )


def _held_out(view: View, quantity: Quantity) -> HeldOut | None:
    """Where D is wanted, what the budget pays for at each N."""
    tested = backtest_of(view)
    if not tested:
        return None
    flops, cost = float(tested["held_out_budget_flops"]), token_cost(view)

    def marker(label: str, value: float, low: float, high: float) -> Marker:
        if quantity == "tokens":
            value, high, low = (float(flops / cost.flops_per_token(N)) for N in (value, low, high))
        return Marker(label=label, flops=flops, value=value, low=low, high=high)

    actual = float(tested["actual"])
    factor = math.exp(_deviations(tested.get("level") or LEVEL) * (tested.get("actual_se") or 0.0))
    return HeldOut(
        forecast=marker("forecast without this budget", tested["predicted"], *tested["interval"]),
        vertex=marker("vertex held out", actual, actual / factor, actual * factor),
    )


def _deviations(level: float) -> float:
    """Standard deviations on either side of a normal distribution's mean that hold `level` of it."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _plan_marker(plan: Mapping[str, Any], quantity: Quantity) -> Marker:
    low, high = pair(plan.get(f"{quantity}_interval")) or (None, None)
    return Marker(label="plan", flops=plan["flops"], value=plan[quantity], low=low, high=high)
