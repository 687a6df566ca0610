"""The script of the planner page against make_plan: the same numbers for drawn laws, budgets and objectives."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from isoflop.errors import RefusedError
from isoflop.hardware import hardware_catalogue
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
    TrainingOnly,
    make_plan,
    published_source,
)
from isoflop.report.planner import planner_data
from report.planner.in_browser import answers_of

CASES = 600
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
    """An objective with numbers around those of published systems."""
    kind = dice.choice(["training_only", "training_only", "fixed_params", "fixed_tokens", "fixed_ratio"])
    numbers = {
        "fixed_params": {"params": 10 ** dice.uniform(7, 12)},
        "fixed_tokens": {"tokens": 10 ** dice.uniform(9, 14)},
        "fixed_ratio": {"tokens_per_param": 10 ** dice.uniform(0, 3)},
    }
    return {"kind": kind, **numbers.get(kind, {})}


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
        "budget": {"kind": "flops", "value": 10 ** dice.uniform(18, 26)},
        "device": device,
        "objective": drawn_objective(dice),
        "level": dice.choice([0.5, 0.8, 0.9, 0.95, 0.99]),
    }


def planned(inputs: dict[str, Any]) -> Plan | RefusedError:
    """What make_plan answers without a shape, or why it refuses."""
    device, spec = inputs["device"], inputs["objective"]
    cluster = Cluster.parse(
        f"{device['count']}x{device['name']}",
        utilization=device.get("utilization"),
        price_per_hour=device.get("price_per_hour"),
    )
    objective: Objective = OBJECTIVES[spec["kind"]](spec)
    try:
        return make_plan(
            SOURCES[inputs["law"]],
            inputs["budget"]["value"],
            level=inputs["level"],
            objective=objective,
            recipe=None,
            cluster=cluster,
        )
    except RefusedError as error:
        return error


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """[(inputs, what the page's script answers)]."""
    dice = random.Random(0)
    cases = [drawn_inputs(dice) for _ in range(CASES)]
    data = planner_data(SOURCES.values())
    answers, _ = answers_of(data, [["plan", case] for case in cases], tmp_path_factory.mktemp("browser"))
    return list(zip(cases, answers, strict=True))


def test_plans_are_those_of_make_plan(answered: list[tuple[dict[str, Any], dict[str, Any]]], tmp_path: Path) -> None:
    for inputs, answer in answered:
        expected = planned(inputs)
        if isinstance(expected, RefusedError):
            assert answer["refused"]["code"] == expected.code, inputs
            continue
        assert "refused" not in answer, (inputs, answer)
        said = expected.as_json()
        for name in NUMBERS:
            assert answer[name] == (said[name] if said[name] is None else pytest.approx(said[name], rel=1e-12)), (
                name,
                inputs,
            )
        cost = expected.cost_estimate
        assert cost is not None
        for name in ("hours_range", "price_range", "energy_kwh"):
            number = getattr(cost, name)
            assert answer[name] == (number if number is None else pytest.approx(number, rel=1e-12)), (name, inputs)
        assert [notice["code"] for notice in answer["warnings"]] == [notice.code for notice in expected.notices], inputs
