"""How each calculator of calculators.py is asked about a published run, in its own terms."""

from __future__ import annotations

import importlib.util
import logging
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from types import ModuleType, SimpleNamespace

from devices import GIB, Run

from isoflop.arch import flops_per_token
from isoflop.arch.families.table import family_named


@dataclass(frozen=True, kw_only=True)
class Case:
    """A published run, with the shares of the peak that were published of it."""

    run: Run
    model_share: float | None
    hardware_share: float | None
    source: str

    @property
    def peak(self) -> float:
        """FLOP/s of all devices."""
        return self.run.layout.devices * self.run.hardware.peak_flops["bfloat16"]

    @property
    def zero(self) -> int:
        """DeepSpeed's stage that shares state as this run did."""
        return 0 if self.run.layout.sharded == 1 else 1 if self.run.layout.pipeline > 1 else 3

    @property
    def given(self) -> tuple[float, bool]:
        """(share of hardware FLOPs, what the run computed again counts), or (of the model's, it does not)."""
        if self.hardware_share is not None:
            return self.hardware_share / 100, True
        assert self.model_share is not None
        return self.model_share / 100, False


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a calculator says of a run; None where it says nothing."""

    bytes: float | None = None
    """On one device."""
    seconds: float | None = None
    """Of a step, with what it takes by itself."""
    seconds_given: float | None = None
    """Of a step, at the published share of the peak."""
    note: str = ""
    """Behind the bytes: what they leave out."""


def isoflop(case: Case) -> Answer:
    """isoflop itself; at a share of hardware FLOPs, by Megatron-LM's formula, where no other was published."""
    run, share, convention = case.run, case.model_share, "palm_mfu"
    if share is None:
        share, convention = 100 * case.given[0], "megatron_hardware"
    flops = run.batch * run.seq_len * flops_per_token(run.arch, run.seq_len, convention)
    return Answer(bytes=run.memory(), seconds=run.time().seconds, seconds_given=flops / (case.peak * share / 100))


def llm_analysis(case: Case, efficiency: float = 1) -> Answer:
    """llm-analysis: `training` in the same layout, by default at the whole peak; FLOPs hold what is computed again."""
    from llm_analysis import analysis, config  # ty: ignore[unresolved-import]

    run, arch, ways = case.run, case.run.arch, case.run.layout
    logging.getLogger().setLevel(logging.ERROR)
    analysis.logger.setLevel(logging.ERROR)
    # two matrices of the feed-forward: a gated one is told as its half as wide again, as its own llama-7b is
    width = arch.d_ff * (1.5 if family_named(arch.family).gated_feed_forward else 1)
    model = config.ModelConfig(
        name=run.name, num_layers=arch.n_layers, n_head=arch.n_heads, hidden_dim=arch.d_model,
        vocab_size=arch.vocab_size, max_seq_len=run.seq_len, num_key_value_heads=arch.n_kv_heads,
        ffn_embed_dim=width, expansion_ratio=width / arch.d_model,
    )  # fmt: skip
    chip = run.hardware  # of ample memory: it refuses a batch that by its account does not fit
    device = config.GPUConfig(
        name=chip.name, mem_per_GPU_in_GB=10_000, hbm_bandwidth_in_GB_per_sec=chip.bandwidth / 1e9,
        intra_node_bandwidth_in_GB_per_sec=(chip.node_bandwidth or 0) / 1e9, intra_node_min_message_latency=8e-6,
        peak_fp16_TFLOPS=chip.peak_flops["bfloat16"] / 1e12,
    )  # fmt: skip
    # it has replicas or shared state, not both: of PaLM's two pods, one
    groups = ways.sharded if ways.sharded > 1 else ways.data
    layout = config.ParallelismConfig(tp_size=ways.tensor, pp_size=ways.pipeline, dp_size=groups, sp_size=ways.tensor)
    kinds = analysis.ActivationRecomputation
    kept = kinds.FULL if run.recompute == "full" else kinds.SELECTIVE  # the scores of attention at the least

    def asked(efficiency: float, again: object = kept) -> dict[str, float]:
        found: dict[str, float] = analysis.LLMAnalysis(
            model, device, config.DtypeConfig(), layout, flops_efficiency=efficiency, hbm_memory_efficiency=1
        ).training(
            batch_size_per_gpu=run.sequences, seq_len=run.seq_len, activation_recomputation=again,
            gradient_accumulation_steps=run.batch // (ways.batch_ways * run.sequences),
            ds_zero=analysis.DSZeRO(case.zero),
        )  # fmt: skip
        return found

    own, (share, hardware) = asked(efficiency), case.given
    given = asked(share, kept if hardware else kinds.NONE)
    return Answer(
        bytes=own["(weight+op_state+grad+act)_memory_per_gpu"],
        seconds=own["latency_per_iter"],
        seconds_given=given["latency_per_iter"],
    )


