"""Approach 1: the least loss over all training curves at each compute (Hoffmann et al. 2022, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.budgets import split_by_label
from isoflop.fit.parametric import fitted_provenance
from isoflop.fit.resample import percentile_interval
from isoflop.fit.result import LEVEL, Fit, frontier_bands
from isoflop.fit.units import few_runs
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw
from isoflop.observations import Observations

Array = NDArray[np.float64]
Curve = tuple[ArrayLike, ArrayLike, ArrayLike]

_POINTS = 1500  # FLOP values, log-spaced (Hoffmann et al. 2022, section 3.1)
_FEWEST_COVERED = 30  # of the FLOP values: three of those that resamples look at
_DRAW_EVERY = 10  # resamples look at each tenth of them: neighbours choose the same run
_WINDOW = 0.04  # sd of the Gaussian smoothing in ln C; a run's last tenth spans .1
_WIDEST = 0.1  # to which it widens to take in three points
_SPARSE = 0.7  # spacings, the sd where points are further apart yet: evaluations, which interpolation serves better
_LAST_SHARE = 0.85  # of its run: where the chosen points lie when each schedule ends with its run
_MATCHED = 0.95  # share of the chosen points that lie there, for the envelope to be one of finished runs
_DEEPEST = 60  # runs from the best one down, of which one is in every resample: each is in two of three
_FEWEST_RUNS = 3
_FEWEST_POINTS = 3
_LEARNING_PORTION = 0.05  # of a run's FLOPs: warm-up and the first fall are no compute optimum


@dataclass(frozen=True, kw_only=True, eq=False)
class _Runs:
    """Curves of several runs on one grid of ln C, smaller models first; what a run is called orders nothing."""

    names: tuple[str, ...]
    sizes: Array
    """N of each run."""
    ends: Array
    """ln C at which each ended."""
    grid: Array
    """ln C."""
    losses: Array
    """(runs, grid), NaN where a run has not begun or has ended."""
    log_tokens: Array
    """(runs, grid) ln D."""


def fit_envelope(
    observations: Observations,
    curves: Mapping[str, Curve] | None = None,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 4000,
    seed: int = 0,
) -> Fit:
    """Approach 1 from `curves` {run_id: (tokens, flops, loss)}, N of each run taken from `observations`.

    Without curves, rows of one run make its curve: at least three of them. FLOP values run from the smallest to the
    largest compute at which a run ended. `details["matched"]` says whether the envelope is one of finished runs: its
    points lie in the last 15 % of their run, or each row is stated to be the end of a schedule of its own.

    Raises RefusedError `no_curves` without curves, `too_few_runs` for fewer than three runs, two sizes or a compute
    range of less than a factor 1.5.
    """
    observations = observations.fresh()
    given = curves if curves else table_curves(observations)
    if not given:
        raise RefusedError("no_curves", "no training curves were given, and no run has three rows that make one")
    runs = _on_one_grid(observations, given)
    chosen = np.argmin(np.where(np.isfinite(runs.losses), runs.losses, np.inf), axis=0)
    sizes = runs.sizes[chosen]
    # Where the smallest or the largest size is best, a smaller or larger one that nobody trained might be better.
    between = (sizes > runs.sizes.min()) & (sizes < runs.sizes.max())
    if len(np.unique(sizes[between])) >= 2 and np.ptp(runs.grid[between]) > np.log(1.5):
        chosen = chosen[between]
        runs = replace(
            runs,
            grid=runs.grid[between],
            losses=runs.losses[:, between],
            log_tokens=runs.log_tokens[:, between],
        )
    if len(runs.grid) < _FEWEST_COVERED or np.ptp(runs.grid) < np.log(1.5):
        raise RefusedError("too_few_runs", "the curves cover too little compute side by side to fit a power law")
    if len(np.unique(runs.sizes[chosen])) < 2:
        raise RefusedError("too_few_runs", "one size has the least loss at every compute: no power law to fit")
    columns = np.arange(len(runs.grid))
    constants = _power_laws(runs.grid, np.log(runs.sizes[chosen]), runs.log_tokens[chosen, columns])
    drawn = _draws(runs, draws, seed) if draws else None
    return _assembled(observations, runs, chosen, constants, drawn, cost, from_rows=not curves)


def table_curves(observations: Observations) -> dict[str, Curve]:
    """{run_id: (tokens, flops, loss)} of the runs with three rows and more, by rising tokens."""
    found = {}
    for rows in rows_of_runs(observations, _FEWEST_POINTS):
        # Two rows at one token count are two evaluations: the better one is the curve.
        rows = rows[np.concatenate([[True], np.diff(observations.D[rows]) > 0])]
        if len(rows) >= _FEWEST_POINTS and np.all(np.diff(observations.C[rows]) > 0):
            name = observations.run_id[rows[0]]
            found[name] = (observations.D[rows], observations.C[rows], observations.loss[rows])
    return found


def rows_of_runs(observations: Observations, fewest: int) -> list[NDArray[np.int64]]:
    """Rows of each run of at least `fewest` rows, by rising tokens and loss."""
    if len(set(observations.run_id)) == len(observations):
        return []
    _, run, counts = np.unique(np.array(observations.run_id, dtype=str), return_inverse=True, return_counts=True)
    order = np.lexsort((observations.loss, observations.D, run))
    order = order[counts[run[order]] >= fewest]
    return split_by_label(order, run[order])


def _on_one_grid(observations: Observations, curves: Mapping[str, Curve]) -> _Runs:
    size_of = dict(zip(observations.run_id, observations.N.tolist(), strict=True))
    usable = [run for run in curves if run in size_of and np.size(curves[run][2]) >= _FEWEST_POINTS]
    tables = {run: np.asarray(curves[run], dtype=np.float64) for run in usable}
    names = sorted(usable, key=lambda run: (size_of[run], *tables[run][:, -1].tolist(), *tables[run][:, 0].tolist()))
    sizes = np.array([size_of[run] for run in names])
    if len(names) < _FEWEST_RUNS or len(np.unique(sizes)) < 2:
        raise RefusedError(
            "too_few_runs",
            f"{len(names)} runs of {len(np.unique(sizes))} sizes have curves; three of two sizes are needed",
        )
    logs = [np.log(tables[run][1]) for run in names]
    ends = np.array([log[-1] for log in logs])
    if np.ptp(ends) < np.log(1.5):
        raise RefusedError("too_few_runs", "all curves end at the same compute: one budget does not show a power law")
    grid = np.linspace(ends.min(), ends.max(), _POINTS)
    losses = np.stack([_smoothed(log, tables[run][2], grid) for run, log in zip(names, logs, strict=True)])
    log_tokens = np.stack([np.interp(grid, log, np.log(tables[run][0])) for run, log in zip(names, logs, strict=True)])
    covered = np.isfinite(losses).any(axis=0)
    return _Runs(
        names=tuple(names),
        sizes=sizes,
        ends=ends,
        grid=grid[covered],
        losses=losses[:, covered],
        log_tokens=log_tokens[:, covered],
    )


def _smoothed(log_flops: Array, loss: Array, grid: Array) -> Array:
    """The curve on the grid: a local line under a Gaussian window in ln C; NaN before its start and after its end.

    A window in ln C evens out the noise of small batches alike at all scales; the line keeps the end unbiased. Where
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


