"""Approach 1: the lower envelope of finished runs, and the size on it (Hoffmann et al. 2022, section 3.1).

The paper takes the run of least loss at each of 1,500 values of C. Its runs, four horizons a size, decay over as many
tokens as they have, so a loss before the end of a run lies above that of a run that ends there: only ends are finished.
Between its own ends a size's finished loss is interpolated in ln C (finished_curves.py), and the least loss over sizes
is sought between the sizes, not among them (moving_profile.py): the sizes and horizons tried would quantise ln N_opt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.fit.envelope.finished_curves import FinishedCurves, finished_curves
from isoflop.fit.envelope.lower_envelope import Curve, lower_envelope, table_curves
from isoflop.fit.envelope.moving_profile import MovingProfile, fit_moving_profile
from isoflop.fit.isoflop.power_law import STEEPEST
from isoflop.fit.isoflop.profile import WINDOW
from isoflop.fit.preconditions import refuse_scatter
from isoflop.fit.resampling import DRAWS, LEVEL, percentile_interval
from isoflop.fit.result import Envelope, EnvelopeFit, Frontier, Refused, fitted_provenance
from isoflop.fit.schedule_checks import exponent_notices, finished_ends
from isoflop.laws import SIX_N, ComputeCost, FrontierLaw
from isoflop.units import percent

if TYPE_CHECKING:
    from isoflop.observations import Observations

_FEWEST_DRAWS = 400  # also without intervals: whether the exponent is known at all is judged on them
_WIDEST = 1.0  # interval of `a`: from a size that never grows to one that takes all of the compute
_FEWEST_ENDS = 3
_ROUNDS = 8  # of moving the window of ends; two to four settle it


def fit_envelope(
    observations: Observations,
    curves: Mapping[str, Curve] | None = None,
    *,
    cost: ComputeCost = SIX_N,
    draws: int = DRAWS,
    seed: int = 0,
) -> EnvelopeFit | Refused:
    """Approach 1 from the finished ends among the rows of `observations` (schedule_checks.finished_ends has the rule).

    Needs three sizes with two horizons or more, and one of them with three. Intervals hold the noise of the ends,
    estimated from their residuals about the curves and between the sizes, and the uncertainty of the profile's shape.

    Where this gives no exponent, curves {run_id: (tokens, FLOPs, loss)}, or runs with three rows and more, still give
    a picture: a refusal with the envelope of the curves. Without curves it raises RefusedError: `no_curves` where there
    is no size of two horizons either, else `no_finished_runs`, `too_few_runs`, `one_horizon_a_size`,
    `optimum_not_between`, `optimum_not_seen`, `loss_does_not_fall`.
    """
    observations = observations.fresh()
    try:
        finished, profile = _moving_profile(observations)
        return _assembled(observations, finished, profile, cost, draws, seed)
    except RefusedError as error:
        drawn = lower_envelope(observations, curves or table_curves(observations))
        if drawn is None:
            if error.code in ("no_finished_runs", "one_horizon_a_size"):
                raise RefusedError(
                    "no_curves", f"no training curves were given, no run has three rows that make one, and {error}"
                ) from error
            raise
        return Refused.by("envelope", error, curves=drawn)


def _moving_profile(observations: Observations) -> tuple[FinishedCurves, MovingProfile]:
    """The curves and the profile, from the ends of sizes within a factor WINDOW of the optimum at their own compute.

    Further off a model saw a few hundred steps, or many times its tokens: no law of a profile holds there, and a curve
    that has to pass through such an end is bent where it matters. The window follows its own profile until it stays.
    """
    ends = np.flatnonzero(finished_ends(observations))
    if len(ends) < _FEWEST_ENDS:
        what = {
            "constant": " (the rows are checkpoints at a constant rate)",
            "unmatched": " (one schedule serves several horizons)",
        }.get(observations.schedule, "")
        raise RefusedError(
            "no_finished_runs",
            f"{len(ends)} rows are ends of finished runs{what}: before the end of its schedule a run's loss lies "
            "above that of a run of that length",
        )
    log_params, log_flops, loss = (np.log(observations.N), np.log(observations.C), observations.loss)
    kept = ends
    for _ in range(_ROUNDS):
        runs = [observations.trees[i] for i in kept]
        curves = finished_curves(log_params[kept], log_flops[kept], loss[kept], runs)
        profile = fit_moving_profile(curves)
        away = log_params[ends] - profile.centre - profile.exponent * (log_flops[ends] - curves.log_flops)
        inside = ends[np.abs(away) <= np.log(WINDOW) + 1e-9]
        if np.array_equal(inside, kept):
            break
        kept = inside
    return curves, profile


def _assembled(
    observations: Observations, curves: FinishedCurves, profile: MovingProfile, cost: ComputeCost, draws: int, seed: int
) -> EnvelopeFit:
    """The fit of a profile.

    Raises RefusedError `optimum_not_seen` where its exponent may be anything, `poor_fit` where ends scatter too much.
    """
    refuse_scatter(profile.noise, "the curves of their sizes")
    if not profile.covariance[1, 1] < _WIDEST**2:  # losses all but equal: exponents of any size, which overflow
        raise RefusedError("optimum_not_seen", "the finished losses do not differ enough to show which size is best")
    rng = np.random.default_rng(seed)
    count = max(draws, _FEWEST_DRAWS)
    spreads, along = np.linalg.eigh(profile.covariance)
    root = along * np.sqrt(np.maximum(spreads, 0))
    scale = np.sqrt(profile.free / rng.chisquare(profile.free, size=(count, 1)))
    drawn = np.array([profile.centre, profile.exponent]) + scale * (rng.standard_normal((count, 2)) @ root.T)
    constants = _power_laws(curves, profile, cost, np.array([[profile.centre, profile.exponent]]))
    arrays = _power_laws(curves, profile, cost, drawn)
    low, high = percentile_interval(arrays["a"], LEVEL)
    if high - low > _WIDEST:
        raise RefusedError(
            "optimum_not_seen",
            f"a lies anywhere from {low:.2f} to {high:.2f}: the noise of the finished losses "
            f"({percent(profile.noise, 2)}) hides where between the sizes they are least",
        )
    provenance = fitted_provenance(observations)
    law = FrontierLaw(**{name: float(values[0]) for name, values in constants.items()}, provenance=provenance)
    drawn_law = FrontierLaw(**arrays, provenance=provenance) if draws else None
    inside = profile.inside
    envelope = Envelope(
        flops=tuple(np.exp(curves.grid[inside] + curves.log_flops).tolist()),
        loss=tuple(profile.level[inside].tolist()),
        params=tuple(np.exp(profile.local[inside]).tolist()),
    )
    return EnvelopeFit(
        law=law,
        draws=drawn_law,
        cost=cost,
        exponents=(float(law.a), float(law.b)),
        intervals={name: percentile_interval(values, LEVEL) for name, values in arrays.items()} if draws else {},
        notices=tuple(exponent_notices(observations, float(law.a))),
        ends=len(curves.ends),
        sizes=len(curves.log_sizes),
        noise=profile.noise,
        sharpness=profile.sharpness,
        asymmetry=profile.asymmetry,
        envelope=envelope,
        frontier=Frontier.of(law, drawn_law, cost, envelope.flops[0], 10 * envelope.flops[-1]),
    )


def _power_laws(curves: FinishedCurves, profile: MovingProfile, cost: ComputeCost, lines: Array) -> dict[str, Array]:
    """Constants of N = k C^a and D = k' C^b of (draws, 2) lines (ln N at the curves' centre, a)."""
    t = curves.grid[profile.inside]
    exponent = np.clip(lines[:, 1:], -STEEPEST, STEEPEST)
    log_tokens = np.log(cost.tokens(np.exp(t + curves.log_flops), np.exp(lines[:, :1] + exponent * t)))
    middle = t - t.mean()
    slope = log_tokens @ middle / (middle @ middle)
    height = log_tokens.mean(axis=1) - slope * (t.mean() + curves.log_flops)
    return {
        "params_coefficient": np.exp(lines[:, 0] - exponent[:, 0] * curves.log_flops),
        "a": exponent[:, 0],
        "tokens_coefficient": np.exp(height),
        "b": slope,
    }
