"""Memory of a device and seconds of a step, predicted, beside what was published; the table of docs/devices.md.

python bench/devices.py             # the comparison, in Markdown
python bench/devices.py catalogue   # the catalogue, in Markdown
python bench/devices.py calibrate   # product_share of hardware.toml, from runs that the comparison has not
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from isoflop.arch import Architecture, TrainingSetup, flops_per_token, train_memory
from isoflop.arch.layout import MIXED, MIXED_GRADIENTS_32, MIXED_GRADIENTS_TWICE, SHARDS_32, Formats, Layout, Recompute
from isoflop.arch.published import published_shape
from isoflop.arch.step_time import StepTime, step_time
from isoflop.hardware import Hardware, hardware_catalogue, hardware_named

GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class Run:
    """A published run: what was trained how, and what was measured."""

    name: str
    arch: Architecture
    seq_len: int
    hardware: Hardware
    layout: Layout
    batch: int
    """Sequences of a step."""
    sequences: int = 1
    recompute: Recompute = "none"
    formats: Formats = MIXED_GRADIENTS_32
    sequence_parallel: bool = True
    seconds: float | None = None
    """Of one step."""
    bytes: float | None = None
    """Most on any device."""
    source: str
    held: bool = True
    """Whether prediction and measurement are within 10 %; False is said in docs/devices.md with its reason."""

    @property
    def setup(self) -> TrainingSetup:
        return TrainingSetup(
            seq_len=self.seq_len,
            sequences=self.sequences,
            layout=self.layout,
            formats=self.formats,
            recompute=self.recompute,
            sequence_parallel=self.sequence_parallel,
        )

    def time(self, product_share: float | None = None) -> StepTime:
        return step_time(self.arch, self.setup, self.hardware, batch=self.batch, product_share=product_share)

    def memory(self) -> int:
        return train_memory(self.arch, self.setup).total


def gpt(n_layers: int, d_model: int, n_heads: int, vocab_size: int = 51_200) -> Architecture:
    return Architecture(
        family="gpt",
        n_layers=n_layers,
        d_model=d_model,
        n_heads=n_heads,
        n_kv_heads=n_heads,
        head_dim=d_model // n_heads,
        d_ff=4 * d_model,
        vocab_size=vocab_size,
        tied_embedding=True,
        n_positions=2048,
    )


A100, H100, TPU_V4 = map(hardware_named, ("A100", "H100", "TPUv4"))
# torchtitan's hosts: HBM2e of 2.4 TB/s and 96 GB (benchmarks/llama3_h100_202412_torchtitan.md)
H100_96 = replace(H100, bandwidth=2.4e12, memory_bytes=96e9)
MT_NLG, PALM = published_shape("mt-nlg-530b")[0], published_shape("palm-540b")[0]
LLAMA_8B, LLAMA_70B, LLAMA_405B = (published_shape(f"llama3-{size}")[0] for size in ("8b", "70b", "405b"))
LLAMA2_13B = replace(
    LLAMA_8B, n_layers=40, d_model=5120, n_heads=40, n_kv_heads=40, d_ff=13_824, vocab_size=32_000
)  # Touvron et al. 2023, released weights
# its loss over DTensors: log-probabilities, the targets' gradient, exponentials and their sum, 32 bits each
# (torch/distributed/tensor/parallel/loss.py)
LOSS_PARALLEL = replace(SHARDS_32, logits=16)

BIGSCIENCE = "BigScience 2022, 176B, chronicles-prequel"
SMITH, KORTHIKANTI = "Smith et al. 2022, section 2.4", "Korthikanti et al. 2022, Tables 3 and 5"
PALM_SOURCE, HERD = "Chowdhery et al. 2022, section 4", "Grattafiori et al. 2024, Table 4"
TITAN, TITAN_A100 = "torchtitan, benchmarks, December 2024", "torchtitan, performance on 64 A100, 2024"


def korthikanti() -> Iterator[Run]:
    rows = (
        ("22B", gpt(48, 6144, 64), Layout(tensor=8), 4, 4, 1.42, 1.10),
        ("175B", gpt(96, 12_288, 96), Layout(tensor=8, pipeline=8, interleaved=3), 64, 1, 18.13, 13.75),
        ("MT-NLG 530B", MT_NLG, Layout(tensor=8, pipeline=35, interleaved=3), 280, 1, 49.05, 37.83),
        ("1T", gpt(128, 25_600, 160), Layout(tensor=8, pipeline=64), 512, 1, 94.42, 71.49),
    )
    for name, arch, layout, batch, micro, full, present in rows:
        for recompute, seconds in (("full", full), ("none", present)):
            yield Run(
                name=name, arch=arch, seq_len=2048, hardware=A100, layout=layout, batch=batch, sequences=micro,
                recompute=recompute, seconds=seconds, source=KORTHIKANTI, held=name != "22B",
                sequence_parallel=recompute == "none",
            )  # fmt: skip
    yield Run(
        name="MT-NLG 530B", arch=MT_NLG, seq_len=2048, hardware=A100, batch=2240, seconds=39.15,
        layout=Layout(tensor=8, pipeline=35, interleaved=3, data=8), source="Korthikanti et al. 2022, section 6.3",
    )  # fmt: skip


def smith() -> Iterator[Run]:
    for replicas, seconds in ((8, 60.1), (10, 50.2), (12, 44.4)):
        yield Run(
            name="MT-NLG 530B", arch=MT_NLG, seq_len=2048, hardware=A100, batch=1920, recompute="full", seconds=seconds,
            layout=Layout(tensor=8, pipeline=35, data=replicas), source=SMITH, held=False, sequence_parallel=False,
            formats=MIXED_GRADIENTS_TWICE,
        )  # fmt: skip


def bloom() -> Iterator[Run]:
    # the first stage has the embedding in place of a layer; memory is nvidia-smi's: the whole process
    yield Run(
        name="BLOOM 176B", arch=gpt(70, 14_336, 112, 250_880), seq_len=2048, hardware=A100, batch=2048, sequences=2,
        layout=Layout(tensor=4, pipeline=12, sharded=8), recompute="full", formats=MIXED_GRADIENTS_TWICE,
        sequence_parallel=False, seconds=104.50, bytes=59 * GIB, source=BIGSCIENCE, held=False,
    )  # fmt: skip


def palm() -> Iterator[Run]:
    yield Run(
        name="PaLM 540B", arch=PALM, seq_len=2048, hardware=TPU_V4, layout=Layout(tensor=12, sharded=256, data=2),
        batch=2048, sequences=4, recompute="full", formats=MIXED, seconds=2048 * 2048 / 238.3e3, source=PALM_SOURCE,
    )  # fmt: skip


def llama() -> Iterator[Run]:
    per_token = flops_per_token(LLAMA_405B, 8192, "palm_mfu")
    for replicas, rate in ((64, 430e12), (128, 400e12)):
        layout = Layout(tensor=8, pipeline=16, sharded=replicas, interleaved=8)
        yield Run(
            name="Llama 3 405B", arch=LLAMA_405B, seq_len=8192, hardware=H100, layout=layout, batch=2048,
            seconds=2048 * 8192 * per_token / (layout.devices * rate), source=HERD, held=False,
        )  # fmt: skip
    for devices, speed, gib, how in (
        (8, 6667, 77.0, "compiled"), (128, 6514, 62.0, "compiled"),
        (8, 5762, 82.4, "not compiled"), (128, 5605, 67.0, "not compiled"),
    ):  # fmt: skip
        yield Run(
            name="Llama 3.1 8B", arch=LLAMA_8B, seq_len=8192, hardware=H100_96, layout=Layout(sharded=devices),
            batch=2 * devices, sequences=2, recompute="selective", formats=SHARDS_32, seconds=2 * 8192 / speed,
            bytes=gib * GIB, source=f"{TITAN}, {how}", held=how == "compiled",
        )  # fmt: skip
    yield Run(
        name="Llama 3.1 70B", arch=LLAMA_70B, seq_len=8192, hardware=H100_96, layout=Layout(sharded=32, tensor=8),
        batch=512, sequences=16, recompute="full", formats=LOSS_PARALLEL, bytes=67.6 * GIB,
        source=f"{TITAN}, float8 products", held=False,
    )  # fmt: skip
    for pieces, gib in ((1, 82.5), (2, 72.7)):
        yield Run(
            name="Llama 3.1 405B", arch=LLAMA_405B, seq_len=8192, hardware=H100_96, batch=256, sequences=4,
            layout=Layout(sharded=8, tensor=8, pipeline=8, interleaved=pieces), recompute="full",
            formats=LOSS_PARALLEL, bytes=gib * GIB, source=f"{TITAN}, float8 products", held=pieces == 2,
        )  # fmt: skip
    for name, arch, seq_len, micro, recompute, speed in (
        ("Llama 3 8B", LLAMA_8B, 8192, 1, "selective", 2973),
        ("Llama 3 70B", LLAMA_70B, 8192, 1, "full", 331),
        ("Llama 2 13B", LLAMA2_13B, 4096, 2, "none", 2162),
        ("Llama 2 13B", LLAMA2_13B, 4096, 2, "selective", 1904),
    ):
        yield Run(
            name=name, arch=arch, seq_len=seq_len, hardware=A100, layout=Layout(sharded=64), batch=64 * micro,
            sequences=micro, recompute=recompute, formats=SHARDS_32, seconds=micro * seq_len / speed, source=TITAN_A100,
        )  # fmt: skip


def published_runs() -> list[Run]:
    """Every run that the model is held against."""
    return [*korthikanti(), *smith(), *bloom(), *palm(), *llama()]


# MosaicML, llm-foundry, scripts/train/benchmarking/README.md, rows of 2,048 tokens: shape, devices, micro-batch,
# micro-batches, recomputed, model FLOPs over the peak in per cent.
MPT = {
    "70b": gpt(80, 8192, 64, 50_368), "30b": gpt(48, 7168, 56, 50_368), "13b": gpt(40, 5120, 40, 50_368),
    "7b": gpt(32, 4096, 32, 50_368), "3b": gpt(32, 2560, 20, 50_368), "1b": gpt(24, 2048, 16, 50_368),
}  # fmt: skip
MOSAIC = {
    "A100": (
        ("70b", 64, 8, 4, True, 53.33), ("70b", 32, 2, 16, True, 48.56), ("30b", 8, 3, 21, True, 55.30),
        ("13b", 8, 2, 3, False, 59.57), ("7b", 8, 6, 2, False, 64.23), ("3b", 8, 10, 2, False, 62.11),
        ("1b", 8, 14, 4, False, 59.86),
    ),
    "H100": (
        ("70b", 64, 8, 4, True, 42.57), ("70b", 32, 2, 16, True, 36.15), ("30b", 32, 14, 3, True, 43.92),
        ("30b", 16, 10, 3, True, 43.07), ("30b", 8, 3, 21, True, 38.11), ("13b", 64, 2, 1, False, 39.86),
        ("13b", 32, 2, 1, False, 39.95), ("13b", 16, 2, 1, False, 39.58), ("13b", 8, 2, 1, False, 39.79),
        ("7b", 8, 6, 1, False, 46.44), ("3b", 64, 6, 3, False, 40.80), ("3b", 32, 6, 3, False, 41.70),
        ("3b", 16, 10, 3, False, 43.73), ("1b", 64, 20, 1, False, 40.85), ("1b", 32, 20, 1, False, 41.52),
        ("1b", 16, 20, 1, False, 42.36), ("1b", 8, 14, 1, False, 41.82),
    ),
    # Google, MaxText, configs/v4/README.md and 22b.sh: 56.7 %, everything computed again
    "TPUv4": (("maxtext-22b", 64, 13, 1, True, 56.7),),
}  # fmt: skip
SHAPES = {**MPT, "maxtext-22b": gpt(48, 6144, 24, 32_000)}


def ratios(device: str, product_share: float) -> list[float]:
    """Predicted utilisation over the published one, run by run."""
    found = []
    for shape, devices, micro, micro_batches, recomputed, per_cent in MOSAIC[device]:
        run = Run(
            name=shape, arch=SHAPES[shape], seq_len=2048, hardware=hardware_named(device),
            layout=Layout(sharded=devices), batch=devices * micro * micro_batches, sequences=micro,
            recompute="full" if recomputed else "none", formats=SHARDS_32, source="",
        )  # fmt: skip
        found.append(100 * run.time(product_share).utilization / per_cent)
    return found


def calibrated(device: str) -> float:
    """The share of the peak at which half of the device's runs are predicted too fast and half too slow."""
    low, high = 0.1, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if statistics.median(ratios(device, middle)) > 1 else (middle, high)
    return (low + high) / 2


