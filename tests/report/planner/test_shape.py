"""The shapes of the planner page, and the hours and limits that they decide, are Python's."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from isoflop.arch import flops_per_token
from isoflop.arch.flops import FLOPS_CONVENTIONS
from isoflop.arch.memory import serve_bytes
from isoflop.errors import InputError, RefusedError
from isoflop.large_recipe import LargeRecipe
from isoflop.plan import Cluster, FixedRatio, Plan, ServingLimit, TrainingOnly, flops_on_cluster, make_plan
from isoflop.plan import published_source as source_named
from isoflop.report.planner import ShapeData, planner_data
from report.planner.driven import seen_in
from report.planner.in_browser import answers_of

LAWS = ("besiroglu2024", "hoffmann2022-3", "kaplan2020-loss", "porian2024-rw", "llama3-2024")


def expected_shape(params: float, convention: str) -> list[float] | None:
    """What Python builds; None where it builds none."""
    try:
        arch = LargeRecipe(params_convention=convention).architecture(params)
    except InputError:
        return None
    count = arch.params()
    flops = [flops_per_token(arch, 2048, name) for name in FLOPS_CONVENTIONS]
    return [
        arch.n_layers,
        arch.d_model,
        count.total,
        count.non_embedding,
        count.matmul,
        serve_bytes(arch, 2048),
        *flops,
    ]


def test_shapes_are_those_of_the_large_recipe(planner_file: Path, tmp_path: Path) -> None:
    dice = random.Random(0)
    asked = [(10 ** dice.uniform(6, 13), dice.choice(["total", "non_embedding", "matmul"])) for _ in range(400)]
    run = f"""
      const {{ nearestShape, flopsPerToken, serveBytes }} = act.view.isoflop.shape;
      return {[list(one) for one in asked]}.map(([params, convention]) => {{
        const s = nearestShape(params, convention, {{ vocab_size: 32000, seq_len: 2048 }});
        if (s === null) return null;
        const flops = {list(FLOPS_CONVENTIONS)}.map((name) => flopsPerToken(s, name));
        return [s.n_layers, s.d_model, s.total, s.non_embedding, s.matmul, serveBytes(s), ...flops];
      }});"""
    shapes = seen_in(planner_file, [("", run)], tmp_path)[0]
    for one, shape in zip(asked, shapes, strict=True):
        expected = expected_shape(*one)
        assert shape == (expected and pytest.approx(expected, rel=1e-14)), one


def drawn(dice: random.Random) -> dict[str, Any]:
    """A budget in days or money, with a limit of memory in half of the cases."""
    kind = dice.choice(["days", "money"])
    value = dice.uniform(2, 60) if kind == "days" else 10 ** dice.uniform(4, 7)
    ratio = {"kind": "fixed_ratio", "tokens_per_param": 10 ** dice.uniform(1, 2)}
    return {
        "law": dice.choice(LAWS),
        "budget": {"kind": kind, "value": value},
        "device": {
            "name": dice.choice(["H100", "A100", "TPUv4"]),
            "count": dice.choice([64, 512, 4096]),
            "utilization": 0.4,
        },
        "objective": dice.choice([{"kind": "training_only"}, ratio]),
        "memory_limit_bytes": dice.choice([None, 80e9, 640e9]),
    }


def planned(inputs: dict[str, Any]) -> Plan | RefusedError:
    """What Python plans, or why it refuses."""
    device, budget, spec = inputs["device"], inputs["budget"], inputs["objective"]
    bound = {"days" if budget["kind"] == "days" else "max_price": budget["value"]}
    cluster = Cluster.parse(f"{device['count']}x{device['name']}", utilization=device["utilization"], **bound)
    source, memory = source_named(inputs["law"]), inputs["memory_limit_bytes"]
    serving = None if memory is None else ServingLimit(memory_bytes=memory)
    objective = (
        TrainingOnly() if spec["kind"] == "training_only" else FixedRatio(tokens_per_param=spec["tokens_per_param"])
    )
    recipe = LargeRecipe(params_convention=source.law.provenance.params_convention)
    try:
        flops = flops_on_cluster(source, cluster, recipe, objective=objective, serving=serving)
        return make_plan(source, flops, objective=objective, cluster=cluster, serving=serving, recipe=recipe)
    except RefusedError as error:
        return error


def test_hours_and_limits_are_those_of_the_shape_that_is_built(tmp_path: Path) -> None:
    dice = random.Random(1)
    cases = [drawn(dice) for _ in range(24)]
    data = planner_data([source_named(name) for name in LAWS], ShapeData())
    answers, _ = answers_of(data, [["plan", case] for case in cases], tmp_path)
    refused = 0
    for inputs, answer in zip(cases, answers, strict=True):
        plan = planned(inputs)
        if isinstance(plan, RefusedError):
            refused += 1
            assert answer["refused"]["code"] == plan.code, inputs
            continue
        assert plan.cost_estimate is not None
        expected = {
            "hours": plan.cost_estimate.hours,
            "price": plan.cost_estimate.price,
            "wasted_share": plan.wasted_share,
        }
        expected |= {"budget_flops": plan.budget_flops, "params": plan.params, "tokens": plan.tokens, "loss": plan.loss}
        for name, value in expected.items():
            near = value if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)
            assert answer[name] == near, (name, inputs)
        codes = {notice["code"] for notice in answer["warnings"]}
        assert codes <= {notice.code for notice in plan.notices}, inputs
    assert refused < len(cases) / 2