def _power_laws(grid: Array, log_params: Array, log_tokens: Array) -> dict[str, Any]:
    """Constants of N = k C^a and D = k' C^b by least squares; the leading axes may be draws."""
    centre = grid.mean()
    t = grid - centre
    out: dict[str, Any] = {}
    for values, names in ((log_params, ("params_coefficient", "a")), (log_tokens, ("tokens_coefficient", "b"))):
        slope = values @ t / (t @ t)
        out[names[0]], out[names[1]] = np.exp(values.mean(axis=-1) - slope * centre), slope
    return out


def _draws(runs: _Runs, draws: int, seed: int) -> dict[str, Array]:
    """Runs drawn with replacement; a run that is absent cannot be chosen, the next best is."""
    rng = np.random.default_rng(seed)
    thin = slice(None, None, _DRAW_EVERY)
    short, tokens = runs.grid[thin], runs.log_tokens[:, thin]
    losses = np.where(np.isfinite(runs.losses), runs.losses, np.inf)[:, thin]
    count, log_sizes = len(runs.sizes), np.log(runs.sizes)
    present = np.zeros((draws, count), dtype=bool)
    present[np.arange(draws)[:, None], rng.integers(count, size=(draws, count))] = True
    order = np.argsort(losses, axis=0, kind="stable")[:_DEEPEST]
    log_params, log_tokens = np.empty((draws, len(short))), np.empty((draws, len(short)))
    for j in range(len(short)):
        ranked = order[:, j]
        first = ranked[np.argmax(present[:, ranked] & np.isfinite(losses[ranked, j]), axis=1)]
        log_params[:, j], log_tokens[:, j] = log_sizes[first], tokens[first, j]
    return _power_laws(short, log_params, log_tokens)


def _assembled(
    observations: Observations,
    runs: _Runs,
    chosen: NDArray[np.int64],
    constants: dict[str, Any],
    drawn: dict[str, Array] | None,
    cost: ComputeCost,
    *,
    from_rows: bool,
) -> Fit:
    provenance = fitted_provenance(observations)
    law = FrontierLaw(**{name: float(value) for name, value in constants.items()}, provenance=provenance)
    late = float(np.mean(runs.grid > runs.ends[chosen] + np.log(_LAST_SHARE)))
    matched = late >= _MATCHED or (from_rows and observations.schedule == "matched")
    warnings = []
    if not matched:
        text = (
            f"{1 - late:.0%} of the envelope's points lie before the last 15 % of their run, where the schedule "
            "had not ended: the envelope is not of finished runs, and is left out where the approaches are compared; "
            "use several horizons a size or approaches 2 and 3"
        )
        warnings.append(Notice(code="envelope_before_end", message=text))
    draws = FrontierLaw(**drawn, provenance=provenance) if drawn is not None else None
    warnings += few_runs(len(runs.names), "runs") if draws is not None else ()
    thin = slice(None, None, _DRAW_EVERY)
    least = runs.losses[chosen, np.arange(len(chosen))]
    fit = Fit(
        approach="envelope",
        law=law,
        draws=draws,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals={} if drawn is None else {k: percentile_interval(v, LEVEL) for k, v in drawn.items()},
        warnings=tuple(warnings),
        details={
            "curves": "rows" if from_rows else "given",
            "points": len(runs.grid),
            "runs": len(runs.sizes),
            "runs_on_envelope": len(np.unique(chosen)),
            "share_in_last_15_percent": late,
            "matched": matched,
            "envelope": {
                "flops": np.exp(runs.grid[thin]).tolist(),
                "loss": least[thin].tolist(),
                "params": runs.sizes[chosen[thin]].tolist(),
                "run_id": [runs.names[i] for i in chosen[thin]],
            },
        },
    )
    fit.details["frontier"] = frontier_bands(fit, float(np.exp(runs.grid[0])), 10 * float(np.exp(runs.grid[-1])))
    return fit
