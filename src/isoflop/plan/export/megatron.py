"""A shell script with the arguments of Megatron-LM's `pretrain_gpt.py`, the form that its own examples have.

Its GPT model is gpt, and with RMSNorm, rotary positions and SwiGLU it is llama; its norm of queries and keys is by
head. Its GELU is the approximation by tanh wherever bias and GELU are fused, as they are by default. Names looked up in
the parser of the released package, megatron-core 0.19.2.
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
    whole_layers_again,
)
from isoflop.plan.export.launch import nodes

_LINE_WIDTH = 100
_VOCABULARY_STEP = 128  # what Megatron-LM pads a vocabulary to by default

_SCRIPT = """
set -eu
: "${{DATA_PATH:?the prefix of the token files that tools/preprocess_data.py wrote}}"
: "${{TOKENIZER:?a folder with a Hugging Face tokenizer of {vocab:,} tokens}}"
: "${{CHECKPOINTS:?a folder}}"
{head}
PLACES=(
    --data-path "$DATA_PATH" --tokenizer-type HuggingFaceTokenizer --tokenizer-model "$TOKENIZER"
    --save "$CHECKPOINTS" --load "$CHECKPOINTS"
)
# {params:,} parameters
MODEL=(
{model}
)
TRAINING=(
{training}
)
# where a node has no Blackwell GPUs, Megatron-LM overlaps communication with computing only so
export CUDA_DEVICE_MAX_CONNECTIONS=1
exec torchrun {launch} pretrain_gpt.py \\
    "${{PLACES[@]}}" "${{MODEL[@]}}" "${{TRAINING[@]}}" "$@"
