"""Launch lines start as many processes as the plan has devices, and on as many as divide the batch without a plan."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch.layout import Layout
from isoflop.laws import published_law
from isoflop.plan import Cluster, make_plan
from isoflop.plan.export import EXPORTS, EngineRun
from isoflop.plan.export.launch import devices, launch_entry, nodes
from plan.export.reading import comment_of

PLAN = make_plan(published_law("besiroglu2024"), 1e20)


@given(st.integers(1, 4_096), st.sampled_from([None, 4, 8, 16, 256]))
def test_every_device_has_its_process(count, node):
    built = EngineRun.of_plan(PLAN)
    batch = count * built.run.seq_len
    run = replace(built.run, batch_tokens=batch, tokens=10 * batch, warmup_tokens=0)
    value = replace(built, run=run, layout=Layout(data=count), node_devices=node)
    many, each = nodes(value)
    assert many * each == count == devices(value)
    assert each <= (8 if node is None or node > 16 else node)


def test_one_node(engine_run):
    value = engine_run(layout=Layout(sharded=4), batch_tokens=2_048)
    said, command = launch_entry(value, "train.py x", before="A=1", first="save it").split("\n")
    assert said == "save it, then on 4 devices:"
    assert command == "A=1 torchrun --standalone --nproc-per-node=4 train.py x"


def test_many_nodes(engine_run):
    value = engine_run(layout=Layout(data=3, sharded=8), batch_tokens=24 * 256, node_devices=8)
    said, command, program = launch_entry(value, "train.py").split("\n")
    assert "on each of 3 nodes of 8 devices" in said
    assert command.startswith("torchrun --nnodes=3 --nproc-per-node=8 --rdzv-backend=c10d --rdzv-endpoint=HEAD:29500")
    assert program.strip() == "train.py"


@pytest.mark.parametrize(("sequences", "micro", "count"), [(16, None, 8), (10, None, 2), (7, None, 1), (8, 4, 2)])
def test_without_a_plan_for_devices_as_many_as_divide_the_batch(engine_run, sequences, micro, count):
    value = engine_run(batch_tokens=sequences * 256, micro_batch_sequences=micro)
    assert nodes(value) == (1, count)
    assert f"(or another number that divides {sequences // (micro or 1)})" in launch_entry(value, "train.py")


@pytest.mark.parametrize(("planned", "count"), [(16, 16), (12, 8), (3, 2), (100, 32)])
def test_devices_without_a_layout_are_as_many_as_divide_the_batch(engine_run, planned, count):
    value = engine_run(batch_tokens=32 * 256, planned_devices=planned)
    assert devices(value) == count


def test_a_plan_on_devices_that_have_no_layout():
    plan = make_plan(published_law("besiroglu2024"), 1e22, cluster=Cluster.parse("64xV100"))
    assert plan.layout_estimate is None
    assert nodes(EngineRun.of_plan(plan)) == (8, 8)


@pytest.mark.parametrize("engine", ["torchtitan", "olmo-core", "megatron"])
@pytest.mark.parametrize(("cluster", "said"), [("512xH100", "64 nodes of 8"), ("24xH100", "3 nodes of 8")])
def test_plans_start_on_their_devices(engine, cluster, said):
    plan = make_plan(published_law("besiroglu2024"), 1e22, cluster=Cluster.parse(cluster))
    value = EngineRun.of_plan(plan)
    assert f"on each of {said} devices" in comment_of(EXPORTS[engine](value))
    assert value.checkpoint_steps == round(3600 / plan.layout_estimate.time.seconds)
