"""The multi-power law is the double sum over steps of its paper, to what integrals differ from sums of many steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.laws.multi_power import MultiPowerLaw
from isoflop.laws.rate_path import RatePath
from laws.test_annealing import STEPS, decayed


def brute_loss(law: MultiPowerLaw, rates: np.ndarray, at: int) -> float:
    """Equations 1 and 2 of arXiv 2503.12811 at one step, by sums over steps."""
    sums = np.cumsum(rates) / STEPS
    k = np.arange(1, at + 1)
    since = sums[at] - sums[k - 1]
    reached = np.where(rates[k] > 0, np.maximum(rates[k], 1e-12) ** -law.gamma * since, 0.0)
    drop = float(np.sum((rates[k - 1] - rates[k]) * (1 - (law.C * reached + 1) ** -law.beta)))
    return law.L0 + law.A * (sums[at] - rates[0] / STEPS) ** -law.alpha - law.B * drop


@settings(max_examples=20)
@given(st.floats(0.0, 0.9), st.floats(0.1, 0.9), st.floats(20.0, 500.0), st.floats(0.3, 1.0), st.floats(0.3, 0.8))
def test_the_sums_of_the_paper(final, since, C, beta, gamma):
    law = MultiPowerLaw(L0=2.5, A=0.3, alpha=0.5, B=0.15, C=C, beta=beta, gamma=gamma)
    rates = decayed(final, since)
    path = RatePath.of(np.arange(STEPS + 1), rates, unit=STEPS)
    for at in (300, 900, 1500, STEPS):
        assert law.loss(path, np.array([at / STEPS]))[0] == pytest.approx(brute_loss(law, rates, at), rel=1.5e-3)


def test_a_single_step_has_the_closed_form():
    law = MultiPowerLaw(L0=2.0, A=0.3, alpha=0.5, B=0.2, C=40.0, beta=0.5, gamma=0.6)
    path = RatePath.of(np.array([0.0, 0.49, 0.5, 1.0]), np.array([1.0, 1.0, 0.25, 0.25]), unit=1.0)
    area = 0.5 + 0.25 * 0.5
    drop = 0.2 * 0.75 * (1 - (40.0 * 0.25**-0.6 * 0.125 + 1) ** -0.5)
    assert law.loss(path, np.array([1.0]))[0] == pytest.approx(2.0 + 0.3 * area**-0.5 - drop, rel=1e-6)


def test_a_rate_of_zero_brings_nothing_more():
    law = MultiPowerLaw(L0=2.0, A=0.3, alpha=0.5, B=0.2, C=40.0, beta=0.5, gamma=0.6)
    path = RatePath.of(np.array([0.0, 0.5, 0.6, 1.0]), np.array([1.0, 1.0, 0.0, 0.0]), unit=1.0)
    first, last = law.loss(path, np.array([0.6, 1.0]))
    assert np.isfinite(first)
    assert last == pytest.approx(first)
