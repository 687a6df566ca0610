"""What a fit says of the best size of budgets to come, as parts of a view."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.errors import Notice, RefusedError
from isoflop.fit import FitReport

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
    if not report.size_backtest_refused or not any(fit.ok for fit in report.fits.values()):
        return ()
    message = f"no forecast of the best size was tested on these runs: {report.size_backtest_refused}"
    return (Notice(code="no_size_backtest", message=message),)
