"""The least loss over training curves at each compute, as it is drawn: of runs under way, so it has no exponent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array
from isoflop.fit.result import CurveEnvelope, Envelope
from isoflop.fit.schedule_checks import rows_of_runs

if TYPE_CHECKING:
    from isoflop.observations import Observations

Curve = tuple[ArrayLike, ArrayLike, ArrayLike]
"""(tokens, FLOPs, loss) along one run."""

_POINTS = 150  # FLOP values, log-spaced; of the 1,500 of Hoffmann et al. 2022, section 3.1, neighbours choose one run
_WINDOW = 0.04  # sd of the Gaussian smoothing in ln C; a run's last tenth spans .1
_WIDEST = 0.1  # to which it widens to take in three points
_SPARSE = 0.7  # spacings, the sd where points are further apart yet: evaluations, which interpolation serves better
_LAST_SHARE = 0.85  # of its run: where the points lie when each schedule ends with its run
_FEWEST_POINTS = 3
_LEARNING_PORTION = 0.05  # of a run's FLOPs: warm-up and the first fall are no compute optimum


def table_curves(observations: Observations) -> dict[str, Curve]:
    """{run_id: (tokens, flops, loss)} of the runs with three rows and more, by rising tokens."""
    curves = {}
    for rows in rows_of_runs(observations, _FEWEST_POINTS):
        # Two rows at one token count are two evaluations: the better one is the curve.
        rows = rows[np.concatenate([[True], np.diff(observations.D[rows]) > 0])]
        if len(rows) >= _FEWEST_POINTS and np.all(np.diff(observations.C[rows]) > 0):
            name = observations.run_id[rows[0]]
            curves[name] = (observations.D[rows], observations.C[rows], observations.loss[rows])
    return curves


def lower_envelope(observations: Observations, curves: Mapping[str, Curve]) -> CurveEnvelope | None:
    """The run of least loss at each compute from the first end of a run to the last; None without curves.

    N of each run is taken from `observations`.
    """
    size_of = dict(zip(observations.run_id, observations.N.tolist(), strict=True))
    tables = {run: np.asarray(curve, dtype=np.float64) for run, curve in curves.items() if run in size_of}
    tables = {run: table for run, table in tables.items() if table.shape[1] >= _FEWEST_POINTS}
    # Names of runs must not decide the order.
    names = sorted(tables, key=lambda run: (size_of[run], *tables[run][:, -1].tolist(), *tables[run][:, 0].tolist()))
    if not names:
        return None
    logs = [np.log(tables[run][1]) for run in names]
    ends = np.array([log[-1] for log in logs])
    grid = np.linspace(ends.min(), ends.max(), _POINTS if np.ptp(ends) > 0 else 1)
    losses = np.stack([_smoothed(log, tables[run][2], grid) for run, log in zip(names, logs, strict=True)])
    covered = np.isfinite(losses).any(axis=0)
    grid, losses = grid[covered], losses[:, covered]
    if not len(grid):
        return None
    chosen = np.argmin(np.where(np.isfinite(losses), losses, np.inf), axis=0)
    return CurveEnvelope(
        curves=len(names),
        runs_on_envelope=len(np.unique(chosen)),
        share_in_last_15_percent=float(np.mean(grid > ends[chosen] + np.log(_LAST_SHARE))),
        envelope=Envelope(
            flops=tuple(np.exp(grid).tolist()),
            loss=tuple(losses[chosen, np.arange(len(chosen))].tolist()),
            params=tuple(size_of[names[i]] for i in chosen),
            run_id=tuple(names[i] for i in chosen),
        ),
    )


def _smoothed(log_flops: Array, loss: Array, grid: Array) -> Array:
    """The curve on the grid: a local line under a Gaussian window in ln C; NaN before its start and after its end.

    A window in ln C smooths the noise of small batches equally at all scales; the line keeps the end unbiased. Where
    points are further apart than the window it widens with them, to little more than interpolation.
    """
    usable = np.isfinite(loss) & (log_flops > log_flops[-1] + np.log(_LEARNING_PORTION))
    x, y = log_flops[usable], loss[usable]
    if len(x) < _FEWEST_POINTS:
        return np.full(len(grid), np.nan)
    inside = (grid >= x[0]) & (grid <= x[-1])
    # Steps are even in C, hence crowded in ln C towards the end: weight by spacing to make the window one in ln C.
    spacing = np.gradient(x)
    offset = x[None, :] - grid[inside, None]
    few = np.clip(1.5 * float(spacing.max()), _WINDOW, _WIDEST)
    width = np.maximum(few, _SPARSE * np.interp(grid[inside], x, spacing))[:, None]
    weight = spacing * np.exp(-0.5 * (offset / width) ** 2)
    s0, s1, s2 = weight.sum(1), (weight * offset).sum(1), (weight * offset**2).sum(1)
    t0, t1 = (weight * y).sum(1), (weight * offset * y).sum(1)
    determinant = s0 * s2 - s1**2
    out = np.full(len(grid), np.nan)
    out[inside] = np.where(
        determinant > 1e-12 * s0 * s2, (t0 * s2 - t1 * s1) / np.maximum(determinant, 1e-300), t0 / s0
    )
    return out
