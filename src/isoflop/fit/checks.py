"""What a table cannot answer at all, refused before the fit; and how its runs are laid out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import RefusedError
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.observations import Observations
from isoflop.units import format_flops, format_quantity

_PARAMETERS = 5
# Scatter of ln D about a line in ln N below which the size and the token term are one term: 5 %.
_SCATTER = 0.05


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


def count_budgets(data: Observations) -> int | None:
    """Number of isoFLOP budgets; None where the runs are not laid out in budgets."""
    labels = budget_labels(data)
    return len(np.unique(labels[labels >= 0])) if is_isoflop_design(labels) else None


def strata(data: Observations) -> NDArray[np.int64]:
    """Labels to resample within: the budget for isoFLOP designs, else one stratum."""
    labels = budget_labels(data)
    return labels if is_isoflop_design(labels) else np.zeros(len(data), dtype=np.int64)
