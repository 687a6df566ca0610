"""Problems beside training alone: inference demand and limited text, against published and computed optima."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError, RefusedError
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, compute_for_loss, published_law
from isoflop.laws.repeated import RepeatedLaw
from isoflop.plan import InferenceDemand, LawSource, LimitedData, Problem, TrainingOnly, make_plan, predict


def limited(unique_tokens):
    """The problem of so much text."""
    return Problem.of(LimitedData(unique_tokens=unique_tokens))


@pytest.mark.parametrize(
    ("name", "demand", "params", "tokens", "total"),
    [
        # Sardana et al.'s problem at the loss that each law predicts for 70B on 1.4T; solved independently
        ("hoffmann2022-3-rounded", 1e12, 2.566546e10, 3.220183e12, 5.472156e23),
        ("hoffmann2022-3-rounded", 1e13, 1.584942e10, 6.049231e12, 8.922493e23),
        ("besiroglu2024", 1e12, 5.769167e10, 1.734652e12, 7.158333e23),
        ("besiroglu2024", 1e13, 3.449909e10, 3.747203e12, 1.465633e24),
        ("besiroglu2024", 1e14, 2.117619e10, 1.311795e13, 5.901967e24),
    ],
)
def test_inference_demand_at_chinchillas_quality(name, demand, params, tokens, total):
    law = published_law(name)
    budget = compute_for_loss(law, float(law.loss(70e9, 1.4e12)))
    plan = make_plan(law, budget, objective=InferenceDemand(tokens=demand), recipe=None)
    assert plan.params == pytest.approx(params, rel=1e-6)
    assert plan.tokens == pytest.approx(tokens, rel=1e-6)
    assert 6 * plan.params * plan.tokens + 2 * plan.params * demand == pytest.approx(total, rel=1e-6)
    assert plan.loss == pytest.approx(float(law.loss(70e9, 1.4e12)), abs=1e-9)


def test_thirteen_billion_quality_for_two_trillion_tokens():
    # 13B quality, T = 2e12, exponents .336/.283: N 6.97B, D 1.25T, saving 17.4 %
    law = ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)
    budget = float(6 * 13e9 * _tokens_on_the_frontier(law, 13e9))
    plan = make_plan(law, budget, objective=InferenceDemand(tokens=2e12), recipe=None)
    assert plan.params == pytest.approx(6.97e9, rel=0.01)
    assert plan.tokens == pytest.approx(1.25e12, rel=0.01)
    total = 6 * plan.params * plan.tokens + 2 * plan.params * 2e12
    assert 1 - total / (budget + 2 * 13e9 * 2e12) == pytest.approx(0.174, abs=0.003)


def _tokens_on_the_frontier(law, params):
    return (params / law.G) ** (law.alpha / law.beta) / law.G


@settings(max_examples=30, deadline=None)
@given(demand=st.floats(9, 15), off=st.floats(-0.5, 0.5))
def test_no_other_size_costs_less_over_its_life(demand, off):
    law, budget, tokens_served = published_law("besiroglu2024"), 5.76e23, 10**demand
    plan = make_plan(law, budget, objective=InferenceDemand(tokens=tokens_served), recipe=None)
    reducible = plan.loss - law.E

    def lifetime(params):
        left = reducible - law.A * params**-law.alpha
        return math.inf if left <= 0 else 6 * params * ((law.B / left) ** (1 / law.beta) + tokens_served / 3)

    assert lifetime(plan.params * math.exp(off)) >= lifetime(plan.params) * (1 - 1e-9)
    assert "training_above_budget" in {notice.code for notice in plan.notices}
    assert plan.flops >= budget * (1 - 1e-9)


def test_inference_demand_with_a_measured_cost_follows_that_cost():
    # a cost of 6 N written as knots is 6 N
    law, budget = published_law("besiroglu2024"), 1e20
    knots = ComputeCost(params=(1e6, 1e12), flops=(6e6, 6e12))
    plain, measured = (
        make_plan(LawSource(law=law, cost=cost), budget, objective=InferenceDemand(tokens=1e12), recipe=None)
        for cost in (SIX_N, knots)
    )
    assert measured.params == pytest.approx(plain.params, rel=1e-5)
    assert measured.flops == pytest.approx(plain.flops, rel=1e-5)


def test_intervals_come_with_every_objective():
    law = published_law("besiroglu2024")
    alpha = law.alpha * np.exp(0.01 * np.random.default_rng(0).standard_normal(200))
    draws = ChinchillaLaw(
        E=np.full(200, law.E), A=np.full(200, law.A), B=np.full(200, law.B), alpha=alpha, beta=np.full(200, law.beta)
    )
    for objective in (InferenceDemand(tokens=1e13), LimitedData(unique_tokens=1e11)):
        plan = make_plan(LawSource(law=law, draws=draws), 1e23, objective=objective, recipe=None)
        assert plan.params_interval[0] < plan.params < plan.params_interval[1]
        assert plan.tokens_interval[0] < plan.tokens < plan.tokens_interval[1]


def test_limited_text_at_the_published_optimum():
    # the paper's repository, on a grid: 1e22 FLOPs with 25e9 different tokens -> 9.493 epochs of them, N 7.02236e9
    law = published_law("muennighoff2023")
    plan = make_plan(law, 1e22, objective=LimitedData(unique_tokens=25e9), recipe=None)
    assert plan.tokens / 25e9 == pytest.approx(9.493, rel=2e-3)
    assert plan.params == pytest.approx(7.02236e9, rel=2e-3)
    on_their_grid = float(limited(25e9).loss(law, 7.02236e9, 2.37337e11))
    assert plan.loss <= on_their_grid
    assert "repeated_tokens" in {notice.code for notice in plan.notices}


@settings(max_examples=15, deadline=None)
@given(exponent=st.floats(19, 24), epochs=st.floats(0.05, 30), off=st.floats(-1, 1))
def test_no_other_size_does_better_with_that_text(exponent, epochs, off):
    law, flops = published_law("muennighoff2023"), 10**exponent
    objective = limited(float(law.optimum(flops)[1]) / epochs)
    N, D = (float(value) for value in objective.choose(law, flops, SIX_N))
    assume(objective.most_tokens > D)  # there reading ends, and the budget is not spent
    other = N * math.exp(off)
    assert float(objective.loss(law, other, flops / (6 * other))) >= float(objective.loss(law, N, D)) - 1e-12


def test_plenty_of_text_changes_nothing():
    law = published_law("besiroglu2024")
    free = make_plan(law, 1e22, recipe=None)
    limited = make_plan(law, 1e22, objective=LimitedData(unique_tokens=2 * free.tokens), recipe=None)
    assert limited.params == free.params
    assert limited.loss == pytest.approx(free.loss, abs=1e-12)
    assert "repeated_tokens" not in {notice.code for notice in limited.notices}


def test_less_text_means_a_higher_loss():
    law = published_law("muennighoff2023")
    losses = [
        make_plan(law, 1e22, objective=LimitedData(unique_tokens=unique), recipe=None).loss
        for unique in (1e9, 1e10, 1e11, 1e12)
    ]
    assert losses == sorted(losses, reverse=True)


def test_no_text_is_read_more_than_forty_times():
    # Muennighoff et al. 2023: returns have vanished by 40 epochs
    law, data = published_law("muennighoff2023"), limited(2.5e9)
    assert float(RepeatedLaw(fresh=law, unique_tokens=2.5e9).optimum(1e24)[1]) > 1000 * 2.5e9
    plan = make_plan(law, 1e24, objective=data, recipe=None)
    assert plan.tokens == 40 * 2.5e9 == data.most_tokens
    assert plan.flops == pytest.approx(6 * plan.params * plan.tokens)
    (notice,) = [notice for notice in plan.notices if notice.code == "repeated_tokens"]
    assert "the text is read 40 times: more would add nothing, so 99.8 % of the budget is not spent" in notice.message
    assert all(other.tokens <= data.most_tokens for other in (*plan.alternatives, *plan.smaller_models))
    # what is left out would have bought next to nothing: a hundredth of the loss, for sixty times the compute
    unlimited = float(RepeatedLaw(fresh=law, unique_tokens=2.5e9).loss(plan.params, 1e24 / (6 * plan.params)))
    assert plan.loss == pytest.approx(unlimited, rel=0.015)
    assert math.isinf(Problem().most_tokens)


@pytest.mark.parametrize("unique", [1e3, 1e6, 1e8, 1e9])
def test_text_far_too_short_gets_the_smallest_model_that_is_as_good_as_any(unique):
    law, data, flops = published_law("besiroglu2024"), limited(unique), 1e21
    N, D = (float(value) for value in data.choose(law, flops, SIX_N))
    assert data.most_tokens == D
    largest = flops / (6 * D)
    least = float(data.loss(law, largest, D))
    assert float(data.loss(law, N, D)) == pytest.approx(1.001 * least, rel=1e-6)
    # a thousandth of the text calls for about a thousandth of the model, not for the end of the range that was sought
    ten_times = float(limited(10 * unique).choose(law, flops, SIX_N)[0])
    assert 5 < ten_times / N < 20 or unique == 1e9


def test_draws_are_chosen_for_as_single_laws_are():
    law, data = published_law("besiroglu2024"), limited(1e8)
    names = ("E", "A", "B", "alpha", "beta")
    two = ChinchillaLaw(**{name: np.array([getattr(law, name)] * 2) for name in names})
    N, D = data.choose(two, 1e21, SIX_N)
    assert pytest.approx([float(data.choose(law, 1e21, SIX_N)[0])] * 2) == N
    assert list(D) == [4e9, 4e9]


def test_a_loss_above_that_of_a_guess_counts_as_outside_any_law():
    law = published_law("besiroglu2024")
    plan = make_plan(law, 1e21, objective=LimitedData(unique_tokens=1e6))
    (notice,) = [notice for notice in plan.notices if notice.code == "loss_above_guessing"]
    assert "a loss of 14.14 nats per token is above the 10.37 of a guess among 32,000 tokens" in notice.message
    assert "loss_above_guessing" not in {notice.code for notice in make_plan(law, 1e21).notices}
    (notice,) = [n for n in predict(law, 1e6, 1e5).notices if n.code == "loss_above_guessing"]
    assert "262,144 tokens" in notice.message


@pytest.mark.parametrize("objective", [InferenceDemand, LimitedData])
def test_numbers_that_are_none_are_refused(objective):
    field = "tokens" if objective is InferenceDemand else "unique_tokens"
    for value in (0, -1e9, math.nan, math.inf):
        with pytest.raises(InputError, match="positive"):
            objective(**{field: value})


def test_a_frontier_without_losses_is_refused():
    with pytest.raises(RefusedError, match="loss surface"):
        limited(1e9).choose(published_law("hoffmann2022-2"), 1e21, SIX_N)
    N, _ = Problem.of(TrainingOnly()).choose(published_law("hoffmann2022-2"), 1e21, SIX_N)
    assert float(N) == pytest.approx(2.828518e9, rel=1e-6)
