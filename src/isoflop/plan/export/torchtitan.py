"""A configuration module for torchtitan 0.3, which reads Python, not TOML: `--module isoflop_plan --config planned`.

Its llama3 is llama without the query-key norm, its qwen3 llama with it. Both are put together from the dimensions of
the plan, so no flavour need be registered. Names looked up in the released package, torchtitan 0.3.0.
"""

from __future__ import annotations

import math

from isoflop.arch import NORM_EPS, ROTARY_BASE
from isoflop.plan.export.checked import CHECKED
from isoflop.plan.export.engine_run import (
    EngineRun,
    comment,
    no_recipe_of_a_study,
    no_z_loss,
    one_rate,
    refuse,
    shape_values,
    undecayed,
)
from isoflop.plan.export.launch import launch_entry

MODULE = "isoflop_plan"
"""Name that the file must have to be found by `--module`, with `.py` behind it."""

_HEAD_CHUNKS = 8  # of torchtitan's own llama3: the loss is computed on so many pieces of a sequence

_AGAIN = {"none": "", "selective": "SelectiveAC", "full": "FullAC"}

_MODULE_TEXT = '''
from functools import partial

from torch import nn

from torchtitan.components.checkpoint import CheckpointManager
from torchtitan.components.loss import ChunkedLossWrapper, CrossEntropyLoss
from torchtitan.components.optimizer import LRSchedulersContainer, OptimizersContainer, ParamGroupConfig
from torchtitan.config import DebugConfig, {config_imports}TrainingConfig
{recompute_import}from torchtitan.distributed.pipeline_parallel import pipeline_llm
from torchtitan.hf_datasets.text_datasets import HuggingFaceTextDataLoader
from torchtitan.models.common import {rope}, Embedding, Linear, RMSNorm
from torchtitan.models.common.config_utils import get_attention_config, make_ffn_config, make_gqa_config
from torchtitan.models.common.param_init import depth_scaled_std{init_import}
from torchtitan.models.{package}.model import {model}, {block}
from torchtitan.models.{package}.parallelize import {parallelize}
from torchtitan.models.{package}.state_dict_adapter import {adapter}
from torchtitan.protocols.model_spec import ModelSpec
from torchtitan.trainer import Trainer

TOKENIZER = "FILL IN: a folder with a Hugging Face tokenizer of {vocab:,} tokens"
DATASET = "FILL IN: a dataset that torchtitan knows"


def _normal(std):
    return {{"weight": partial(nn.init.normal_, std=std), "bias": nn.init.zeros_}}


def _norm(width):
    return RMSNorm.Config(normalized_shape=width, eps={eps}, param_init={{"weight": nn.init.ones_}})


def _layer(number):
    return {block}.Config(
        attention_norm=_norm({d}),
        ffn_norm=_norm({d}),
        attention=make_gqa_config(
            dim={d},
            n_heads={heads},
            n_kv_heads={kv_heads},
            head_dim={head_dim},
            fuse_qkv=True,
            wqkv_param_init=_normal(0.02),
            wo_param_init=_normal(depth_scaled_std(0.02, number)),
            inner_attention=get_attention_config("flex"),
            rope={rope}.Config(dim={head_dim}, max_seq_len={seq_len}, theta={theta}),
            qk_norm={qk_norm},
        ),
        feed_forward=make_ffn_config(
            dim={d},
            hidden_dim={ff},
            w1_param_init=_normal(0.02),
            w2w3_param_init=_normal(depth_scaled_std(0.02, number)),
        ),
    )


def model():
    """{params:,} parameters."""
    return {model}.Config(
        dim={d},
        vocab_size={vocab},
        enable_weight_tying={tied},
        tok_embeddings=Embedding.Config(num_embeddings={vocab}, embedding_dim={d}, param_init={embedding_init}),
        norm=_norm({d}),
        lm_head=Linear.Config(in_features={d}, out_features={vocab}, param_init=_normal({d}**-0.5)),
        layers=[_layer(number) for number in range({layers})],
    )


def _group(pattern, lr, weight_decay):
    options = {{"lr": lr, "betas": ({beta1}, {beta2}), "eps": {adam_eps}, "weight_decay": weight_decay}}
    return ParamGroupConfig(pattern=pattern, optimizer_name="AdamW", optimizer_kwargs=options)


def planned():
    return Trainer.Config(
        model_spec=ModelSpec(
            name="{package}",
            flavor="{name}",
            model=model(),
            parallelize_fn={parallelize},
            pipelining_fn=pipeline_llm,
            post_optimizer_build_fn=None,
            state_dict_adapter={adapter},
        ),
        hf_assets_path=TOKENIZER,
        dataloader=HuggingFaceTextDataLoader.Config(dataset=DATASET),
        loss=ChunkedLossWrapper.Config(
            num_chunks={chunks}, loss_fn=CrossEntropyLoss.Config(global_vocab_size={vocab})
        ),
        training=TrainingConfig(
{training}
        ),
        # The first pattern that is found in a parameter's name decides.
        optimizer=OptimizersContainer.Config(
            param_groups=[
{groups}
            ]
        ),
        lr_scheduler=LRSchedulersContainer.Config(
            warmup_steps={warmup}, {schedule}
        ),
        # in outputs/checkpoint; started again, it continues from the newest
        checkpoint=CheckpointManager.Config(enable=True, interval={checkpoint_steps}),
{layout}        debug=DebugConfig(seed={seed}),
    )
'''


