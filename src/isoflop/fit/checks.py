"""What the data can and cannot say about the five constants: refusals before the fit, verdicts after it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import RefusedError
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.fit.resample import percentile_interval
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations
from isoflop.units import format_flops, format_quantity

_PARAMETERS = 5
_BUDGETS_FOR_FLOOR = 4  # with fewer budgets E fits anywhere between 0 and the best loss
# Scatter of ln D about a line in ln N below which the size and the token term are one term: 5 %.
_SCATTER = 0.05
# Width of the 90 % interval, over the value, above which a constant is not known; for A and B in factors.
_WIDEST = {"E": 0.5, "alpha": 0.8, "beta": 0.8}
_WIDEST_FACTOR = 30.0
_WIDEST_EXPONENT = 0.35


def refuse_unfittable(data: Observations) -> None:
    """Raise RefusedError where approach 3 cannot work: too few rows, one size, one horizon, one budget, D ~ N."""
    if len(data) < _PARAMETERS + 2:
        dropped = f"; {len(data.dropped)} of {data.rows_read} rows were dropped" if data.dropped else ""
        raise RefusedError(
            "too_few_rows",
            f"approach 3 has {_PARAMETERS} constants and needs {_PARAMETERS + 2} rows, got {len(data)}{dropped}",
        )
    if np.ptp(np.log(data.loss)) < 1e-9:
        raise RefusedError("constant_loss", f"all {len(data)} losses are {data.loss[0]:g}: nothing to fit")
    x, y = np.log(data.N), np.log(data.D)
    if np.ptp(x) < 1e-6:
        raise RefusedError(
            "one_size",
            f"all runs have N = {format_quantity(float(data.N[0]))}: A and alpha are not identified; add other sizes",
        )
    if np.ptp(y) < 1e-6:
        raise RefusedError(
            "one_horizon",
            f"all runs have D = {format_quantity(float(data.D[0]))} tokens: B and beta are not identified; "
            "add other token counts",
        )
    labels = budget_labels(data)
    if np.all(labels == 0):
        raise RefusedError(
            "one_budget",
            f"all runs spent about {format_flops(float(np.median(data.C)))} FLOPs: one isoFLOP budget does not "
            "identify E, alpha and beta; add budgets (four identify E)",
        )
    slope = float(np.polyfit(x, y, 1)[0])
    scatter = float(np.std(y - y.mean() - slope * (x - x.mean())))
    if scatter < _SCATTER:
        ratio = f", D / N between {np.min(data.D / data.N):.3g} and {np.max(data.D / data.N):.3g}"
        raise RefusedError(
            "collinear",
            f"D follows N^{slope:.2f} to within {scatter:.1%}{ratio}: the size term and the token term cannot be told "
            "apart; vary tokens at fixed size",
        )


def identified(data: Observations, law: ChinchillaLaw, draws: ChinchillaLaw) -> tuple[dict[str, bool], str]:
    """({constant or `a`: known}, why E is not, or ""): from the spread over resamples and the design.

    A constant is known when its 90 % interval is narrower than a share of its value (E .5, alpha and beta .8 of it; A
    and B a factor 30, as they trade with their exponents; a .35) and E also stays away from 0.
    """
    verdict = {}
    for name, widest in _WIDEST.items():
        low, high = percentile_interval(getattr(draws, name), 0.9)
        value = float(getattr(law, name))
        verdict[name] = bool(value > 0 and (high - low) < widest * value and low > 0)
    for name in ("A", "B"):
        low, high = percentile_interval(np.log(np.asarray(getattr(draws, name))), 0.9)
        verdict[name] = bool(high - low < np.log(_WIDEST_FACTOR))
    low, high = percentile_interval(draws.a, 0.9)
    verdict["a"] = bool(high - low < _WIDEST_EXPONENT)
    reason = ""
    if float(law.E) < 0.02 * data.loss.min():
        verdict["E"], reason = False, "E runs to 0"
    elif not verdict["E"]:
        low, high = percentile_interval(draws.E, 0.9)
        reason = f"resamples put E between {low:.3g} and {high:.3g}"
    budgets = count_budgets(data)
    if budgets is not None and budgets < _BUDGETS_FOR_FLOOR:
        verdict["E"] = False
        reason = f"{budgets} isoFLOP budgets; at least {_BUDGETS_FOR_FLOOR} are needed to tell E from the falling terms"
    return verdict, reason


def count_budgets(data: Observations) -> int | None:
    """Number of isoFLOP budgets; None where the runs are not laid out in budgets."""
    labels = budget_labels(data)
    return len(np.unique(labels[labels >= 0])) if is_isoflop_design(labels) else None


def strata(data: Observations) -> NDArray[np.int64]:
    """Labels to resample within: the budget for isoFLOP designs, else one stratum."""
    labels = budget_labels(data)
    return labels if is_isoflop_design(labels) else np.zeros(len(data), dtype=np.int64)
