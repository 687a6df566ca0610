"""Training scripts for OLMo-core, read here, and built by OLMo-core itself where it is installed."""

import importlib.util
from argparse import Namespace
from dataclasses import replace

import pytest

from isoflop.arch.layout import Layout
from isoflop.errors import RefusedError
from isoflop.plan.export import EXPORTS
from isoflop.schedule import Schedule
from plan.export.reading import keywords

PLAIN = {"without": ("query_key_norm",)}


def exported(value):
    return EXPORTS["olmo-core"](value)


def test_the_run_is_in_it(engine_run):
    value = engine_run(z_loss=1e-4)
    text, run = exported(value), value.run
    assert keywords(text, "NumpyDataLoaderConfig") == {"global_batch_size": run.batch_tokens, "seed": 0}
    assert f"max_duration=Duration.steps({run.steps})" in text
    assert keywords(text, "CosWithWarmup") == {"warmup": value.warmup_steps, "alpha_f": 0.1}
    train = keywords(text, "TransformerTrainModuleConfig")
    assert (train["max_sequence_length"], train["max_grad_norm"], train["z_loss_multiplier"]) == (256, 1.0, 1e-4)
    assert "rank_microbatch_size=1 * 256" in text
    assert keywords(text, "CheckpointerCallback") == {"save_interval": value.checkpoint_steps}
    optimizer = keywords(text, "AdamWConfig")
    assert optimizer["lr"] == run.peak_lr
    assert (optimizer["betas"], optimizer["eps"], optimizer["weight_decay"]) == ((0.9, 0.95), 1e-8, 0.1)
    assert keywords(text, "OptimGroupOverride") == {
        "params": ["*norm.weight", "embeddings.weight", "lm_head.w_out.weight"],
        "opts": {"lr": run.peak_lr, "weight_decay": 0.0},
    }


@pytest.mark.parametrize(("arch", "normed"), [({}, True), (PLAIN, False), ({"n_kv_heads": 1}, True)])
def test_the_norm_of_queries_and_keys_is_by_head(engine_run, arch, normed):
    value = engine_run(arch=arch)
    model = keywords(exported(value), "TransformerConfig.llama_like")
    assert model["qk_norm"] is model["use_head_qk_norm"] is normed
    assert (model["n_kv_heads"], model["head_dim"]) == (value.arch.n_kv_heads, value.arch.head_dim)
    assert (model["rope_theta"], model["layer_norm_eps"]) == (10_000, 1e-6)


@pytest.mark.parametrize(
    ("layout", "data", "other"),
    [
        (None, ("fsdp", None, None), ()),
        (Layout(sharded=4), ("fsdp", None, None), ()),
        (Layout(data=2, sharded=4), ("hsdp", 2, 4), ()),
        (Layout(data=2), ("ddp", None, None), ("autocast_precision=DType.bfloat16",)),
        (Layout(sharded=2, pipeline=2), ("fsdp", None, None), ('(degree=2, schedule="1F1B")',)),
    ],
)
def test_a_layout(engine_run, layout, data, other):
    text = exported(engine_run(layout=layout, batch_tokens=8_192, micro_batch_sequences=2, recompute="full"))
    written = keywords(text, "TransformerDataParallelConfig")
    assert (written["name"], written.get("num_replicas"), written.get("shard_degree")) == data
    assert "rank_microbatch_size=2 * 256" in text
    assert keywords(text, "TransformerActivationCheckpointingConfig") == {"mode": "full"}
    for said in other:
        assert said in text


def test_one_device_needs_no_parallel_part(engine_run):
    text = exported(engine_run(layout=Layout()))
    assert "Parallel" not in text
    assert "autocast_precision=DType.bfloat16" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schedule": Schedule(kind="wsd")}, "cools down linearly, .*plan with --rates steplaw2025"),
        ({"arch": {"tied_embedding": True}, "layout": Layout(pipeline=2)}, "its pipelines cannot tie the embedding"),
    ],
)
def test_what_it_cannot_do_is_refused(engine_run, changes, said):
    with pytest.raises(RefusedError, match=said):
        exported(engine_run(**changes))


@pytest.fixture
def built(tmp_path):
    """The ExperimentConfig that a script makes."""
    pytest.importorskip("olmo_core", reason="ai2-olmo-core is not installed: its own classes are not asked")

    def build(text):
        path = tmp_path / "train.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location("exported", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.build_config(Namespace(work_dir=str(tmp_path), save_folder=str(tmp_path)), [])

    return build


@pytest.mark.parametrize(
    ("arch", "changes"),
    [
        ({}, {}),
        (PLAIN, {"layout": Layout(data=2, sharded=2, pipeline=2), "batch_tokens": 8_192, "recompute": "selective"}),
        ({"tied_embedding": True}, {"layout": Layout(tensor=1, data=2), "batch_tokens": 8_192}),
        ({"n_kv_heads": 1}, {"schedule": Schedule(kind="constant")}),
    ],
)
def test_olmo_core_counts_as_many_parameters(engine_run, built, arch, changes):
    value = engine_run(arch=arch, **changes)
    config = built(exported(value))
    assert config.model.num_params == value.arch.params().total
    model = config.model.build(init_device="meta")
    assert sum(tensor.numel() for tensor in model.parameters()) == value.arch.params().total
    undecayed = sum(
        tensor.numel()
        for group in config.train_module.optim.build(model).param_groups
        if group["weight_decay"] == 0.0
        for tensor in group["params"]
    )
    count = value.arch.params()
    assert undecayed == count.embedding + count.output_head + count.vectors


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(kind="constant")])
def test_olmo_core_follows_the_schedule(engine_run, built, schedule):
    value = engine_run(schedule=schedule)
    run, scheduler = value.run, built(exported(value)).train_module.scheduler
    for step in range(1, run.steps, 97):
        ours = schedule.factor(step * run.batch_tokens, tokens=run.tokens, warmup_tokens=run.warmup_tokens)
        assert scheduler.get_lr(1.0, step, run.steps) == pytest.approx(ours, abs=1 / max(1, value.warmup_steps))


def test_several_rates_are_groups_of_their_own(engine_run, built):
    value = engine_run(peak_lr=1e-3)
    rates = replace(value.run.optimizer, embedding_lr=10.0, output_head_lr=4.0)
    config = built(exported(replace(value, run=replace(value.run, optimizer=rates))))
    groups = config.train_module.optim.build(config.model.build(init_device="meta")).param_groups
    assert [group["lr"] for group in groups] == pytest.approx([1e-3, 1e-2, 4e-3, 1e-3])
