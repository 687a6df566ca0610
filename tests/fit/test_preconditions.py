"""What approach 3 refuses before it fits, and that it refuses nothing else. Messages: tests/cli/test_degenerate.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import RefusedError
from isoflop.fit.preconditions import refuse_unfittable
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

from .designs import TRUTHS, isoflop_sweep


def refused(observations: Observations) -> str | None:
    """The code of the refusal; None where there is none."""
    try:
        refuse_unfittable(observations)
    except RefusedError as error:
        return error.code
    return None


def refusal(**columns) -> str | None:
    return refused(Observations.from_arrays(**columns))


def test_ends_that_differ_by_a_step_are_one_horizon():
    N = np.geomspace(1e7, 1e10, 12)
    D = np.resize([1.30e11, 1.305e11, 1.295e11], 12)
    loss = TRUTHS["hoffmann"].loss(N, D)
    assert refusal(N=N, D=D, loss=loss) == "one_horizon"
    assert refusal(N=D, D=N, loss=loss) == "one_size"


def test_three_rows_of_one_size_are_refused_for_the_size():
    assert refusal(N=[1e8] * 3, D=[1e9, 2e9, 4e9], loss=[3.3, 3.2, 3.1]) == "one_size"
    assert refusal(N=[1e8, 2e8], D=[1e9, 2e9], loss=[3.3, 3.2]) == "too_few_rows"


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_losses_that_rise_are_refused_whatever_the_noise(noise):
    N, D = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e9, 1e11, 5)))
    scatter = np.exp(noise * np.random.default_rng(0).standard_normal(25))
    rising = 1.5 + 400 * N**-0.35 + 0.02 * D**0.15
    assert refusal(N=N, D=D, loss=rising * scatter) == "loss_does_not_fall"
    assert refusal(N=D, D=N, loss=rising * scatter) == "loss_does_not_fall"


@given(
    E=st.floats(0, 3), alpha=st.floats(0.1, 0.9), beta=st.floats(0.1, 0.9), size=st.floats(0.01, 3),
    tokens=st.floats(0.01, 3), noise=st.floats(0, 0.02), seed=st.integers(0, 99), budgets=st.integers(2, 6),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_no_sweep_of_a_law_is_refused(E, alpha, beta, size, tokens, noise, seed, budgets):
    """isoFLOP sweeps lie along falling lines of (ln N, ln D): the design that could most easily look like a rise."""
    law = ChinchillaLaw(E=E, A=size * 1e9**alpha, B=tokens * 2e10**beta, alpha=alpha, beta=beta)
    rng = np.random.default_rng(seed)
    flops = np.repeat(np.geomspace(1e18, 1e21, budgets), 7)
    N = np.sqrt(flops / 120) * np.tile(np.geomspace(1 / 6, 6, 7), budgets) * np.exp(rng.uniform(-0.2, 0.2))
    D = flops / (6 * N)
    loss = law.loss(N, D) * np.exp(noise * rng.standard_normal(len(N)))
    assert not refused(Observations.from_arrays(N=N, D=D, loss=loss))


def test_the_sweeps_of_other_tests_are_fit_for_fitting():
    for truth in TRUTHS.values():
        assert not refused(isoflop_sweep(truth, np.geomspace(1e18, 1e21, 4), sizes=5, noise=0.01))
