"""Configuration modules for torchtitan, read here, and built by torchtitan itself where it is installed."""

import importlib
import sys
from dataclasses import replace

import pytest

from isoflop.arch.layout import Layout
from isoflop.errors import RefusedError
from isoflop.plan.export import EXPORTS
from isoflop.plan.export.launch import devices
from isoflop.plan.export.torchtitan import MODULE
from isoflop.schedule import Schedule
from plan.export.reading import keywords

PLAIN = {"without": ("query_key_norm",)}
LAID_OUT = {
    "layout": Layout(data=2, sharded=4, tensor=1, pipeline=2),
    "micro_batch_sequences": 2,
    "batch_tokens": 8_192,
}


def exported(value):
    return EXPORTS["torchtitan"](value)


def test_the_run_is_in_it(engine_run):
    value = engine_run()
    text, run = exported(value), value.run
    training = keywords(text, "TrainingConfig")
    assert training["global_batch_size"] * training["seq_len"] * training["steps"] == run.tokens
    assert (training["seq_len"], training["max_norm"]) == (256, 1.0)
    assert training["local_batch_size"] == 1, "torchtitan's default of 8 does not divide every batch"
    assert keywords(text, "CheckpointManager.Config") == {"enable": True, "interval": value.checkpoint_steps}
    schedule = keywords(text, "LRSchedulersContainer.Config")
    assert schedule == {"warmup_steps": value.warmup_steps, "decay_type": "cosine", "min_lr_factor": 0.1}
    assert f'_group(r"norm|tok_embeddings|lm_head", lr={run.peak_lr!r}, weight_decay=0.0)' in text
    assert f'_group(r".*", lr={run.peak_lr!r}, weight_decay=0.1)' in text
    for unplanned in ("ParallelismConfig", "FullAC", "activation_checkpoint"):
        assert unplanned not in text


@pytest.mark.parametrize(("arch", "model"), [({}, "Qwen3"), (PLAIN, "Llama3")])
def test_the_norm_of_queries_and_keys_decides_the_model(engine_run, arch, model):
    value = engine_run(arch=arch)
    text = exported(value)
    assert keywords(text, f"{model}Model.Config")["vocab_size"] == 1024
    attention = keywords(text, "make_gqa_config")
    assert (attention["dim"], attention["n_heads"], attention["head_dim"]) == (
        value.arch.d_model, value.arch.n_heads, value.arch.head_dim,
    )  # fmt: skip
    assert (f"qk_norm=_norm({value.arch.head_dim})" in text) == (model == "Qwen3")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (Schedule(kind="constant"), {"decay_ratio": 0.0}),
        (
            Schedule(kind="wsd", final_fraction=0.0, cooldown_fraction=0.3),
            {"decay_ratio": 0.3, "decay_type": "sqrt", "min_lr_factor": 0.0},
        ),
    ],
)
def test_the_other_schedules(engine_run, schedule, said):
    written = keywords(exported(engine_run(schedule=schedule)), "LRSchedulersContainer.Config")
    written.pop("warmup_steps")
    assert written == said


def test_a_layout(engine_run):
    text = exported(engine_run(**LAID_OUT, recompute="full"))
    assert keywords(text, "ParallelismConfig") == {
        "data_parallel_replicate_degree": 2,
        "data_parallel_shard_degree": 4,
        "tensor_parallel_degree": 1,
        "pipeline_parallel_degree": 2,
        "pipeline_parallel_microbatch_size": 2,
    }
    # a pipeline is given all 32 / (2 * 4) sequences of its replica at once
    training = keywords(text, "TrainingConfig")
    assert (training["local_batch_size"], training["disable_cuda_graphs"]) == (4, True)
    assert "activation_checkpoint=FullAC.Config()" in text
    dealt = engine_run(layout=Layout(pipeline=2, interleaved=2), micro_batch_sequences=2, batch_tokens=8_192)
    pieces = keywords(exported(dealt), "ParallelismConfig")
    assert pieces["pipeline_parallel_schedule"] == "Interleaved1F1B"
    assert "SelectiveAC.Config()" in exported(engine_run(**LAID_OUT, recompute="selective"))
    flat = exported(engine_run(layout=Layout(sharded=4), micro_batch_sequences=2, batch_tokens=8_192, recompute="none"))
    assert keywords(flat, "TrainingConfig")["local_batch_size"] == 2
    assert "activation_checkpoint=None" in flat


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"z_loss": 1e-4}, "it has no z-loss"),
        ({**LAID_OUT, "arch": {"tied_embedding": True}}, "its pipelines cannot tie the embedding"),
    ],
)
def test_what_it_cannot_do_is_refused(engine_run, changes, said):
    with pytest.raises(RefusedError, match=said):
        exported(engine_run(**changes))