"""


def megatron(value: EngineRun) -> str:
    """The text of a shell script.

    Raises RefusedError `not_expressible` for other families than gpt and llama, a gpt without its final norm, several
    learning rates, a z-loss, and stages that do not divide the layers.
    """
    problems = [*one_rate(value.run), *no_z_loss(value.run), *no_recipe_of_a_study(value.run)]
    if value.arch.family not in ("gpt", "llama"):
        problems.insert(0, f"it has no {value.arch.family}; plan with --family llama or --family gpt")
    if "final_norm" in value.arch.without:
        problems.append("it has a final norm; plan without --without final_norm")
    stages = 1 if value.layout is None else value.layout.pipeline * value.layout.interleaved
    if value.arch.n_layers % stages:
        problems.append(
            f"its stages have as many layers each, and {stages} do not divide {value.arch.n_layers}; take "
            "a layout whose stages do"
        )
    refuse("Megatron-LM", problems)
    head, launch = _launch(value)
    return _comment(value) + _SCRIPT.format(
        vocab=value.arch.vocab_size,
        params=value.arch.params().total,
        head=head,
        launch=launch,
        model=_lines(_model(value)),
        training=_lines([*_training(value), *_layout(value)]),
    )


def _comment(value: EngineRun) -> str:
    differs = [
        "embedding and output head are decayed too; norms and biases are not, as planned",
        "weights are computed with in bfloat16, with a float32 copy",
    ]
    differs += whole_layers_again(value)
    if value.layout is not None and value.layout.sharded > 1 and not value.pipelined:
        differs.append(
            f"the plan shards all state of the model over {value.layout.sharded} devices (ZeRO 3), the distributed "
            "optimizer its own part (ZeRO 1) over all replicas: weights and gradients stay whole on every device"
        )
    if padding := _padding(value):
        differs.append(f"the vocabulary is padded by {padding} rows, which no token uses")
    return comment(
        value,
        engine="Megatron-LM (core 0.19)",
        checked=CHECKED["megatron"],
        fill_in=[_run_it(value)],
        differs=differs,
        micro_batch="1 sequence",
    )


def _run_it(value: EngineRun) -> str:
    count, each = nodes(value)
    start = "DATA_PATH=... TOKENIZER=... CHECKPOINTS=... bash THIS_FILE"
    if count == 1:
        return f"in the folder of Megatron-LM, on {each} device{'s' if each > 1 else ''}:\n{start}"
    where = (
        f"in the folder of Megatron-LM, on each of {count} nodes of {each} devices, HEAD being the name of one of them"
    )
    return f"{where}:\nMASTER_ADDR=HEAD {start}"


def _launch(value: EngineRun) -> tuple[str, str]:
    """(further variables that the script requires, the options of torchrun): by default for the devices of the plan."""
    count, each = nodes(value)
    per_node = f'--nproc_per_node "${{GPUS_PER_NODE:-{each}}}"'
    if count == 1:
        return "", per_node
    meeting = '--rdzv_backend c10d --rdzv_endpoint "$MASTER_ADDR:${MASTER_PORT:-29500}"'
    return (
        f': "${{MASTER_ADDR:?the name of one of the {count} nodes}}"\n',
        f'--nnodes "${{NNODES:-{count}}}" {per_node} \\\n    {meeting}',
    )


def _model(value: EngineRun) -> list[str]:
    arch = value.arch
    lines = [
        f"--num-layers {arch.n_layers}",
        f"--hidden-size {arch.d_model}",
        f"--ffn-hidden-size {arch.d_ff}",
        f"--num-attention-heads {arch.n_heads}",
        f"--kv-channels {arch.head_dim}",
        f"--seq-length {value.run.seq_len}",
        f"--max-position-embeddings {arch.n_positions or value.run.seq_len}",
        f"--norm-epsilon {NORM_EPS}",
        f"--make-vocab-size-divisible-by {_vocabulary_step(value)}",
        "--attention-dropout 0",
        "--hidden-dropout 0",
    ]
    if arch.n_kv_heads != arch.n_heads:
        lines.append(f"--group-query-attention --num-query-groups {arch.n_kv_heads}")
    if not arch.tied_embedding:
        lines.append("--untie-embeddings-and-output-weights")
    if arch.family == "gpt":
        return [*lines, "--normalization LayerNorm", "--position-embedding-type learned_absolute"]
    lines += ["--normalization RMSNorm", "--position-embedding-type rope", f"--rotary-base {round(ROTARY_BASE)}"]
    lines += ["--swiglu", "--disable-bias-linear"]
    return lines if "query_key_norm" in arch.without else [*lines, "--qk-layernorm"]


def _training(value: EngineRun) -> list[str]:
    run, rates = value.run, value.run.optimizer
    samples = run.tokens // run.seq_len
    lines = [
        f"--micro-batch-size {value.micro_batch_sequences or 1}",
        f"--global-batch-size {value.sequences}",
        f"--train-samples {samples}",
        f"--lr {run.peak_lr!r}",
        f"--min-lr {value.final_lr!r}",
        *_decay(value),
        f"--lr-decay-samples {samples}",
        f"--lr-warmup-samples {run.warmup_tokens // run.seq_len}",
        f"--weight-decay {rates.weight_decay}",
        f"--adam-beta1 {rates.beta1}",
        f"--adam-beta2 {rates.beta2}",
        f"--adam-eps {rates.eps}",
        f"--clip-grad {rates.clip_norm}",
        "--bf16",
        f"--save-interval {value.checkpoint_steps}",
        # without an interval it stops before the first step
        f"--eval-interval {value.checkpoint_steps}",
        f"--eval-iters {value.eval_steps}",
    ]
    # it wants a positive one
    return [*lines, f"--seed {run.seed}"] if run.seed > 0 else lines


def _decay(value: EngineRun) -> list[str]:
    if value.run.schedule.kind != "wsd":
        return [f"--lr-decay-style {value.run.schedule.kind}"]
    cooldown = value.cooldown_steps * value.sequences
    return ["--lr-decay-style WSD", "--lr-wsd-decay-style minus_sqrt", f"--lr-wsd-decay-samples {cooldown}"]


def _layout(value: EngineRun) -> list[str]:
    lines = []
    if (layout := value.layout) is not None:
        lines.append(f"--tensor-model-parallel-size {layout.tensor}")
        lines.append(f"--pipeline-model-parallel-size {layout.pipeline}")
        if value.interleaved:
            lines.append(f"--num-layers-per-virtual-pipeline-stage {value.layers_per_piece}")
        if layout.tensor > 1:
            lines.append("--sequence-parallel")
        if layout.sharded > 1:
            lines.append("--use-distributed-optimizer")
    if value.recompute in ("selective", "full"):
        lines.append("--recompute-granularity full --recompute-method uniform --recompute-num-layers 1")
    return lines


def _tensor_ways(value: EngineRun) -> int:
    return 1 if value.layout is None else value.layout.tensor


def _vocabulary_step(value: EngineRun) -> int:
    """What each device's share of the vocabulary is padded to a multiple of: as little as can be."""
    return math.gcd(_VOCABULARY_STEP, max(1, value.arch.vocab_size // _tensor_ways(value)))


def _padding(value: EngineRun) -> int:
    return -value.arch.vocab_size % (_vocabulary_step(value) * _tensor_ways(value))


def _lines(arguments: list[str]) -> str:
    lines = [""]
    for argument in arguments:
        if len(lines[-1]) + len(argument) + 5 > _LINE_WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {argument}".strip()
    return "\n".join(f"    {line}" for line in lines if line)
