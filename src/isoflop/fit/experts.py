"""The law of mixtures of experts fitted to a table, and how well it predicted each next size of the same table."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import JsonObject
from isoflop.fit.forms.form import fit_by_differences
from isoflop.laws.expert_loss import ExpertLossLaw
from isoflop.observations.expert_rows import ExpertRows, check_enough

DELTA = 0.01
"""Residuals of ln loss beyond it count linearly. Ten times that of approach 3: routers and settings that a table does
not tell apart scatter by 1 to 2 % of the loss at the same size (Clark et al. 2022, 2202.01169, section 4)."""
_STARTS = (
    (0.0, 0.5),
    (-1.0, 0.8),
    (0.35, 0.0),
)  # ln of floor and of the falling term: three are enough for one optimum
_MOST_FLOOR = 0.999


@dataclass(frozen=True, kw_only=True)
class NextSize:
    """A prediction of the next active size from all smaller ones."""

    params: float
    """Active parameters of the size that was predicted."""
    rows: int
    r_squared: float
    """1 - squared errors over squared deviations from the mean of that size."""
    ceiling: float
    """The largest that any law of size and experts can reach there: the rest is scatter within the same cell."""
    mean_error: float
    """Mean of (actual - predicted) / actual."""


@dataclass(frozen=True, kw_only=True)
class ExpertFit:
    """The law of all rows, with its past forecasts."""

    law: ExpertLossLaw
    rows: ExpertRows
    residual_sd: float
    """Standard deviation of the residuals of ln loss."""
    past: tuple[NextSize, ...]

    def as_json(self) -> JsonObject:
        """A JSON object; constants under the names of the law."""
        names = ("params", "rows", "r_squared", "ceiling", "mean_error")
        return {
            "experts": {
                "status": "ok",
                "law": "E + A N^-(alpha - gamma) T^-gamma + B D^-beta",
                "constants": self.law.as_json(),
                "rows_used": len(self.rows),
                "residual_sd": self.residual_sd,
                "next_size": [{name: getattr(size, name) for name in names} for size in self.past],
            },
            "observations": {
                "rows_read": self.rows.rows_read,
                "rows_used": len(self.rows),
                "active_params": [float(self.rows.active.min()), float(self.rows.active.max())],
            },
        }


def fit_experts(rows: ExpertRows) -> ExpertFit:
    """The fit of a table of experts. Raises RefusedError for too few runs or sizes."""
    sizes = np.unique(rows.active)
    check_enough(rows, len(sizes))
    law = fit_law(rows)
    past = []
    for before, size in pairwise(sizes[1:]):
        seen, next_rows = rows.some(rows.active <= before), rows.some(rows.active == size)
        if len(next_rows) > 1:
            past.append(_next_size(fit_law(seen), next_rows))
    return ExpertFit(
        law=law,
        rows=rows,
        residual_sd=float(np.std(np.log(predicted(law, rows)) - np.log(rows.loss))),
        past=tuple(past),
    )


def predicted(law: ExpertLossLaw, rows: ExpertRows) -> Array:
    """Losses of the law at the rows' sizes."""
    total = rows.total
    if total is None:
        assert rows.experts is not None, "rows have total parameters or experts"
        total = law.total(rows.active, rows.experts)
    return law.loss(rows.active, total, rows.tokens)


def fit_law(rows: ExpertRows) -> ExpertLossLaw:
    """The law of least Huber loss of ln residuals, the best of several starts.

    theta: ln E, ln A at the mean size, alpha, gamma, logit of the experts' share, ln B at the mean tokens, beta.
    """
    x = np.log(rows.active)
    x_mean = float(x.mean())
    x = x - x_mean
    spread = None if rows.total is None else np.log(rows.total / rows.active)
    more = None if rows.experts is None else rows.experts - 1
    y = np.zeros_like(x) if rows.tokens is None else np.log(rows.tokens)
    y_mean = float(y.mean())
    z = np.log(rows.loss)

    def residuals(theta: Array) -> Array:
        """ln of the predicted less ln of the observed loss, (starts, rows)."""
        e, a, alpha, gamma, share, b, beta = (theta[:, i, None] for i in range(7))
        over = spread if spread is not None else np.log1p(more / (1 + np.exp(-share)))
        terms = np.logaddexp(e, a - alpha * x - gamma * over)
        if rows.tokens is not None:
            terms = np.logaddexp(terms, b - beta * (y - y_mean))
        return np.asarray(terms - z)

    floor = float(np.log(_MOST_FLOOR * rows.loss.min()))
    lowest = np.array([-3.0, -6.0, 0.01, 0.0, -5.0, -8.0, 0.01])
    highest = np.array([floor, 3.0, 1.5, 1.0, 5.0, 3.0, 1.5])
    starts = np.array([[min(e, floor - 0.1), a, 0.3, 0.1, 0.0, -0.5, 0.3] for e, a in _STARTS])
    weights = np.full((1, len(z)), 1 / len(z))
    theta, objective = fit_by_differences(residuals, DELTA, starts, weights, (lowest, highest))
    e, a, alpha, gamma, share, b, beta = (float(value) for value in theta[int(np.argmin(objective))])
    with_tokens = rows.tokens is not None
    return ExpertLossLaw(
        E=float(np.exp(e)),
        A=float(np.exp(a + alpha * x_mean)),
        alpha=alpha,
        gamma=gamma,
        B=float(np.exp(b + beta * y_mean)) if with_tokens else 0.0,
        beta=beta if with_tokens else 0.0,
        expert_share=None if rows.experts is None else float(1 / (1 + np.exp(-share))),
    )


def _next_size(law: ExpertLossLaw, rows: ExpertRows) -> NextSize:
    expected, spread = predicted(law, rows), float(((rows.loss - rows.loss.mean()) ** 2).sum())
    cells = rows.experts if rows.experts is not None else rows.total
    assert cells is not None, "rows have total parameters or experts"
    means = {cell: rows.loss[cells == cell].mean() for cell in np.unique(cells)}
    within = rows.loss - np.array([means[cell] for cell in cells])
    return NextSize(
        params=float(rows.active[0]),
        rows=len(rows),
        r_squared=1 - float(((rows.loss - expected) ** 2).sum()) / spread,
        ceiling=1 - float((within**2).sum()) / spread,
        mean_error=float(((rows.loss - expected) / rows.loss).mean()),
    )
