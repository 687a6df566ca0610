"""The least compute for a loss, against the closed form and against the plan that it leads to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError, RefusedError
from isoflop.laws import ComputeCost, compute_for_loss, published_law
from isoflop.plan import (
    FixedParams,
    FixedRatio,
    FixedTokens,
    InferenceDemand,
    LawSource,
    LimitedData,
    TrainingOnly,
    flops_for_loss,
    flops_of_run,
    make_plan,
)

LAW = published_law("besiroglu2024")
MEASURED = ComputeCost(params=(1e4, 1e5, 1e6, 1e9), flops=(1.5e5, 9e5, 7e6, 6.1e9))


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(["besiroglu2024", "hoffmann2022-3", "muennighoff2023"]), reducible=st.floats(0.03, 4.0))
def test_at_the_optimum_it_is_the_closed_form(name, reducible):
    law = published_law(name)
    loss = law.E + reducible
    assert flops_for_loss(law, loss) == pytest.approx(compute_for_loss(law, loss), rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(
    loss=st.floats(1.95, 3.5),
    objective=st.sampled_from(
        [
            TrainingOnly(),
            InferenceDemand(tokens=1e12),
            LimitedData(unique_tokens=3e11),
            FixedParams(params=3e11),
            FixedTokens(tokens=5e12),
            FixedRatio(tokens_per_param=200),
        ]
    ),
    measured=st.booleans(),
)
def test_the_plan_for_it_has_the_loss_and_less_compute_does_not_do(loss, objective, measured):
    source = LawSource(law=LAW, cost=MEASURED) if measured else LawSource(law=LAW)
    flops = flops_for_loss(source, loss, objective, recipe=None)
    assert make_plan(source, flops, objective=objective, recipe=None).loss == pytest.approx(loss, abs=1e-7)
    less = make_plan(source, 0.99 * flops, objective=objective, recipe=None).loss
    assert less > loss


def test_kaplans_surface_has_a_least_compute_too():
    law = published_law("kaplan2020-loss")
    flops = flops_for_loss(law, 2.0)
    assert float(law.loss(*law.optimum(flops))) == pytest.approx(2.0, abs=1e-9)


def test_what_cannot_be_reached_is_refused_with_the_least_that_can():
    for objective, floor in ((None, "1.8"), (FixedParams(params=1e9), "2.17"), (FixedTokens(tokens=1e9), "2.8")):
        with pytest.raises(RefusedError, match=floor) as refused:
            flops_for_loss(LAW, 1.8, objective)
        assert refused.value.code == "out_of_reach"
    with pytest.raises(RefusedError, match="loss surface"):
        flops_for_loss(published_law("hoffmann2022-2"), 2.0)


@pytest.mark.parametrize("loss", [0, -1.0, float("nan"), float("inf"), 1e12])
def test_losses_that_are_none(loss):
    with pytest.raises(InputError, match="loss"):
        flops_for_loss(LAW, loss)


def test_a_run_costs_what_its_law_says_of_a_token():
    assert flops_of_run(LAW, 280e9, 300e9) == pytest.approx(5.04e23)
    assert flops_of_run(LawSource(law=LAW, cost=MEASURED), 1e5, 1e6) == pytest.approx(9e11)
    for wrong in ((0, 1e9), (1e9, -1)):
        with pytest.raises(InputError, match="positive"):
            flops_of_run(LAW, *wrong)
