"""The forecast of the best size, what each estimator alone gives, and the backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop.errors import Notice, RefusedError
from isoflop.fit import LEVEL, FitReport
from isoflop.fit.forms.table import FORMS
from isoflop.report.formatting import interval_text, with_interval
from isoflop.report.panel import KeyValue, SmallTable
from isoflop.report.view import View, is_fit, pair, section
from isoflop.units import format_flops, format_quantity

ESTIMATOR_SHORT = {
    "isoflop": "approach 2",
    **{form.name: f"{form.label} form" for form in FORMS},
    "parametric": "approach 3",
    "envelope": "approach 1",
}

MIXED = "all, mixed"

_NOT_IDENTIFIED = "size_not_identified"

_AHEAD = 10.0  # factor of the entry of a fit's optima that stands for a budget to come


def forecast_size(view: View) -> Mapping[str, Any]:
    """The forecast of the size: of a study that of its plan, of a fit alone that for ten times its runs; else empty."""
    if not is_fit(view):
        return section(view, "plan").get("size") or {}
    return next((size for factor, size in _sizes_of_fit(view) if factor == _AHEAD), {})


def open_size(view: View) -> Mapping[str, Any]:
    """The forecast that is not identified: of a fit alone that of the least compute among its optima; else empty."""
    known = _sizes_of_fit(view) if is_fit(view) else [(1.0, forecast_size(view))]
    return next((size for factor, size in known if factor <= _AHEAD and is_open(size)), {})


def _sizes_of_fit(view: View) -> list[tuple[float, Mapping[str, Any]]]:
    return [(entry["factor"], entry["forecast"]) for entry in view.get("optima") or () if entry.get("forecast")]


def is_open(size: Mapping[str, Any]) -> bool:
    """Whether there is a forecast and it does not identify the size."""
    return size.get("identified") is False and pair(size.get("interval")) is not None


def range_words(interval: Sequence[float]) -> str:
    """`between 900M and 4.1B, not identified by these runs`."""
    low, high = map(format_quantity, interval)
    return f"between {low} and {high}, not identified by these runs"


def run_next(size: Mapping[str, Any]) -> str:
    """Which runs would narrow the range, by the forecast's own notice, with a capital; empty where it has none."""
    said = next((item["message"] for item in size.get("warnings") or () if item.get("code") == _NOT_IDENTIFIED), "")
    # The notice stands alone elsewhere, and so begins with the range, which is printed already where this is.
    text = str(said).partition(": ")[2] or str(said)
    return text[:1].upper() + text[1:]


def say_open(size: Mapping[str, Any]) -> str:
    """`Parameters for 1e22 FLOPs: between ... and ..., not identified by these runs. Before the planned run, ...`."""
    where = f" for {format_flops(size['flops'])} FLOPs" if size.get("flops") else ""
    following = run_next(size)
    return f"Parameters{where}: {range_words(size['interval'])}." + (f" {following}." if following else "")


def _alone(item: Mapping[str, Any]) -> str:
    """`171K (201K with the bend), weight 31 %`, or why it has none."""
    N, bent = format_quantity(item["params"]), item.get("bent")
    moved = f" ({format_quantity(bent)} with the bend)" if bent and format_quantity(bent) != N else ""
    return f"{N}{moved}, {_weight(item) or 'no weight: ' + str(item.get('reason') or 'no reason is recorded')}"


def _weight(item: Mapping[str, Any]) -> str:
    return f"weight {100 * item['weight']:.0f} %" if item.get("weight") else ""


def _estimators(size: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in size.get("estimators") or () if item.get("params")]


def estimator_facts(size: Mapping[str, Any]) -> list[KeyValue]:
    """A line for each estimator: what it alone says, and its weight or why it has none."""
    return [KeyValue(label=_short(item), value=_alone(item)) for item in _estimators(size)]


def _short(item: Mapping[str, Any]) -> str:
    name = str(item.get("estimator"))
    return ESTIMATOR_SHORT.get(name, str(item.get("label") or name))


def estimator_grid(size: Mapping[str, Any]) -> SmallTable | None:
    """What each estimator says alone and with the bend, its interval, weight and why it has none; the mixture last."""
    rows = [
        (
            str(item.get("label") or _short(item)),
            format_quantity(item["params"]),
            format_quantity(item.get("bent") or item["params"]),
            interval_text(item.get("interval")),
            _weight(item).removeprefix("weight ") or "none",
            str(item.get("reason") or ""),
        )
        for item in _estimators(size)
    ]
    if rows and size.get("params"):
        rows.append((MIXED, "", format_quantity(size["params"]), interval_text(size.get("interval")), "", ""))
    if not rows:
        return None
    where = f" at {format_flops(size['flops'])} FLOPs" if size.get("flops") else ""
    own = size.get("level") or LEVEL
    level = f", {100 * LEVEL:g} % intervals" + ("" if own == LEVEL else f" ({100 * own:g} % of the forecast)")
    columns = ("estimator", "N alone", "with the bend", "interval", "weight", "why it has none")
    last = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    return SmallTable(
        heading=f"Best size{where} by estimator{level}",
        columns=columns[:last],
        rows=tuple(row[:last] for row in rows),
        note=bend_text(size),
    )