def torchtitan(value: EngineRun) -> str:
    """The text of isoflop_plan.py.

    Raises RefusedError `not_expressible` for another family than llama, for a z-loss, and for pipeline stages with
    a tied embedding or several learning rates.
    """
    arch = value.arch
    problems = [*no_z_loss(value.run), *no_recipe_of_a_study(value.run)]
    if arch.family != "llama":
        problems.insert(0, f"it has no {arch.family}; plan with --family llama")
    if value.pipelined:
        if arch.tied_embedding:
            problems.append("its pipelines cannot tie the embedding; take a layout without pipeline stages")
        # every group must be found on every stage, and the embedding is on one
        problems += one_rate(value.run)
    refuse("torchtitan", problems)
    return _comment(value) + _MODULE_TEXT.format(**_names(value), **_shape(value), **_training(value))


def _comment(value: EngineRun) -> str:
    return comment(
        value,
        engine="torchtitan 0.3",
        checked=CHECKED["torchtitan"],
        fill_in=(
            "TOKENIZER and DATASET below",
            launch_entry(
                value,
                f"-m torchtitan.train --module {MODULE} --config planned",
                before="PYTHONPATH=.",
                first=f"save this file as {MODULE}.py",
            ),
        ),
        differs=(
            "weights are kept in float32 and computed with in bfloat16",
            "attention does not cross the border of a document, as in every language model of torchtitan",
        ),
        micro_batch="1 sequence",
    )


def _names(value: EngineRun) -> dict[str, object]:
    normed = "query_key_norm" not in value.arch.without
    family = "Qwen3" if normed else "Llama3"
    return {
        "package": family.lower(),
        "model": f"{family}Model",
        "block": f"{family}TransformerBlock",
        "parallelize": "parallelize_qwen3" if normed else "parallelize_llama",
        "adapter": f"{family}StateDictAdapter",
        # pairs of one half each, or neighbours: the same model with its query and key rows in another order
        "rope": "CosSinRoPE" if normed else "ComplexRoPE",
        "qk_norm": f"_norm({value.arch.head_dim})" if normed else None,
        "name": value.name,
    }


