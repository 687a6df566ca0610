"""The annealing law is the double sum over steps of its paper, to what integrals differ from sums of many steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.laws.annealing import AnnealingLaw
from isoflop.laws.rate_path import RatePath

STEPS = 2000


def decayed(final: float, since: float) -> np.ndarray:
    """Rates over peak of STEPS + 1 steps: constant, then a straight line to `final`."""
    share = np.linspace(0, 1, STEPS + 1)
    return np.where(share < since, 1.0, 1 - (1 - final) * (share - since) / (1 - since))


def brute_loss(law: AnnealingLaw, rates: np.ndarray) -> np.ndarray:
    """L0 + A S1^-alpha - C S2 by sums over steps, with lambda per step."""
    keep = np.exp(-1 / (law.memory * STEPS))
    momentum, loss = 0.0, np.full(len(rates), np.inf)
    s1 = s2 = 0.0
    for step in range(1, len(rates)):
        momentum = keep * momentum + rates[step - 1] - rates[step]
        s1 += rates[step] / STEPS
        s2 += momentum * (1 - keep)
        loss[step] = law.L0 + law.A * s1**-law.alpha - law.gain * s2
    return loss


@settings(max_examples=20)
@given(st.floats(0.0, 0.9), st.floats(0.1, 0.9), st.floats(0.005, 0.2), st.floats(0.3, 0.7))
def test_the_sums_of_the_paper(final, since, memory, alpha):
    law = AnnealingLaw(L0=2.5, A=0.3, alpha=alpha, gain=0.15, memory=memory)
    rates = decayed(final, since)
    path = RatePath.of(np.arange(STEPS + 1), rates, unit=STEPS)
    at = np.array([300, 900, 1500, STEPS])
    assert law.loss(path, at / STEPS) == pytest.approx(brute_loss(law, rates)[at], rel=1.5e-3)


def test_a_constant_rate_is_a_power_law():
    law = AnnealingLaw(L0=2.5, A=0.3, alpha=0.5, gain=0.15, memory=0.01)
    path = RatePath.of(np.array([0.0, 1.0]), np.array([1e-3, 1e-3]), unit=1.0)
    assert law.loss(path, np.array([0.25, 1.0])) == pytest.approx([2.5 + 0.3 / 0.5, 2.8])


def test_a_drop_brings_all_of_its_gain_in_the_end():
    law = AnnealingLaw(L0=0.0, A=1e-12, alpha=0.5, gain=0.2, memory=0.01)
    path = RatePath.of(np.array([0.0, 0.5, 0.5001, 1.0]), np.array([1.0, 1.0, 0.25, 0.25]), unit=1.0)
    assert law.loss(path, np.array([1.0]))[0] == pytest.approx(-0.2 * 0.75, rel=1e-6)
