"""Rules apart from the variances: what is near the frontier, when the sizes are widened, when a cell is repeated."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.sweep.adaptive.candidate import CandidateColumns
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.mixture import Mixture

NEAR = float(np.log(2.0))
"""Distance in ln N from the best size within which a run is near the frontier: it wastes 15 % of its compute at the
most, one or two per cent of its loss."""
_EDGE = 0.15  # of the range of ln N: methods of isoFLOP sweeps call a vertex this near to an end an edge
_DECADE = float(np.log(10.0))
_FEWEST_IN_DECADE = 3  # rows, below which they have no edges
_ENOUGH_REPEATS = 2  # degrees of freedom: a sd within a factor of two
_NOISE_LIMITS = 0.5  # share of the variance from which on noise, and not form, limits the plan


def frontier_mask(mix: Mixture, log_params: Array, log_flops: Array) -> Mask:
    """Which points lie within NEAR of the best size of their compute."""
    at = mix.reference.posterior
    best = at.form.log_optima(at.theta, mix.frame, log_flops)[0]
    return np.asarray(np.abs(log_params - best) <= NEAR)


def within_width(mix: Mixture, columns: CandidateColumns, width: float) -> Mask:
    """Which candidates lie within a factor `width` of the best size of their compute."""
    at = mix.reference.posterior
    best = at.form.log_optima(at.theta, mix.frame, np.log(columns.law_flops))[0]
    # sizes that can be built are rounded: half a step beyond the width is within it
    return np.asarray(np.abs(columns.log_params - best) <= 1.05 * np.log(width))


def widening(mix: Mixture, rows: Evidence, columns: CandidateColumns) -> Mask | None:
    """Candidates beyond the edge that the best size lies near, among those of the rows' largest decade of compute.

    None where the best size lies well inside the sizes of that decade, or where these are too few to have edges.
    """
    log_flops, log_params = np.log(rows.flops), np.log(rows.params)
    top = log_flops >= log_flops.max() - _DECADE
    if int(top.sum()) < _FEWEST_IN_DECADE:
        return None
    at = mix.reference.posterior
    # sizes over the best of their compute: 0 is the vertex, whatever the compute
    ratio = log_params[top] - at.form.log_optima(at.theta, mix.frame, log_flops[top])[0]
    low, high = float(ratio.min()), float(ratio.max())
    margin = _EDGE * (high - low)
    if low + margin < 0 < high - margin or not np.isfinite(low + high):
        return None
    candidates = np.log(columns.law_flops)
    of_candidates = columns.log_params - at.form.log_optima(at.theta, mix.frame, candidates)[0]
    beyond = of_candidates < min(low, -NEAR / 2) if low + margin >= 0 else of_candidates > max(high, NEAR / 2)
    same_decade = np.abs(candidates - log_flops.max()) <= _DECADE
    found = np.asarray(beyond & same_decade)
    return found if found.any() else None


def too_few_repeats(mix: Mixture) -> bool:
    """Whether noise limits the plan and no second seeds have measured it."""
    noisy = mix.within > _NOISE_LIMITS * mix.size_variance()
    return noisy and mix.noise.repeats < _ENOUGH_REPEATS
