"""How sure a plan's size is, and what not knowing better wastes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.laws import ChinchillaLaw, published_law
from isoflop.plan import LawSource, make_plan

from .drawn_laws import positive_laws


@settings(max_examples=20, deadline=None)
@given(law=positive_laws, exponent=st.floats(18, 26))
def test_draws_without_spread_give_intervals_without_width(law, exponent):
    ones = np.ones(11)
    draws = ChinchillaLaw(E=law.E * ones, A=law.A * ones, B=law.B * ones, alpha=law.alpha * ones, beta=law.beta * ones)
    plan = make_plan(LawSource(law=law, draws=draws), 10**exponent, recipe=None)
    assert plan.params_interval == (pytest.approx(plan.params), pytest.approx(plan.params))
    assert plan.loss_interval == (pytest.approx(plan.loss), pytest.approx(plan.loss))
    assert plan.expected_waste == pytest.approx(0, abs=1e-12)


def drawn_law(spread=0.02, draws=4000):
    law = published_law("besiroglu2024")
    rng = np.random.default_rng(5)
    alpha = law.alpha * np.exp(spread * rng.standard_normal(draws))
    arrays = {"E": law.E, "A": law.A * 40.0 ** (alpha - law.alpha), "B": law.B, "alpha": alpha, "beta": law.beta}
    return ChinchillaLaw(**{key: np.broadcast_to(value, draws) for key, value in arrays.items()})


def test_expected_waste_is_what_wrong_sizes_waste_on_average():
    # plan from each draw's optimum, pay under the central law: the mean of the true waste
    from isoflop.laws import wasted_compute

    law, draws = published_law("besiroglu2024"), drawn_law()
    plan = make_plan(LawSource(law=law, draws=draws), 1e22, recipe=None)
    sizes, _ = draws.optimum(1e22)
    centred = sizes / np.exp(np.mean(np.log(sizes)))
    assert plan.expected_waste == pytest.approx(float(np.mean(wasted_compute(law, 1 / centred))), rel=0.03)
    assert 1e-4 < plan.expected_waste < 0.1


def test_intervals_hold_their_share_of_the_draws():
    law, draws = published_law("besiroglu2024"), drawn_law()
    wide, narrow = (make_plan(LawSource(law=law, draws=draws), 1e22, level=level, recipe=None) for level in (0.9, 0.5))
    sizes, _ = draws.optimum(1e22)
    low, high = wide.params_interval
    assert np.mean((sizes >= low) & (sizes <= high)) == pytest.approx(0.9, abs=0.005)
    assert low < narrow.params_interval[0] < make_plan(law, 1e22, recipe=None).params < narrow.params_interval[1] < high
