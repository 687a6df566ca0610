"""What leaving the plan wastes, against closed forms."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.laws import (
    SIX_N,
    ChinchillaLaw,
    published_law,
    wasted_compute,
)
from isoflop.plan import FixedParams, Problem
from isoflop.plan.alternatives import alternatives, smaller_models, tokens_for_loss, wasted_share

LAW = published_law("besiroglu2024")
AIM = Problem()


def loss_neutral_tokens(law: ChinchillaLaw, m: float) -> float:
    """Tokens over the optimum's with which a model `m` times smaller has its loss: [1 - (beta/alpha)(m^alpha -
    1)]^(-1/beta)."""
    return (1 - law.beta / law.alpha * (m**law.alpha - 1)) ** (-1 / law.beta)


def smallest_neutral_factor(law: ChinchillaLaw) -> float:
    """How many times smaller than the optimum a model can be and still reach its loss: (1 + alpha/beta)^(1/alpha)."""
    return (1 + law.alpha / law.beta) ** (1 / law.alpha)


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-2, 2),
    alpha=st.floats(0.2, 0.6),
    beta=st.floats(0.2, 0.6),
    exponent=st.floats(17, 26),
)
def test_waste_is_the_closed_form(x, alpha, beta, exponent):
    law = ChinchillaLaw(E=1.8, A=400.0, B=1500.0, alpha=alpha, beta=beta)
    flops = 10**exponent
    size = float(law.optimum(flops)[0]) * math.exp(x)
    loss = float(law.loss(size, flops / (6 * size)))
    expected = float(wasted_compute(law, math.exp(-x)))
    assert wasted_share(law, loss, flops, SIX_N, AIM) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("x", [-0.25, -0.1, 0.05, 0.25])
def test_the_waste_identity_for_small_errors(x):
    # w = 1 - exp(-(alpha + beta)/2 x^2), to a tenth of a point for |x| <= 0.25
    size = float(LAW.optimum(1e22)[0]) * math.exp(x)
    loss = float(LAW.loss(size, 1e22 / (6 * size)))
    identity = 1 - math.exp(-(LAW.alpha + LAW.beta) / 2 * x**2)
    assert wasted_share(LAW, loss, 1e22, SIX_N, AIM) == pytest.approx(identity, abs=1e-3)


@pytest.mark.parametrize("m", [1.5, 2.0, 4.0])
def test_tokens_of_a_smaller_model_for_the_same_loss(m):
    N, D = (float(value) for value in LAW.optimum(1e22))
    enough = tokens_for_loss(LAW, N / m, float(LAW.loss(N, D)), D, AIM)
    assert enough / D == pytest.approx(loss_neutral_tokens(LAW, m), rel=1e-9)


def test_a_model_too_small_never_gets_there():
    N, D = (float(value) for value in LAW.optimum(1e22))
    limit = smallest_neutral_factor(LAW)
    assert limit == pytest.approx(6.83, abs=0.01)
    assert math.isinf(tokens_for_loss(LAW, N / (1.01 * limit), float(LAW.loss(N, D)), D, AIM))


def test_losses_are_those_of_the_plan_and_the_laws_difference():
    N, D = (float(value) for value in LAW.optimum(1e22))
    planned = float(LAW.loss(N, D))
    plain = alternatives(LAW, N, D, SIX_N, AIM, expected_loss=planned)
    shifted = alternatives(LAW, N, D, SIX_N, AIM, expected_loss=planned + 0.1)
    assert [other.kind for other in plain] == ["same_flops", "same_flops", "same_loss"]
    for one, other in zip(plain, shifted, strict=True):
        assert one.loss == pytest.approx(float(LAW.loss(one.params, one.tokens)))
        assert other.loss == pytest.approx(one.loss + 0.1)
        assert other.wasted_share == one.wasted_share


def test_a_frontier_without_losses_has_none():
    assert alternatives(published_law("hoffmann2022-1"), 1e9, 2e10, SIX_N, AIM, expected_loss=2.0) == ()


def test_where_the_size_was_fixed_the_laws_best_comes_first():
    N, D = 280e9, 300e9
    best, *others = alternatives(
        LAW, N, D, SIX_N, Problem.of(FixedParams(params=N)), expected_loss=float(LAW.loss(N, D))
    )
    assert best.kind == "best"
    assert (best.params, best.tokens) == tuple(pytest.approx(float(value)) for value in LAW.optimum(6 * N * D))
    assert best.loss < min(other.loss for other in others if other.kind == "same_flops")


def test_a_surface_of_another_form_has_alternatives_too():
    law = published_law("kaplan2020-loss")
    N, D = (float(value) for value in law.optimum(1e21))
    half, twice, same_loss = alternatives(law, N, D, SIX_N, AIM, expected_loss=float(law.loss(N, D)))
    assert min(half.loss, twice.loss) > float(law.loss(N, D))
    assert min(half.wasted_share, twice.wasted_share) > 0
    assert float(law.loss(same_loss.params, same_loss.tokens)) == pytest.approx(float(law.loss(N, D)), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "dearer", "limit"), [("hoffmann2022-3-rounded", 1.208, 10.36), ("besiroglu2024", 1.259, 6.83)]
)
def test_the_cost_of_smaller_models_rises_up_to_a_limit(name, dearer, limit):
    law = published_law(name)
    assert smallest_neutral_factor(law) == pytest.approx(limit, abs=5e-3)
    N, D = (float(value) for value in law.optimum(5.76e23))
    curve = smaller_models(law, N, D, SIX_N, AIM)
    assert [model.flops for model in curve] == sorted(model.flops for model in curve)
    (half,) = [model for model in curve if model.times_smaller == 2]
    assert half.flops / 5.76e23 == pytest.approx(dearer, abs=1e-3)
    for model in curve:
        assert float(law.loss(model.params, model.tokens)) == pytest.approx(float(law.loss(N, D)), abs=1e-9)
        if model.tokens < 1e3 * D:
            expected = loss_neutral_tokens(law, model.times_smaller) / model.times_smaller
            assert model.flops / 5.76e23 == pytest.approx(expected, rel=1e-6)
    assert math.floor(limit) - 1 <= curve[-1].times_smaller <= limit


def test_no_cost_curve_without_losses():
    assert smaller_models(published_law("hoffmann2022-1"), 1e9, 2e10, SIX_N, AIM) == ()