def megatron(case: Case) -> Answer:
    """megatron-bridge: Megatron-LM's theoretical memory; activations only where it counts them itself."""
    run, arch, ways = case.run, case.run.arch, case.run.layout
    if ways.sharded > 1 and ways.pipeline == 1:
        return Answer()  # it has no state shared as FSDP shares it
    module = _megatron_module()
    gated = family_named(arch.family).gated_feed_forward
    model = SimpleNamespace(
        kv_channels=arch.head_dim, num_attention_heads=arch.n_heads, hidden_size=arch.d_model,
        num_query_groups=arch.n_kv_heads, num_moe_experts=None, gated_linear_unit=gated, num_layers=arch.n_layers,
        activation_func=module.F.silu if gated else module.F.gelu, ffn_hidden_size=arch.d_ff,
        vocab_size=arch.vocab_size,
        share_embeddings_and_output_weights=arch.tied_embedding, should_pad_vocab=False, seq_length=run.seq_len,
        pipeline_model_parallel_size=ways.pipeline, tensor_model_parallel_size=ways.tensor,
        virtual_pipeline_model_parallel_size=ways.interleaved if ways.interleaved > 1 else None,
    )  # fmt: skip
    config = SimpleNamespace(
        model=model, data_parallel_size=ways.batch_ways, train=SimpleNamespace(micro_batch_size=run.sequences),
        optimizer=SimpleNamespace(use_distributed_optimizer=ways.sharded > 1),
    )  # fmt: skip
    state = module.compute_weight_and_optimizer_memory(config)
    if run.recompute == "full":  # `report_theoretical_memory` says no activations of it
        return Answer(bytes=state, note="state alone")
    return Answer(bytes=state + module.compute_activation_memory(config, num_microbatches=None))


def _megatron_module() -> ModuleType:
    """The file of the formulas without the package's start, which wants a GPU's libraries; two names stand in."""
    (path,) = (file for file in files("megatron-bridge") or () if file.name == "theoretical_memory_utils.py")
    for name in ("megatron.bridge.training.config", "megatron.bridge.utils.vocab_utils"):
        standin = ModuleType(name)
        standin.ConfigContainer = standin.calculate_padded_vocab_size = object  # type: ignore[attr-defined]
        sys.modules.setdefault(name, standin)
    spec = importlib.util.spec_from_file_location("theoretical_memory_utils", path.locate())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def deepspeed(case: Case) -> Answer:
    """DeepSpeed: the state under ZeRO stage 3, for runs that share it so; no activations."""
    from deepspeed.runtime.zero import stage3  # ty: ignore[unresolved-import]

    run, ways = case.run, case.run.layout
    if ways.sharded == 1 or ways.pipeline > 1:
        return Answer()
    tensors = [tensor.size for tensor in run.arch.tensors()]
    _, held, _ = stage3.estimate_zero3_model_states_mem_needs(
        run.arch.params().total, max(tensors), num_gpus_per_node=8, num_nodes=ways.sharded * ways.tensor // 8,
        cpu_offload=False, cpu_offload_params=False,
    )  # fmt: skip
    return Answer(bytes=held, note="state alone")


def accelerate(case: Case) -> Answer:
    """accelerate estimate-memory: weights, gradients and Adam of the whole model on one device."""
    from accelerate.commands.estimate import estimate_training_usage  # ty: ignore[unresolved-import]

    if case.run.layout.devices != 8:
        return Answer()
    usage = estimate_training_usage(4 * case.run.arch.params().total, "bfloat16")
    return Answer(bytes=max(usage.values()), note="whole model, one device")


def cookbook(case: Case, folder: Path) -> Answer:
    """EleutherAI's calc_transformer_mem.py and calc_transformer_flops.py."""
    run, arch, ways = case.run, case.run.arch, case.run.layout
    gated = family_named(arch.family).gated_feed_forward
    shape = ["-l", arch.n_layers, "-hs", arch.d_model, "-s", run.seq_len, "-v", arch.vocab_size]
    shape += ["-kv", arch.n_kv_heads / arch.n_heads]
    memory = ["--num-gpus", ways.devices, "-tp", ways.tensor, "-pp", ways.pipeline, "-b", run.sequences, "-pa"]
    memory += ["-a", arch.n_heads, "-ff", arch.d_ff / arch.d_model, "-nl", 3 if gated else 2]
    memory += ["-z", case.zero]
    memory += [] if run.recompute == "none" else ["-ca"]
    said = _said(folder / "calc" / "calc_transformer_mem.py", [*shape, *memory])
    held = float(_found(r"Per-GPU Memory Required for Training: ([\d.]+) GiB", said)[1]) * GIB
    share, hardware = case.given
    again = hardware and run.recompute == "full"
    flops = ["--tokens", run.batch * run.seq_len, "-ei", 1, *([] if again else ["-ca"])]
    said = _said(folder / "calc" / "calc_transformer_flops.py", [*shape, *flops])
    number = _found(r"Total FLOPs for the Model: ([\d.]+) ([KMGTPEZ])FLOPs", said)
    total = float(number[1]) * 1000.0 ** (" KMGTPEZ".index(number[2]))
    return Answer(bytes=held, seconds_given=total / (case.peak * share))


def _said(script: Path, arguments: list[object]) -> str:
    return subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=True
    ).stdout


def _found(pattern: str, text: str) -> re.Match[str]:
    match = re.search(pattern, text)
    assert match is not None, f"expected {pattern} in {text}"
    return match
