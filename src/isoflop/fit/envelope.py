"""Approach 1: the least loss over all training curves at each compute (Hoffmann et al. 2022, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.parametric import fitted_provenance
from isoflop.fit.resample import percentile_interval
from isoflop.fit.result import LEVEL, Fit, frontier_bands
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw
from isoflop.observations import Observations

Array = NDArray[np.float64]
Curve = tuple[ArrayLike, ArrayLike, ArrayLike]

_POINTS = 1500  # FLOP values, log-spaced (Hoffmann et al. 2022, section 3.1)
_DRAW_EVERY = 10  # resamples look at each tenth of them: neighbours choose the same run
_WINDOW = 0.04  # sd of the Gaussian smoothing in ln C; a run's last tenth spans .1
_LAST_SHARE = 0.85  # of its run: where the chosen points lie when each schedule ends with its run
_FEWEST_RUNS = 3
_LEARNING_PORTION = 0.05  # of a run's FLOPs: warm-up and the first fall are no compute optimum


def fit_envelope(
    observations: Observations,
    curves: Mapping[str, Curve] | None,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = 4000,
    seed: int = 0,
) -> Fit:
    """Approach 1 from `curves` {run_id: (tokens, flops, loss)}, N of each run taken from `observations`.

    FLOP values run from the smallest to the largest compute at which a run ended. Raises RefusedError `no_curves`
    without curves, `too_few_runs` for fewer than three runs, two sizes or a compute range of less than a factor 1.5.
    """
    if not curves:
        raise RefusedError("no_curves", "no training curves were given")
    size_of = dict(zip(observations.run_id, observations.N.tolist(), strict=True))
    runs = [run for run in sorted(curves) if run in size_of and np.size(curves[run][2]) >= 3]
    sizes = np.array([size_of[run] for run in runs])
    if len(runs) < _FEWEST_RUNS or len(np.unique(sizes)) < 2:
        raise RefusedError(
            "too_few_runs",
            f"{len(runs)} runs of {len(np.unique(sizes))} sizes have curves; three of two sizes are needed",
        )
    logs = [np.log(np.asarray(curves[run][1], dtype=np.float64)) for run in runs]
    ends = np.array([log[-1] for log in logs])
    if np.ptp(ends) < np.log(1.5):
        raise RefusedError("too_few_runs", "all curves end at the same compute: one budget does not show a power law")
    grid = np.linspace(ends.min(), ends.max(), _POINTS)
    table = np.stack(
        [_smoothed(log, np.asarray(curves[run][2], float), grid) for run, log in zip(runs, logs, strict=True)]
    )
    covered = np.isfinite(table).any(axis=0)
    grid, table = grid[covered], table[:, covered]
    chosen = np.argmin(np.where(np.isfinite(table), table, np.inf), axis=0)
    token_logs = np.stack(
        [np.interp(grid, log, np.log(np.asarray(curves[run][0], float))) for run, log in zip(runs, logs, strict=True)]
    )
    log_sizes = np.log(sizes)
    # Where the smallest or the largest size is best, a smaller or larger one that nobody trained might be better.
    between = (sizes[chosen] > sizes.min()) & (sizes[chosen] < sizes.max())
    if len(np.unique(sizes[chosen[between]])) >= 2 and np.ptp(grid[between]) > np.log(1.5):
        grid, table, chosen, token_logs = grid[between], table[:, between], chosen[between], token_logs[:, between]
    columns = np.arange(len(grid))
    constants = _power_laws(grid, log_sizes[chosen], token_logs[chosen, columns])
    used = len(np.unique(chosen))
    if len(np.unique(sizes[chosen])) < 2:
        raise RefusedError("too_few_runs", "one size has the least loss at every compute: no power law to fit")
    drawn = _draws(grid, table, log_sizes, token_logs, draws, seed) if draws else None
    late = float(np.mean(grid > ends[chosen] + np.log(_LAST_SHARE)))
    return _assembled(
        observations, constants, drawn, cost, grid, table[chosen, columns], chosen, runs, sizes, late, used
    )


def _smoothed(log_flops: Array, loss: Array, grid: Array) -> Array:
    """The curve on the grid: a local line under a Gaussian window in ln C; NaN before its start and after its end.

    A window in ln C evens out the noise of small batches alike at all scales; the line keeps the end unbiased.
    """
    usable = np.isfinite(loss) & (log_flops > log_flops[-1] + np.log(_LEARNING_PORTION))
    x, y = log_flops[usable], loss[usable]
    if len(x) < 3:
        return np.full(len(grid), np.nan)
    inside = (grid >= x[0]) & (grid <= x[-1])
    # Steps are even in C, hence crowded in ln C towards the end: weight by spacing to make the window one in ln C.
    spacing = np.gradient(x)
    offset = x[None, :] - grid[inside, None]
    width = max(_WINDOW, 1.5 * float(np.max(spacing)))
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


def _draws(grid: Array, table: Array, log_sizes: Array, token_logs: Array, draws: int, seed: int) -> dict[str, Array]:
    """Runs drawn with replacement; a run that is absent cannot be chosen, the next best is."""
    rng = np.random.default_rng(seed)
    thin = slice(None, None, _DRAW_EVERY)
    short, losses, tokens = grid[thin], np.where(np.isfinite(table), table, np.inf)[:, thin], token_logs[:, thin]
    runs = len(table)
    present = np.zeros((draws, runs), dtype=bool)
    present[np.arange(draws)[:, None], rng.integers(runs, size=(draws, runs))] = True
    order = np.argsort(losses, axis=0)
    log_params, log_tokens = np.empty((draws, len(short))), np.empty((draws, len(short)))
    for j in range(len(short)):
        ranked = order[:, j]
        first = ranked[np.argmax(present[:, ranked] & np.isfinite(losses[ranked, j]), axis=1)]
        log_params[:, j], log_tokens[:, j] = log_sizes[first], tokens[first, j]
    return _power_laws(short, log_params, log_tokens)


def _assembled(
    observations: Observations,
    constants: dict[str, Any],
    drawn: dict[str, Array] | None,
    cost: ComputeCost,
    grid: Array,
    least: Array,
    chosen: NDArray[np.int64],
    runs: list[str],
    sizes: Array,
    late: float,
    used: int,
) -> Fit:
    provenance = fitted_provenance(observations)
    law = FrontierLaw(**{name: float(value) for name, value in constants.items()}, provenance=provenance)
    warnings = []
    if late < 0.95:
        text = (
            f"{1 - late:.0%} of the envelope's points lie before the last 15 % of their run, where the schedule "
            "had not ended: the envelope is not of finished runs; use several horizons a size or approaches 2 and 3"
        )
        warnings.append(Notice(code="envelope_before_end", message=text))
    draws = FrontierLaw(**drawn, provenance=provenance) if drawn is not None else None
    thin = slice(None, None, _DRAW_EVERY)
    fit = Fit(
        approach="envelope",
        law=law,
        draws=draws,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals={} if drawn is None else {k: percentile_interval(v, LEVEL) for k, v in drawn.items()},
        warnings=tuple(warnings),
        details={
            "points": len(grid),
            "runs": len(runs),
            "runs_on_envelope": used,
            "share_in_last_15_percent": late,
            "envelope": {
                "flops": np.exp(grid[thin]).tolist(),
                "loss": least[thin].tolist(),
                "params": sizes[chosen[thin]].tolist(),
                "run_id": [runs[i] for i in chosen[thin]],
            },
        },
    )
    fit.details["frontier"] = frontier_bands(fit, float(np.exp(grid[0])), 10 * float(np.exp(grid[-1])))
    return fit
