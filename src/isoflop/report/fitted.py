"""The view of a fit alone: what `isoflop fit` found in a table of runs, as the dict that page and terminal read."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import numpy as np

from isoflop import __version__
from isoflop.errors import RefusedError
from isoflop.fit import LEVEL, AnyFit, FitReport
from isoflop.report.panels.best_size import size_at, size_notices, size_parts

SCHEMA = 1

FACTORS = (1.0, 10.0, 100.0)
"""Multiples of the largest compute of the runs at which the optimum is told."""

_FEWEST_ON_A_CURVE = 3


def fit_view(report: FitReport, title: str) -> dict[str, Any]:
    """The view of `report`: its JSON, the optimum at 1, 10 and 100 times its compute, and curves where runs have them.

    `kind` is `fit`, which a study's view does not have. `title` names the table or the file of the fit.
    """
    fit = report.as_json()
    seen = fit["observations"]
    return {
        "schema": SCHEMA,
        "kind": "fit",
        "title": title,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"isoflop": __version__, "python": platform.python_version(), "numpy": np.__version__},
        "conventions": {
            "params": seen.get("params_convention"),
            "flops": seen.get("flops_convention"),
            "loss_unit": seen.get("loss_unit"),
        },
        "fit": fit,
        "optima": [_optimum(report, factor) for factor in FACTORS],
        "curves": _curves(fit),
        **size_parts(report),
        "notices": [notice.as_json() for notice in size_notices(report)],
    }


def _optimum(report: FitReport, factor: float) -> dict[str, Any]:
    """{factor, flops, forecast, <approach>: {params, tokens, their intervals, loss, loss_interval}} of the approaches
    with a law.

    The loss is that of one run at the parametric optimum, as `isoflop predict` says it; the forecast that of the size,
    which a plan takes, or None.
    """
    flops = factor * report.flops_range[1]
    found: dict[str, Any] = {"factor": factor, "flops": flops, "forecast": size_at(report, flops)}
    for name, fit in report.fitted.items():
        params, tokens = fit.optimum(flops)
        entry: dict[str, Any] = {
            "params": params,
            "params_interval": _interval(fit, flops, 0),
            "tokens": tokens,
            "tokens_interval": _interval(fit, flops, 1),
        }
        if name == "parametric":
            entry |= _loss(report, params, tokens)
        found[name] = entry
    return found


def _interval(fit: AnyFit, flops: float, place: int) -> list[float] | None:
    """Of N (place 0) or D (1) at the optimum."""
    if fit.draws is None:
        return None
    low, high = fit.interval(lambda law: law.optimum(flops, fit.cost)[place], LEVEL)
    return [float(low), float(high)] if np.isfinite(low) and np.isfinite(high) else None


def _loss(report: FitReport, params: float, tokens: float) -> dict[str, Any]:
    try:
        forecast = report.predict(params, tokens)
    except RefusedError:  # made without draws: there is no interval, and the law's own loss is in the frontier
        return {}
    return {"loss": forecast.loss, "loss_interval": list(forecast.interval)}


def _curves(fit: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    """{run: {tokens, flops, loss}} of the runs with several rows, as far as they are kept."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in fit["parametric"].get("residuals") or fit.get("rows") or ():
        rows.setdefault(str(row["run_id"]), []).append(row)
    curves = {}
    for run, points in rows.items():
        if len(points) >= _FEWEST_ON_A_CURVE:
            points.sort(key=lambda row: float(row["flops"]))
            curves[run] = {name: [float(row[name]) for row in points] for name in ("tokens", "flops", "loss")}
    return curves
