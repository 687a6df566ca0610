"""What a table cannot answer: refused before the fit, or where the runs scatter too much about it; and its design."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.fit.budgets import budget_labels, is_isoflop_design
from isoflop.units import format_flops, format_number, format_quantity, percent

if TYPE_CHECKING:
    from isoflop.observations import Observations

_PARAMETERS = 5
# Scatter of ln N or ln D below which all runs are of one size or one length; of ln D about a line in ln N, below which
# the size and the token term are one term: 5 %.
_SCATTER = 0.05
_SURE = 4.0  # standard errors by which losses must rise with tokens before the fit is not even tried
_FLAT = 1e-3  # slope of ln loss that rounding of losses can make
_FEWEST_FOR_CURVES = 12  # rows, for a surface with six coefficients
MOST_SCATTER = 0.15
"""Largest relative scatter of losses about a fit. Ten times the compute lowers losses by 11 % (Kaplan et al. 2020,
C^-.05) to 17 % (Hoffmann et al. 2022, 1e18 to 1e20 FLOPs): where runs scatter by as much, a run is not to be
distinguished from one of ten times its compute. Of the public tables that were tried the law leaves 9 % at most, in one
with down to .01 tokens a parameter; seeds differ by .1 to .5 %."""
_SHOWN = 3  # worst rows that a refusal names


def refuse_unfittable(data: Observations) -> None:
    """Raises RefusedError where approach 3 cannot work.

    Codes: `too_few_rows`, `constant_loss`, `one_size`, `one_horizon`, `one_budget`, `collinear` (D follows N), and
    `loss_does_not_fall`.
    """
    if len(data) > 2:
        _refuse_one_value(data)
    if len(data) < _PARAMETERS + 2:
        raise RefusedError(
            "too_few_rows",
            f"approach 3 has {_PARAMETERS} constants and needs {_PARAMETERS + 2} rows, "
            f"got {len(data)}{_left_out(data)}",
        )
    x, y = np.log(data.N), np.log(data.D)
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
        ratio = f", D / N between {format_number(np.min(data.D / data.N))} and {format_number(np.max(data.D / data.N))}"
        raise RefusedError(
            "collinear",
            f"D follows N^{slope:.2f} to within {percent(scatter)}{ratio}: the size term and the token term cannot be "
            "distinguished; vary tokens at fixed size",
        )
    _refuse_rising(x, y, np.log(data.loss))


def _refuse_one_value(data: Observations) -> None:
    """Raises RefusedError where all losses, all sizes or all token counts are one."""
    if np.ptp(np.log(data.loss)) < 1e-9:
        raise RefusedError(
            "constant_loss", f"all {len(data)} losses are {format_number(data.loss[0], 6)}: nothing to fit"
        )
    sizes, tokens = np.log(data.N), np.log(data.D)
    if np.std(sizes) < _SCATTER:
        raise RefusedError(
            "one_size",
            f"all runs have N = {format_quantity(float(np.median(data.N)))}: A and alpha are not identified; "
            "add other sizes",
        )
    if np.std(tokens) < _SCATTER:
        raise RefusedError(
            "one_horizon",
            f"all runs have D = {format_quantity(float(np.median(data.D)))} tokens: B and beta are not identified; "
            "add other token counts",
        )


def _refuse_rising(x: Array, y: Array, log_loss: Array) -> None:
    """Raises RefusedError where losses rise with N or with D, beyond doubt: in a plane and in a quadratic surface."""
    x, y = x - x.mean(), y - y.mean()
    plane = np.stack([np.ones_like(x), x, y], axis=1)
    slopes, spread = _least_squares(plane, log_loss)
    if len(x) >= _FEWEST_FOR_CURVES:
        curved, curved_spread = _least_squares(np.column_stack([plane, x * x, x * y, y * y]), log_loss)
    else:
        curved, curved_spread = slopes, spread
    for at, what in ((1, "parameters at fixed tokens"), (2, "tokens at fixed size")):
        surely = slopes[at] > _SURE * spread[at] and curved[at] > _SURE * curved_spread[at]
        if surely and slopes[at] > _FLAT:
            raise RefusedError(
                "loss_does_not_fall",
                f"the losses rise with {what} (ln loss by {format_number(slopes[at], 2)} for each factor e): the law E "
                "+ A/N^alpha + "
                "B/D^beta only falls; is this the right column of losses, and do the runs differ in anything else?",
            )


def _least_squares(design: Array, values: Array) -> tuple[Array, Array]:
    """(coefficients, their standard errors)."""
    coefficients, *_ = np.linalg.lstsq(design, values, rcond=None)
    residuals = values - design @ coefficients
    variance = float(residuals @ residuals) / max(1, len(values) - design.shape[1])
    spread = np.sqrt(variance * np.diag(np.linalg.pinv(design.T @ design)))
    return np.asarray(coefficients, dtype=np.float64), np.asarray(spread, dtype=np.float64)


def _left_out(data: Observations) -> str:
    """ "; 39 of 40 rows were left out (39 duplicate)", or nothing."""
    if not data.dropped:
        return ""
    kinds = Counter(item.code.replace("_", " ") or "other" for item in data.dropped)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"; {len(data.dropped)} of {data.rows_read} rows were left out ({listed})"


def count_budgets(data: Observations) -> int | None:
    """Number of isoFLOP budgets; None where the runs are not laid out in budgets."""
    labels = budget_labels(data)
    return len(np.unique(labels[labels >= 0])) if is_isoflop_design(labels) else None


def strata(data: Observations) -> NDArray[np.int64]:
    """Labels to resample within: the budget for isoFLOP designs, else one stratum."""
    labels = budget_labels(data)
    return labels if is_isoflop_design(labels) else np.zeros(len(data), dtype=np.int64)


def refuse_scatter(scatter: float, of: str, rows: NDArray[np.int64] | None = None, off: Array | None = None) -> None:
    """Raises RefusedError `poor_fit` where runs scatter about a fit by more than 15 % of the loss.

    `of` says what about; `rows` and how far their ln losses lie `off`, where known, name the worst.
    """
    if scatter <= MOST_SCATTER:
        return
    worst = ""
    if rows is not None and off is not None:
        order = np.argsort(-np.abs(off), kind="stable")[:_SHOWN]
        named = ", ".join(f"row {rows[i]} by {percent(np.expm1(off[i]), 0, sign=True)}" for i in order.tolist())
        worst = f"; furthest off are {named}"
    raise RefusedError(
        "poor_fit",
        f"the losses scatter by {percent(scatter, 0)} about {of}, and beyond {percent(MOST_SCATTER, 0)} a run does not "
        f"tell a model from one of ten times its compute{worst}: look for diverged runs, losses in several units or of "
        "several data sets, and columns that are not what they are called",
    )
