"""A training script for OLMo-core 3, in the form of its own: `ExperimentConfig` built by a function, run by `main`.

Its llama-like model is llama, with the query-key norm by head where `use_head_qk_norm` says so; the norm of OLMo 2 is
over the whole width. Names looked up in the released package, ai2-olmo-core 3.0.0.
"""

from __future__ import annotations

import json

from isoflop.arch import NORM_EPS, ROTARY_BASE
from isoflop.plan.export.checked import CHECKED
from isoflop.plan.export.engine_run import (
    EngineRun,
    comment,
    no_recipe_of_a_study,
    refuse,
    shape_values,
    undecayed,
    whole_layers_again,
)
from isoflop.plan.export.launch import launch_entry

_SCRIPT = '''
from olmo_core.config import DType
from olmo_core.data import NumpyDataLoaderConfig, NumpyFSLDatasetConfig, TokenizerConfig
from olmo_core.nn.feed_forward import FeedForwardConfig
from olmo_core.nn.transformer import TransformerConfig
from olmo_core.optim import AdamWConfig, OptimGroupOverride, {scheduler_class}
from olmo_core.script_utils import ExperimentConfig, main
from olmo_core.train import Duration, TrainerConfig
from olmo_core.train.callbacks import CheckpointerCallback, ConfigSaverCallback
from olmo_core.train.train_module import {parallel_imports}

PATHS = ["FILL IN: token files, *.npy"]
EOS_TOKEN = PAD_TOKEN = 0  # FILL IN: ids of your tokenizer, below {vocab:,}


def model_config():
    """{params:,} parameters."""
    return TransformerConfig.llama_like(
        d_model={d},
        vocab_size={vocab},
        n_layers={layers},
        n_heads={heads},
        n_kv_heads={kv_heads},
        head_dim={head_dim},
        qk_norm={normed},
        use_head_qk_norm={normed},
        layer_norm_eps={eps},
        rope_theta={theta},
        feed_forward=FeedForwardConfig(hidden_size={ff}, bias=False),
        tie_word_embeddings={tied},
        init_seed={seed},
    )


def optim_config():
    return AdamWConfig(
        lr={lr!r},
        betas=({beta1}, {beta2}),
        eps={adam_eps},
        weight_decay={decay!r},
        group_overrides=[
{overrides}
        ],
    )


def build_config(opts, overrides):
    dataset = NumpyFSLDatasetConfig(
        paths=PATHS,
        sequence_length={seq_len},
        tokenizer=TokenizerConfig(vocab_size={vocab}, eos_token_id=EOS_TOKEN, pad_token_id=PAD_TOKEN),
        work_dir=opts.work_dir,
    )
    train_module = TransformerTrainModuleConfig(
        rank_microbatch_size={micro_sequences} * {seq_len},  # in tokens
        max_sequence_length={seq_len},
        optim=optim_config(),
        max_grad_norm={clip},
        scheduler={scheduler},
        z_loss_multiplier={z_loss},
{parallel}
    )
    trainer = TrainerConfig(save_folder=opts.save_folder, max_duration=Duration.steps({steps}))
    return ExperimentConfig(
        model=model_config(),
        dataset=dataset,
        data_loader=NumpyDataLoaderConfig(global_batch_size={batch_tokens}, seed={seed}),  # in tokens
        train_module=train_module,
        trainer=trainer.with_callback("config_saver", ConfigSaverCallback()).with_callback(
            "checkpointer", CheckpointerCallback(save_interval={checkpoint_steps})
        ),
        init_seed={seed},
    ).merge(overrides)


if __name__ == "__main__":
    main(build_config)
'''


def olmo_core(value: EngineRun) -> str:
    """The text of a training script.

    Raises RefusedError `not_expressible` for another family than llama, for the cooldown of `wsd`, and for pipeline
    stages with a tied embedding.
    """
    arch = value.arch
    problems = no_recipe_of_a_study(value.run)
    if arch.family != "llama":
        problems.append(f"it has no {arch.family}; plan with --family llama")
    if value.run.schedule.kind == "wsd":
        problems.append("it cools down linearly, and the run by 1 - sqrt; plan with --rates steplaw2025")
    if arch.tied_embedding and value.pipelined:
        problems.append("its pipelines cannot tie the embedding; take a layout without pipeline stages")
    refuse("OLMo-core", problems)
    return _comment(value) + _SCRIPT.format(**_shape(value), **_training(value))


