"""The bend that rows show without vertices."""

import numpy as np

from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.size.bend import PUBLIC_BEND, ComputeScale
from isoflop.fit.size.row_bend import row_bend
from isoflop.laws import SIX_N, ChinchillaLaw
from isoflop.observations import Observations

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
SCALE = ComputeScale(cost=SIX_N)


def rows(bend: float, seed: int, count: int = 60, noise: float = 0.003) -> Observations:
    """Sizes within a factor of four of the best of a frontier with `bend`, at as many budgets as runs."""
    rng = np.random.default_rng(seed)
    C = np.geomspace(1e17, 1e21, count)
    t = np.log(C) - np.log(C).mean()
    ratio, shift = np.exp(rng.uniform(-1.4, 1.4, count)), np.exp(bend * t * t)
    at = LAW.optimum(C)[0] * ratio
    loss = LAW.loss(at, C / (6 * at)) * np.exp(rng.normal(0, noise, count))
    return Observations.from_arrays(N=at * shift, D=C / (6 * at * shift), C=C, loss=loss)


def test_bend_is_found_within_its_uncertainty() -> None:
    errors = []
    for truth in (-0.02, 0.0, 0.01):
        for seed in range(6):
            found = row_bend(rows(truth, seed), SCALE, PUBLIC_BEND)
            assert found.sd < PUBLIC_BEND.sd / 2
            errors.append((found.mean - truth) / found.sd)
    # the prior pulls by less than half of a standard deviation
    assert np.mean(np.abs(errors) < 2) >= 0.85


def test_few_rows_leave_the_prior() -> None:
    prior = Bend(mean=-0.006, sd=0.012)
    assert row_bend(rows(0.0, 0, count=8), SCALE, prior) == prior