def several_rates(value):
    rates = replace(value.run.optimizer, embedding_lr=10.0, output_head_lr=4.0)
    return replace(value, run=replace(value.run, optimizer=rates))


def test_several_rates_are_groups_but_not_across_stages(engine_run):
    value = several_rates(engine_run(peak_lr=1e-3))
    text = exported(value)
    for pattern, lr in (("norm", 1e-3), ("tok_embeddings", 1e-2), ("lm_head", 4e-3)):
        assert f'_group(r"{pattern}", lr={lr}, weight_decay=0.0)' in text
    with pytest.raises(RefusedError, match="one learning rate"):
        exported(several_rates(engine_run(**LAID_OUT)))


@pytest.fixture
def built(tmp_path, monkeypatch):
    """The Trainer.Config that torchtitan makes of a module."""
    pytest.importorskip("torchtitan", reason="torchtitan is not installed: its own classes are not asked")
    from torchtitan.config import ConfigManager

    def build(text):
        (tmp_path / f"{MODULE}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        sys.modules.pop(MODULE, None)
        importlib.invalidate_caches()
        return ConfigManager().parse_args(["--module", MODULE, "--config", "planned"])

    return build


@pytest.mark.parametrize(
    ("arch", "changes"),
    [({}, {}), (PLAIN, LAID_OUT), ({"tied_embedding": True}, {}), ({"n_kv_heads": 1}, {"recompute": "selective"})],
)
def test_torchtitan_builds_as_many_parameters(engine_run, built, arch, changes):
    import torch

    value = engine_run(arch=arch, **changes)
    config = built(exported(value))
    with torch.device("meta"):
        model = config.model_spec.model.build()
    assert sum(tensor.numel() for tensor in model.parameters()) == value.arch.params().total


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_tokens": 7 * 256},
        {"batch_tokens": 12 * 256, "layout": Layout(data=2, sharded=3), "micro_batch_sequences": 2},
        LAID_OUT,
    ],
)
def test_torchtitan_divides_the_batch_and_saves_checkpoints(engine_run, built, changes):
    value = engine_run(**changes)
    config = built(exported(value))
    ways = devices(value) if value.layout is None else value.layout.batch_ways
    # what its trainer asserts before the first step
    assert config.training.global_batch_size % (config.training.local_batch_size * ways) == 0
    assert (config.checkpoint.enable, config.checkpoint.interval) == (True, value.checkpoint_steps)


@pytest.mark.parametrize("schedule", [Schedule(), Schedule(kind="constant"), Schedule(kind="wsd", final_fraction=0.0)])
def test_torchtitan_follows_the_schedule(engine_run, built, schedule):
    import torch
    from torchtitan.components.optimizer import OptimizersContainer

    value = several_rates(engine_run(schedule=schedule))
    config, run = built(exported(value)), value.run
    with torch.device("meta"):
        model = config.model_spec.model.build()
    groups = OptimizersContainer.Config(param_groups=config.optimizer.param_groups, implementation="for-loop")
    optimizers = groups.build(model_parts=[model])
    scheduler = config.lr_scheduler.build(optimizers=optimizers, training_steps=config.training.steps)
    factor = scheduler.schedulers[0].lr_lambdas[0]
    for step in range(0, run.steps, 97):
        # its rate of a step is that at the step's end, ours of a token where it stands
        end = schedule.factor((step + 1) * run.batch_tokens, tokens=run.tokens, warmup_tokens=run.warmup_tokens)
        assert factor(step) == pytest.approx(end, abs=2 / max(1, value.warmup_steps))
