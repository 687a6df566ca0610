"""Residuals of the parametric fit, as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.report.figures.scaling import fitted_law
from isoflop.report.view import Absent, View, approach, done_runs

_MOST_GROUPS, _FEWEST_A_GROUP = 8, 5


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """ln(observed loss / fitted loss) of every row that the parametric fit used."""

    run_ids: tuple[str, ...]
    params: tuple[float, ...]
    tokens: tuple[float, ...]
    flops: tuple[float, ...]
    residual: tuple[float, ...]
    """ln(observed) - ln(fitted): 0.01 means the run ended 1 % above the law."""

    @property
    def tokens_per_param(self) -> tuple[float, ...]:
        """D / N of every row."""
        return tuple(d / n for n, d in zip(self.params, self.tokens, strict=True))

    @property
    def rms(self) -> float:
        """Root mean square of `residual`."""
        return float(np.sqrt(np.mean(np.square(self.residual))))


def residuals(view: View) -> Residuals | Absent:
    """From the fit's own table of residuals where it has one, else from its constants and the isoFLOP runs."""
    fit = approach(view, "parametric")
    if not fit:
        return Absent(sentence="Residuals: there is no parametric fit here.")
    if fit.get("residuals"):
        names = ("params", "tokens", "flops", "loss", "predicted")
        rows = [(str(row.get("run_id", "")), *(float(row[name]) for name in names)) for row in fit["residuals"]]
    else:
        law = fitted_law(view)
        rows = [
            (run.run_id, run.params, run.tokens, run.flops, run.loss, float(law.loss(run.params, run.tokens)))
            for run in done_runs(view, "isoflop")
            if run.params and run.tokens
        ]
    if not rows:
        return Absent(sentence="Residuals: the rows of the fit are not recorded here.")
    ids, params, tokens, flops, observed, fitted = zip(*rows, strict=True)
    return Residuals(
        run_ids=ids,
        params=tuple(map(float, params)),
        tokens=tuple(map(float, tokens)),
        flops=tuple(map(float, flops)),
        residual=tuple(map(float, np.log(np.array(observed, dtype=float) / np.array(fitted, dtype=float)))),
    )


def drawn_reach(values: Residuals) -> float:
    """Per cent up to which residuals are drawn in place: the largest, or eight times the typical where that is less.

    Huber's loss keeps outliers, and one of them would press all other rows into a line.
    """
    percents = np.abs(100 * np.expm1(np.asarray(values.residual)))
    typical = 1.4826 * float(np.median(percents))  # the standard deviation, were they normal
    return float(min(percents.max(), max(8 * typical, 0.01)))


def beyond_reach(values: Residuals) -> int:
    """Number of rows that lie beyond `drawn_reach`."""
    return int(np.sum(np.abs(100 * np.expm1(np.asarray(values.residual))) > 1.15 * drawn_reach(values)))


def running_median(x: Sequence[float], residual: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(x, residual) medians of up to eight groups of equal count in order of x; empty with fewer than 15 rows.

    Five rows a group and three groups: with less a median is the noise of a run or two.
    """
    groups = min(_MOST_GROUPS, len(x) // _FEWEST_A_GROUP)
    if groups < 3 or len(set(x)) < 3:
        return (), ()
    order = np.argsort(np.asarray(x), kind="stable")
    parts = np.array_split(order, groups)
    at = [float(np.exp(np.median(np.log(np.asarray(x)[part])))) for part in parts]
    return tuple(at), tuple(float(np.median(np.asarray(residual)[part])) for part in parts)