def bend_text(size: Mapping[str, Any]) -> str:
    """What is known of the bend; empty where the forecast does not say."""
    bend = size.get("bend") or {}
    if bend.get("mean") is None or bend.get("sd") is None:
        return ""
    mean = f"{bend['mean']:+.4f}".replace("-", "−")
    return f"Bend: ln N_opt leaves a straight line by {mean} ± {bend['sd']:.4f} (one standard deviation) times (ln C)²."


def backtest_of(view: View) -> Mapping[str, Any]:
    """The backtest of the size; empty where there is none, or a number of it is missing."""
    found = section(view, "size_backtest")
    known = all(found.get(name) for name in ("held_out_budget_flops", "predicted", "actual"))
    return found if known and pair(found.get("interval")) else {}


def say_backtest(tested: Mapping[str, Any]) -> str:
    """What was forecast for the top budget's best size without it, and what came; without a capital and full stop."""
    missed = ", outside that interval" if _judged(tested) == "outside" else ""
    text = (
        f"the best size at {format_flops(tested['held_out_budget_flops'])} FLOPs, forecast from below: "
        f"{with_interval(tested['predicted'], tested['interval'])}; came {format_quantity(tested['actual'])}{missed}"
    )
    wasted = tested.get("wasted")
    if wasted is None:
        return text
    share = f"{100 * wasted:.1f} %" if wasted >= 0.0005 else "less than 0.1 %"
    return f"{text}; a run of the forecast size would have wasted {share} of its compute"


def backtest_facts(view: View) -> list[KeyValue]:
    """The forecast of the top budget's best size and the vertex that came, in a line."""
    tested = backtest_of(view)
    if not tested:
        return []
    value = f"{with_interval(tested['predicted'], tested['interval'])}; came {format_quantity(tested['actual'])}"
    where = f"N at {format_flops(tested['held_out_budget_flops'])} FLOPs"
    return [KeyValue(label="Best size", value=value, note=f"{where}, {_judged(tested)} the interval")]


def _judged(tested: Mapping[str, Any]) -> str:
    low, high = tested["interval"]
    return "inside" if low <= tested["actual"] <= high else "outside"


def size_group(view: View) -> tuple[str, list[KeyValue]]:
    """(heading, facts) of the forecast: of a fit alone the mixture, then each estimator; of a study the estimators."""
    size = forecast_size(view)
    facts = estimator_facts(size)
    if not facts:
        return "Best size", []
    if not is_fit(view):
        return "Best size by each estimator alone", facts
    value = range_words(size["interval"]) if is_open(size) else with_interval(size["params"], size["interval"])
    heading = f"Best size at {format_flops(size['flops'])} FLOPs, ten times the largest compute"
    return heading, [KeyValue(label=MIXED.capitalize(), value=value), *facts]


FURTHEST = 10.0
"""Times the largest compute of the runs to which the forecast goes where no budget is planned: as for the frontiers."""

_POINTS = 25


def size_parts(report: FitReport, target_flops: float | None = None) -> dict[str, Any]:
    """{size_backtest, size_band} of a view: the object of the fit's JSON or None, and the forecast from the runs' range
    to `target_flops`, without one to FURTHEST times the range."""
    return {
        "size_backtest": None if report.size_backtest is None else report.size_backtest.as_json(),
        "size_band": _band(report, target_flops or FURTHEST * report.flops_range[1]),
    }


def _band(report: FitReport, target_flops: float) -> list[dict[str, Any]]:
    """[{flops, params, tokens, params_interval, tokens_interval}], without the budgets that have no forecast."""
    low, high = report.flops_range
    points = (size_at(report, float(flops)) for flops in np.geomspace(low, max(high, target_flops), _POINTS))
    names = ("flops", "params", "tokens", "params_interval", "tokens_interval")
    return [{name: point[name] for name in names} for point in points if point is not None]


def size_at(report: FitReport, flops: float) -> dict[str, Any] | None:
    """The JSON of the forecast of the size at `flops` FLOPs, with `tokens`, `params_interval` and `tokens_interval`: D
    that the budget pays for at each N. None where the fit makes no forecast there."""
    if report.sizes is None:
        return None
    try:
        found = report.sizes.at(flops)
    except RefusedError:  # no estimator has a least loss along this budget
        return None
    low, high = found.interval
    fewest, tokens, most = (float(flops / report.cost.flops_per_token(N)) for N in (high, found.params, low))
    return {
        **found.as_json(),
        "tokens": tokens,
        "params_interval": list(found.interval),
        "tokens_interval": [fewest, most],
    }


def size_notices(report: FitReport) -> tuple[Notice, ...]:
    """Why there is no backtest of the size, where a law could be fitted and there is none."""
    if not report.size_backtest_refused or not report.fitted:
        return ()
    message = f"no forecast of the best size was tested on these runs: {report.size_backtest_refused}"
    return (Notice(code="no_size_backtest", message=message),)