def _shape(value: EngineRun) -> dict[str, object]:
    arch = value.arch
    return {
        **shape_values(arch),
        "init_import": ", skip_param_init" if arch.tied_embedding else "",
        "embedding_init": '{"weight": skip_param_init}' if arch.tied_embedding else "_normal(1.0)",
        "eps": NORM_EPS,
        "theta": ROTARY_BASE,
        "seq_len": value.run.seq_len,
        "chunks": math.gcd(_HEAD_CHUNKS, value.run.seq_len),
    }


def _training(value: EngineRun) -> dict[str, object]:
    rates, again = value.run.optimizer, _AGAIN[value.recompute or "none"]
    return {
        "training": _indented(_batch(value), 12),
        "config_imports": "" if value.layout is None else "ParallelismConfig, ",
        "layout": _indented(_layout(value), 8, end="\n"),
        "recompute_import": f"from torchtitan.distributed.activation_checkpoint import {again}\n" if again else "",
        "groups": _indented(_groups(value), 16),
        "beta1": rates.beta1,
        "beta2": rates.beta2,
        "adam_eps": rates.eps,
        "warmup": value.warmup_steps,
        "schedule": _schedule(value),
        "seed": value.run.seed,
        "checkpoint_steps": value.checkpoint_steps,
    }


def _groups(value: EngineRun) -> list[str]:
    """Parameters of one rate without decay, a group each, and last the hidden matrices."""
    run = value.run
    kept = undecayed(value, vectors="norm", embedding="tok_embeddings", head="lm_head")
    groups = [f'_group(r"{"|".join(names)}", lr={lr!r}, weight_decay=0.0)' for lr, names in kept.items()]
    return [*groups, f'_group(r".*", lr={run.peak_lr!r}, weight_decay={run.optimizer.weight_decay!r})']


def _schedule(value: EngineRun) -> str:
    schedule = value.run.schedule
    if schedule.kind == "constant":
        return "decay_ratio=0.0"
    if schedule.kind == "cosine":
        return f'decay_type="cosine", min_lr_factor={schedule.final_fraction}'
    ratio = schedule.cooldown_fraction
    return f'decay_ratio={ratio}, decay_type="sqrt", min_lr_factor={schedule.final_fraction}'


def _batch(value: EngineRun) -> list[str]:
    run = value.run
    # One sequence divides every batch, where torchtitan's default of 8 does not. A pipeline takes the whole share of a
    # replica at once, and splits it itself.
    local = value.sequences // value.replicas if value.pipelined else value.micro_batch_sequences or 1
    lines = [f"local_batch_size={local}", f"global_batch_size={value.sequences}"]
    lines += [f"seq_len={run.seq_len}", f"steps={run.steps}"]
    lines.append(f"max_norm={run.optimizer.clip_norm}")
    if value.pipelined:  # its pipelines refuse them
        lines.append("disable_cuda_graphs=True")
    return lines


def _layout(value: EngineRun) -> list[str]:
    lines = []
    if (layout := value.layout) is not None:
        degrees: dict[str, int | str] = {
            "data_parallel_replicate_degree": layout.data,
            "data_parallel_shard_degree": layout.sharded,
            "tensor_parallel_degree": layout.tensor,
            "pipeline_parallel_degree": layout.pipeline,
        }
        if value.interleaved:
            degrees |= {"pipeline_parallel_layers_per_stage": value.layers_per_piece}
            degrees |= {"pipeline_parallel_schedule": '"Interleaved1F1B"'}
        if value.pipelined and value.micro_batch_sequences is not None:
            degrees["pipeline_parallel_microbatch_size"] = value.micro_batch_sequences
        inner = "".join(f"            {name}={degree},\n" for name, degree in degrees.items())
        lines.append(f"parallelism=ParallelismConfig(\n{inner}        )")
    if value.recompute is not None:
        again = _AGAIN[value.recompute]
        lines.append(f"activation_checkpoint={f'{again}.Config()' if again else None}")
    return lines


def _indented(lines: list[str], width: int, end: str = "") -> str:
    return "\n".join(f"{' ' * width}{line}," for line in lines) + (end if lines else "")