def main() -> None:
    if sys.argv[1:] == ["calibrate"]:
        for device in MOSAIC:
            share = calibrated(device)
            spread = ratios(device, share)
            print(f"{device}: {share:.3f} of the peak; single runs {min(spread) - 1:+.0%} to {max(spread) - 1:+.0%}")
        return
    if sys.argv[1:] == ["catalogue"]:
        print("| device | dense peak in 16 bits | memory | bandwidth | link, one way | product share | source |")
        print("|---|---|---|---|---|---|---|")
        for device in hardware_catalogue().values():
            print(f"| {' | '.join(catalogue_row(device))} |")
        return
    print("| run | devices | layout | recomputed | seconds: published, ours | GiB: published, ours | source |")
    print("|---|---|---|---|---|---|---|")
    for run in published_runs():
        print("| " + " | ".join(row(run)) + " |")


def catalogue_row(device: Hardware) -> Iterator[str]:
    yield device.name
    kind = "" if device.training_format == "bfloat16" else f" {device.training_format}"
    yield f"{device.peak_flops[device.training_format] / 1e12:g} TFLOP/s{kind}"
    binary = device.memory_bytes % GIB == 0
    yield f"{device.memory_bytes / GIB:g} GiB" if binary else f"{device.memory_bytes / 1e9:g} GB"
    yield f"{device.bandwidth / 1e9:,.0f} GB/s"
    link = device.node_bandwidth
    yield "-" if link is None else f"{link / 1e9:g} GB/s, {device.node_devices:,} devices"
    yield "-" if device.product_share is None else f"{device.product_share:g}"
    yield device.source


def row(run: Run) -> Iterator[str]:
    ways = run.layout
    yield run.name
    yield f"{ways.devices:,} {run.hardware.name}"
    named = ("data", "sharded", "tensor", "pipeline", "interleaved")
    yield " x ".join(f"{getattr(ways, name)} {name}" for name in named if getattr(ways, name) > 1)
    yield run.recompute
    ours = run.time().seconds
    yield f"-, {ours:.2f}" if run.seconds is None else f"{run.seconds:.2f}, {ours:.2f} ({ours / run.seconds - 1:+.1%})"
    gib = run.memory() / GIB
    known = run.bytes is not None
    yield f"{run.bytes / GIB:.1f}, {gib:.1f} ({run.memory() / run.bytes - 1:+.1%})" if known else f"-, {gib:.1f}"
    yield run.source


if __name__ == "__main__":
    main()