def _comment(value: EngineRun) -> str:
    return comment(
        value,
        engine="OLMo-core 3.0",
        checked=CHECKED["olmo-core"],
        fill_in=(
            "PATHS, EOS_TOKEN and PAD_TOKEN below",
            launch_entry(value, "THIS_FILE.py --save-folder=FOLDER"),
        ),
        differs=(
            "weights are kept in float32 and computed with in bfloat16",
            *whole_layers_again(value),
            *(["each stage has its layers in one piece, where the plan has more: it waits longer"] * value.interleaved),
        ),
        micro_batch="1 sequence",
    )


def _shape(value: EngineRun) -> dict[str, object]:
    arch = value.arch
    return {
        **shape_values(arch),
        "normed": "query_key_norm" not in arch.without,
        "eps": NORM_EPS,
        # a whole number there
        "theta": round(ROTARY_BASE),
    }


def _training(value: EngineRun) -> dict[str, object]:
    run, rates = value.run, value.run.optimizer
    scheduler, arguments = _scheduler(value)
    imports, parallel = _parallel(value)
    return {
        "lr": run.peak_lr,
        "beta1": rates.beta1,
        "beta2": rates.beta2,
        "adam_eps": rates.eps,
        "decay": rates.weight_decay,
        "clip": rates.clip_norm,
        "overrides": "\n".join(f"            {line}," for line in _overrides(value)),
        "seq_len": run.seq_len,
        "batch_tokens": run.batch_tokens,
        "steps": run.steps,
        "checkpoint_steps": value.checkpoint_steps,
        "micro_sequences": value.micro_batch_sequences or 1,
        "scheduler_class": scheduler,
        "scheduler": f"{scheduler}({arguments})",
        "z_loss": run.z_loss or None,
        "seed": run.seed,
        "parallel_imports": _imported(["TransformerTrainModuleConfig", *imports]),
        "parallel": "\n".join(f"        {line}," for line in parallel),
    }


def _imported(names: list[str]) -> str:
    lines = "".join(f"    {name},\n" for name in sorted(names))
    return names[0] if len(names) == 1 else f"(\n{lines})"


def _overrides(value: EngineRun) -> list[str]:
    groups = undecayed(value, vectors="*norm.weight", embedding="embeddings.weight", head="lm_head.w_out.weight")
    return [
        f"OptimGroupOverride(\n{' ' * 16}params={json.dumps(names)},\n"
        f'{" " * 16}opts={{"lr": {lr!r}, "weight_decay": 0.0}},\n{" " * 12})'
        for lr, names in groups.items()
    ]


def _scheduler(value: EngineRun) -> tuple[str, str]:
    """(class, its arguments)."""
    warmup = value.warmup_steps
    if value.run.schedule.kind == "cosine":
        return "CosWithWarmup", f"warmup={warmup}, alpha_f={value.run.schedule.final_fraction}"
    return ("ConstantWithWarmup", f"warmup={warmup}") if warmup else ("ConstantScheduler", "")


def _parallel(value: EngineRun) -> tuple[list[str], list[str]]:
    """(names to import, arguments of the train module)."""
    layout = value.layout
    half = "param_dtype=DType.bfloat16"
    data: dict[str, str] = {}
    if layout is None or (layout.data == 1 and layout.sharded > 1):
        data["dp_config"] = f'TransformerDataParallelConfig(name="fsdp", {half})'
    elif layout.data > 1 and layout.sharded > 1:
        replicas = f"num_replicas={layout.data}, shard_degree={layout.sharded}"
        data["dp_config"] = f'TransformerDataParallelConfig(name="hsdp", {replicas}, {half})'
    else:
        # plain replicas would keep no float32 copy of weights in bfloat16
        data["autocast_precision"] = "DType.bfloat16"
        if layout.data > 1:
            data["dp_config"] = 'TransformerDataParallelConfig(name="ddp")'
    if layout is not None and layout.tensor > 1:
        data["tp_config"] = f"TransformerTensorParallelConfig(degree={layout.tensor})"
    if layout is not None and layout.pipeline > 1:
        data["pp_config"] = f'TransformerPipelineParallelConfig(degree={layout.pipeline}, schedule="1F1B")'
    if value.recompute in ("selective", "full"):
        data["ac_config"] = 'TransformerActivationCheckpointingConfig(mode="full")'
    imports = sorted({text.partition("(")[0] for text in data.values() if "(" in text})
    return imports, [f"{name}={text}" for name, text in data.items()]
