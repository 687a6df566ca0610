"""The script of the planner page against make_plan: the same numbers for drawn laws, budgets and objectives."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from isoflop.codes import grade_of
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import hardware_catalogue
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_names
from isoflop.plan import (
    Cluster,
    FixedParams,
    FixedRatio,
    FixedTokens,
    InferenceDemand,
    LimitedData,
    Objective,
    Plan,
    Problem,
    ServingLimit,
    TrainingOnly,
    budget_on_cluster,
    flops_for_loss,
    make_plan,
    published_source,
)
from isoflop.plan.alternatives import wasted_share
from isoflop.report.planner import ShapeData, planner_data
from report.planner.in_browser import answers_of

CASES, PROFILES = 700, 80
SIZES = [1e8, 1e9, 3e10, 1e12]
SOURCES = {name: published_source(name) for name in published_names()}
OBJECTIVES = {
    "training_only": lambda spec: TrainingOnly(),
    "inference_demand": lambda spec: InferenceDemand(tokens=spec["inference_tokens"]),
    "limited_data": lambda spec: LimitedData(unique_tokens=spec["unique_tokens"]),
    "fixed_params": lambda spec: FixedParams(params=spec["params"]),
    "fixed_tokens": lambda spec: FixedTokens(tokens=spec["tokens"]),
    "fixed_ratio": lambda spec: FixedRatio(tokens_per_param=spec["tokens_per_param"]),
}
NUMBERS = (
    "budget_flops", "flops", "params", "tokens", "tokens_per_param", "loss", "loss_interval", "params_interval",
    "tokens_interval", "level", "expected_waste", "extrapolation_factor", "hours", "price",
)  # fmt: skip


def drawn_objective(dice: random.Random) -> dict[str, Any]:
    """An objective with numbers around those of published systems, or two or three of them."""
    kind = dice.choice(["training_only", "combined", *OBJECTIVES])
    numbers: dict[str, dict[str, float]] = {
        "inference_demand": {"inference_tokens": 10 ** dice.uniform(9, 15)},
        "limited_data": {"unique_tokens": 10 ** dice.uniform(8, 13)},
        "fixed_params": {"params": 10 ** dice.uniform(7, 12)},
        "fixed_tokens": {"tokens": 10 ** dice.uniform(9, 14)},
        "fixed_ratio": {"tokens_per_param": 10 ** dice.uniform(0, 3)},
    }
    if kind == "combined":
        fixed = dice.choice(["fixed_params", "fixed_tokens", "fixed_ratio"])
        kinds = dice.choice(
            [["inference_demand", "limited_data"], ["limited_data", fixed], ["inference_demand", fixed]]
        )
        return {"kind": kind, "of": [{"kind": each, **numbers[each]} for each in kinds]}
    return {"kind": kind, **numbers.get(kind, {})}


def drawn_budget(dice: random.Random) -> dict[str, Any]:
    """FLOPs, a sum, days of the devices or a loss."""
    value = {
        "flops": 10 ** dice.uniform(18, 26),
        "money": 10 ** dice.uniform(3, 8),
        "days": 10 ** dice.uniform(-1, 2.5),
        "loss": dice.uniform(1.6, 3.5),
    }
    kind = dice.choice(["flops", "flops", *value])
    return {"kind": kind, "value": value[kind]}


def drawn_inputs(dice: random.Random) -> dict[str, Any]:
    """Inputs of one plan."""
    law = "besiroglu2024" if dice.random() < 0.4 else dice.choice(list(SOURCES))
    device: dict[str, Any] = {"name": dice.choice([d.name for d in hardware_catalogue().values()])}
    device["count"] = dice.choice([1, 8, 512, 16_384])
    if dice.random() < 0.3:
        device["utilization"] = dice.uniform(0.1, 0.7)
    if dice.random() < 0.3:
        device["price_per_hour"] = dice.uniform(0.5, 8)
    return {
        "law": law,
        "budget": drawn_budget(dice),
        "device": device,
        "objective": drawn_objective(dice),
        "level": dice.choice([0.5, 0.8, 0.9, 0.95, 0.99]),
    }


def objective_of(inputs: dict[str, Any]) -> Problem:
    """The problem, by Python. Raises RefusedError for limits that contradict each other."""
    spec = inputs["objective"]
    stated: list[Objective] = [OBJECTIVES[each["kind"]](each) for each in spec.get("of", [spec])]
    return Problem.of(stated)


def assert_same_limits(answer: Any, plan: Plan, inputs: dict[str, Any]) -> None:
    """The limits and their prices, which are differences: known to rounding of what they are between."""
    said: Any = plan.as_json()["limits"]
    assert [{**each, "price_flops": None, "price_loss": None} for each in answer] == [
        {**each, "price_flops": None, "price_loss": None} for each in said
    ], inputs
    for one, other in zip(answer, said, strict=True):
        assert one["price_flops"] == close(other["price_flops"], 1e-9 * (plan.lifetime_flops or plan.flops)), inputs
        assert one["price_loss"] == close(other["price_loss"], 1e-10), inputs


def cluster_of(inputs: dict[str, Any]) -> Cluster:
    device, budget = inputs["device"], inputs["budget"]
    return Cluster.parse(
        f"{device['count']}x{device['name']}",
        utilization=device.get("utilization"),
        price_per_hour=device.get("price_per_hour"),
        days=budget["value"] if budget["kind"] == "days" else None,
        max_price=budget["value"] if budget["kind"] == "money" else None,
    )


def flops_of(inputs: dict[str, Any]) -> float:
    """Training FLOPs of the budget, by Python. Raises InputError or RefusedError."""
    budget, source = inputs["budget"], SOURCES[inputs["law"]]
    if budget["kind"] == "flops":
        return float(budget["value"])
    if budget["kind"] == "loss":
        return flops_for_loss(source, budget["value"], objective_of(inputs))
    return budget_on_cluster(source, cluster_of(inputs), None, objective=objective_of(inputs)).flops


def planned(inputs: dict[str, Any]) -> Plan | str:
    """What make_plan answers without a shape, or the code of why it does not."""
    try:
        cluster, flops = cluster_of(inputs), flops_of(inputs)
        return make_plan(
            SOURCES[inputs["law"]],
            flops,
            level=inputs["level"],
            objective=objective_of(inputs),
            recipe=None,
            cluster=cluster,
        )
    except RefusedError as error:
        return error.code
    except InputError:
        return "input"


BUDGETS = [1e18, 1e21, 5.76e23, 1e26]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], list[Any], list[Any], list[Any]]:
    """(inputs, what the page's script plans for each, the profile of each and the fan of all laws)."""
    dice = random.Random(0)
    cases = [drawn_inputs(dice) for _ in range(CASES)]
    questions: list[list[Any]] = [["plan", case] for case in cases]
    questions += [["profile", case, SIZES] for case in cases[:PROFILES]]
    questions += [["budgetOf", case] for case in cases[:PROFILES]]
    questions += [["frontiers", BUDGETS]]
    answers, _ = answers_of(planner_data(SOURCES.values()), questions, tmp_path_factory.mktemp("browser"))
    profiles, budgets = answers[CASES : CASES + PROFILES], answers[CASES + PROFILES : -1]
    return cases, answers[:CASES], [*zip(profiles, budgets, strict=True)], answers[-1]


def close(expected: Any, absolute: float | None = None) -> Any:
    return expected if expected is None else pytest.approx(expected, rel=1e-12, abs=absolute)


def test_plans_are_those_of_make_plan(answered: Any) -> None:
    kinds: Counter[str] = Counter()
    for inputs, answer in zip(answered[0], answered[1], strict=True):
        expected = planned(inputs)
        if isinstance(expected, str):
            kinds[f"refused {expected}"] += 1
            assert answer["refused"]["code"] == expected, inputs
            continue
        kinds[inputs["objective"]["kind"]] += 1
        kinds[f"budget of {inputs['budget']['kind']}"] += 1
        assert "refused" not in answer, (inputs, answer)
        said = expected.as_json()
        for name in NUMBERS:
            assert answer[name] == close(said[name]), (name, inputs)
        # 1 less a ratio that is known to rounding
        assert answer["wasted_share"] == close(expected.wasted_share, 1e-12), inputs
        cost = expected.cost_estimate
        assert cost is not None
        for name in ("hours_range", "price_range", "energy_kwh"):
            assert answer[name] == close(getattr(cost, name)), (name, inputs)
        assert_same_limits(answer["limits"], expected, inputs)
        assert answer["lifetime_flops"] == close(expected.lifetime_flops)
        codes = [notice["code"] for notice in answer["warnings"]]
        assert codes == [notice.code for notice in expected.notices], inputs
        assert answer["grade"]["word"] == grade_of(codes).word
    assert all(kinds[kind] >= 30 for kind in (*OBJECTIVES, "combined")), kinds
    assert all(kinds[f"budget of {kind}"] >= 30 for kind in ("flops", "money", "days", "loss")), kinds
    assert {kind for kind in kinds if kind.startswith("refused")} >= {
        "refused no_loss",
        "refused out_of_reach",
        "refused input",
        "refused limits_contradict",
    }, kinds


def test_the_profile_is_that_of_the_objective(answered: Any) -> None:
    drawn = 0
    for inputs, plan, (profile, budget) in zip(answered[0][:PROFILES], answered[1], answered[2], strict=False):
        if "refused" in plan and "refused" in profile:
            continue
        if "refused" in profile:
            continue
        source, objective = SOURCES[inputs["law"]], objective_of(inputs)
        law, C = source.law, flops_of(inputs)
        assert budget == close(C)
        assert profile["tokens"] == close([C / (6 * N) for N in SIZES])
        if not law.has_loss:
            assert profile["loss"] == [None] * len(SIZES)
            continue
        losses = [float(objective.loss(law, N, C / (6 * N))) for N in SIZES]
        assert profile["loss"] == close(losses)
        wasted = [wasted_share(law, loss, C, source.cost, objective) for loss in losses]
        assert profile["wasted_share"] == close(wasted, 1e-12), inputs
        drawn += 1
    assert drawn > 20


def test_the_fan_has_every_law_and_the_intervals_that_are_known(answered: Any) -> None:
    fan = {each["name"]: each for each in answered[3]}
    assert list(fan) == list(SOURCES)
    for name, source in SOURCES.items():
        plans = [make_plan(source, C, recipe=None) for C in BUDGETS]
        assert fan[name]["params"] == close([plan.params for plan in plans])
        assert fan[name]["tokens"] == close([plan.tokens for plan in plans])
        assert [None if x is None else pytest.approx(x, rel=1e-12) for x in fan[name]["loss"]] == [
            plan.loss for plan in plans
        ]
        for plan, interval in zip(plans, fan[name]["params_interval"], strict=True):
            assert interval == close(plan.params_interval)


def within_memory(inputs: dict[str, Any]) -> Plan | str:
    """What make_plan answers where a memory limits the shape that may be served, or the code of why it does not."""
    source, budget = SOURCES[inputs["law"]], inputs["budget"]
    serving = ServingLimit(memory_bytes=inputs["memory_limit_bytes"])
    convention = source.law.provenance.params_convention
    recipe = LargeRecipe(params_convention=convention)
    try:
        flops, objective = budget["value"], objective_of(inputs)
        if budget["kind"] == "loss":
            flops = flops_for_loss(source, flops, objective, serving=serving, recipe=recipe)
        return make_plan(source, flops, level=inputs["level"], objective=objective, recipe=recipe, serving=serving)
    except RefusedError as error:
        return error.code
    except InputError:
        return "input"


def test_a_memory_limits_every_objective_and_budget(tmp_path: Path) -> None:
    dice = random.Random(1)
    drawn = [drawn_inputs(dice) for _ in range(160)]
    cases = [
        {**inputs, "device": None, "memory_limit_bytes": 10 ** dice.uniform(9, 12)}
        for inputs in drawn
        if inputs["budget"]["kind"] in ("flops", "loss")
    ]
    data = planner_data(SOURCES.values(), ShapeData())
    answers, _ = answers_of(data, [["plan", case] for case in cases], tmp_path)
    limited = 0
    for inputs, answer in zip(cases, answers, strict=True):
        expected = within_memory(inputs)
        if isinstance(expected, str):
            assert answer["refused"]["code"] == expected, inputs
            continue
        limited += expected.objective.size_limit is not None
        assert_same_limits(answer["limits"], expected, inputs)
        for name in ("flops", "params", "tokens", "loss", "loss_interval", "params_interval", "expected_waste"):
            assert answer[name] == close(getattr(expected, name)), (name, inputs)
    assert limited > 10
