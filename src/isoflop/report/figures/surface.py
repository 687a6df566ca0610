"""The contour of L(N, D) with the frontier and the runs, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from isoflop.report.figures.scaling import Marker, fitted_law, fitted_optimum, has_optimum, study_range
from isoflop.report.view import Absent, View, done_runs, plan_of

_SIDE = 60
_MOST_DRAWN = 3000  # runs: more are one dark cloud, and megabytes


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The fitted loss over a log grid of N and D that holds every run."""

    params: tuple[float, ...]
    tokens: tuple[float, ...]
    loss: tuple[tuple[float, ...], ...]
    """loss[i][j] at tokens[i], params[j]."""
    frontier_params: tuple[float, ...]
    frontier_tokens: tuple[float, ...]
    """The compute-optimal pairs of the parametric fit inside the grid."""
    run_params: tuple[float, ...]
    run_tokens: tuple[float, ...]
    run_loss: tuple[float, ...]
    plan: Marker | None
    """The planned (N, D); its `flops` field holds N, its `value` D."""


def surface(view: View) -> Surface | Absent:
    """L(N, D) of the parametric fit."""
    if not has_optimum(view):
        return Absent(sentence="Contour of L(N, D): there is no parametric fit with an optimum here.")
    runs = done_runs(view)
    shown = runs[:: math.ceil(len(runs) / _MOST_DRAWN) or 1]
    plan = plan_of(view)
    n = [run.params for run in runs if run.params] + ([plan["params"]] if plan else [])
    d = [run.tokens for run in runs if run.tokens] + ([plan["tokens"]] if plan else [])
    if not n or not d:
        return Absent(sentence="Contour of L(N, D): no run says where to draw it.")
    params = np.geomspace(min(n) / 1.4, max(n) * 1.4, _SIDE)
    tokens = np.geomspace(min(d) / 1.4, max(d) * 1.4, _SIDE)
    loss = fitted_law(view).loss(params[None, :], tokens[:, None])
    best_params, best_tokens = fitted_optimum(view, np.geomspace(*study_range(view), _SIDE))
    pairs = [
        (a, b)
        for a, b in zip(best_params, best_tokens, strict=True)
        if params[0] <= a <= params[-1] and tokens[0] <= b <= tokens[-1]
    ]
    return Surface(
        params=tuple(map(float, params)),
        tokens=tuple(map(float, tokens)),
        loss=tuple(tuple(map(float, row)) for row in loss),
        frontier_params=tuple(float(a) for a, _ in pairs),
        frontier_tokens=tuple(float(b) for _, b in pairs),
        run_params=tuple(float(run.params or 0) for run in shown),
        run_tokens=tuple(float(run.tokens or 0) for run in shown),
        run_loss=tuple(float(run.loss or 0) for run in shown),
        plan=Marker(label="plan", flops=float(plan["params"]), value=float(plan["tokens"])) if plan else None,
    )
