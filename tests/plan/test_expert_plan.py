"""A plan of experts: the allocation and leverage of its law, a shape that costs what they say, and its limits."""

from __future__ import annotations

import pytest

from isoflop.arch import flops_per_token
from isoflop.errors import InputError
from isoflop.large_recipe import LargeRecipe
from isoflop.laws.experts import LEVERAGE, ExpertMixture
from isoflop.plan.cluster import Cluster
from isoflop.plan.expert_plan import expert_budget, leverage_range, plan_experts
from isoflop.plan.expert_request import ExpertRequest

RECIPE = LargeRecipe(family="moe")
MIXTURE = ExpertMixture(experts=64, active=4, shared=1, granularity=3.75)


def test_the_plan_follows_the_allocation_and_the_leverage_of_its_own_shape() -> None:
    plan = plan_experts(1e21, MIXTURE, RECIPE)
    assert plan.tokens == pytest.approx(1.04e11, rel=5e-3)
    assert plan.mixture.activation_ratio == 5 / 65
    assert plan.mixture.granularity == 2 * plan.architecture.d_model / plan.architecture.d_ff
    assert plan.mixture.granularity == pytest.approx(3.75, rel=0.05)
    assert plan.leverage == LEVERAGE.leverage(5 / 65, plan.mixture.granularity, 1e21)
    assert plan.dense.flops == plan.leverage * 1e21
    low, high = plan.dense.factor_range
    assert low < plan.dense.factor < high
    # the shape costs C / D a token within a tenth, and the run spends the budget
    assert plan.flops_per_token == pytest.approx(1e21 / plan.tokens, rel=0.1)
    assert plan.flops_per_token * plan.run.tokens == pytest.approx(1e21, rel=1e-3)
    assert plan.flops_per_token == flops_per_token(plan.architecture, 2048)


def test_memory_is_of_all_experts_and_flops_of_those_used() -> None:
    plan = plan_experts(1e21, MIXTURE, RECIPE)
    assert plan.total_params > 5 * plan.active_params
    assert plan.memory["serve_weights"] == 2 * plan.total_params
    assert plan.memory["train_state"] == 16 * plan.total_params
    # router, head and attention are in it: more than six times the active matrices without scores
    active = plan.architecture.active_params()
    assert plan.flops_per_token > 6 * active.matmul
    assert plan.flops_per_token < 6 * active.total * 1.5


def test_beyond_the_runs_of_the_law_it_says_extrapolated_and_widens_the_range() -> None:
    inside, beyond = (plan_experts(flops, MIXTURE, RECIPE) for flops in (1e20, 1e22))
    assert "extrapolation" not in {notice.code for notice in inside.notices}
    (notice,) = [notice for notice in beyond.notices if notice.code == "extrapolation"]
    assert notice.message.startswith("extrapolated: 1e22 FLOPs are 33.3 times above")

    def width(flops: float) -> float:
        low, high = leverage_range(MIXTURE, flops)
        return high / low

    assert width(1e22) > width(3e20) > 1


def test_the_independent_report_stands_beside_the_law_within_its_sparsities() -> None:
    gain = plan_experts(1e21, ExpertRequest(sparsity=48).mixture(), RECIPE).sparsity_gain
    assert gain is not None
    assert gain.times_fewer == pytest.approx(1.69)
    assert gain.times_fewer_by_law == pytest.approx(2.16, abs=0.005)
    assert plan_experts(1e20, ExpertRequest(experts=8, active=2).mixture(), RECIPE).sparsity_gain is None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ExpertRequest(experts=64, active=4, shared=1), (64, 4, 1, 3.75)),
        (ExpertRequest(experts=8, active=2), (8, 2, 0, 1.5)),
        (ExpertRequest(sparsity=48), (384, 8, 1, 6.75)),
        (ExpertRequest(sparsity=32, granularity=12), (480, 15, 1, 12)),
        (ExpertRequest(activation_ratio=9 / 257), (256, 8, 1, 6.75)),
    ],
)
def test_what_is_not_stated_is_usual(request_: ExpertRequest, expected: tuple[float, ...]) -> None:
    mixture = request_.mixture()
    assert (mixture.experts, mixture.active, mixture.shared, mixture.granularity) == expected


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (ExpertRequest(active=4), "expected one of --experts, --sparsity and --activation-ratio, got none"),
        (ExpertRequest(experts=64), "add --active"),
        (ExpertRequest(experts=64, active=4, sparsity=16), "got experts and sparsity"),
        (ExpertRequest(experts=4, active=8), "active: expected 1 to 4 of the experts, got 8"),
        (ExpertRequest(sparsity=0.5), "--sparsity: expected at least 1"),
        (ExpertRequest(activation_ratio=1.5), "--activation-ratio: expected more than 0 and at most 1"),
    ],
)
def test_experts_that_contradict_are_refused(request_: ExpertRequest, message: str) -> None:
    with pytest.raises(InputError, match=message):
        request_.mixture()


def test_days_on_devices_are_filled_by_the_run_that_they_pay_for() -> None:
    cluster = Cluster.parse("64xH100", days=7)
    flops = expert_budget(MIXTURE, RECIPE, cluster)
    plan = plan_experts(flops, MIXTURE, RECIPE, cluster)
    assert plan.cost_estimate is not None
    assert plan.layout_estimate is not None
    assert 0.9 * 7 * 24 < plan.cost_estimate.hours <= 7 * 24
    assert plan.layout_estimate.layout.devices == 64
    assert plan.run.sequences == plan.layout_estimate.batch_sequences
