"""Memory of a device beside 17 published layouts of one engine; the table of docs/devices.md.

python bench/nanotron.py

Peaks that nanotron's allocator gave out, of a Llama of 1B on 8, 16 and 64 H100 (Hugging Face, nanotron/old_bench, July
2024, log_metrics.csv: memory_usage_MiB and peak_allocated_MiB; shape and optimiser: huggingface/bench_cluster).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from isoflop.arch import Architecture
from isoflop.arch.activations import layer_values
from isoflop.arch.layout import MIXED_GRADIENTS_32, Layout, TrainingSetup
from isoflop.arch.memory import layer_params, params_per_device, train_memory

MIB = 2**20
SEQ_LEN = 4096
LLAMA_1B = Architecture(
    family="llama", n_layers=24, d_model=2048, n_heads=32, n_kv_heads=32, head_dim=64, d_ff=4096, vocab_size=50_257,
    tied_embedding=True, without=("query_key_norm",),
)  # fmt: skip
# Two numbers are fitted. How much more than fused kernels this engine keeps: its five rows with stages and without
# tensor parallelism all say so. Bytes of a logit, about 16 bits and a 32-bit softmax in place: its row with neither.
UNFUSED, LOGIT = 1.37, 5.9


@dataclass(frozen=True, kw_only=True)
class Row:
    """A published layout: replicas share the optimiser's state (ZeRO stage 1)."""

    data: int
    tensor: int
    pipeline: int
    sequences: int
    rest: float
    """MiB between steps: the state."""
    peak: float
    """MiB at the most."""

    @property
    def layout(self) -> Layout:
        """Of the state and of what is in flight."""
        return Layout(sharded=self.data, tensor=self.tensor, pipeline=self.pipeline)

    @property
    def first_stage(self) -> int:
        """Layers of the first stage: dealt out by cost, a stage ending with the layer that takes it above its share."""
        layer, head = layer_params(LLAMA_1B), LLAMA_1B.vocab_size * LLAMA_1B.d_model
        share, layers = (LLAMA_1B.n_layers * layer + head) / self.pipeline, 1
        while layers * layer <= share and layers < LLAMA_1B.n_layers:
            layers += 1
        return layers

    def state(self, params: float | None = None) -> float:
        """MiB of 16-bit weights, 32-bit gradients and the replicas' share of the optimiser."""
        held = params_per_device(LLAMA_1B, replace(self.layout, sharded=1)) if params is None else params
        formats = MIXED_GRADIENTS_32
        return held * (formats.weights + formats.gradients + (formats.master + formats.moments) / self.data) / MIB

    def account(self) -> float:
        """MiB by isoflop's account as it is."""
        kept = train_memory(LLAMA_1B, TrainingSetup(seq_len=SEQ_LEN, sequences=self.sequences, layout=self.layout))
        return self.state() + kept.activations / MIB

    def engine(self) -> float:
        """MiB with layers dealt out as this engine deals them, and activations as it keeps them.

        Unfused, and with the whole width that each product split by columns gathered (`tp_recompute_allgather` off).
        """
        layers = self.first_stage
        params = layers * layer_params(LLAMA_1B, self.tensor) + LLAMA_1B.vocab_size * LLAMA_1B.d_model / self.tensor
        kept = 2 * UNFUSED * layer_values(LLAMA_1B, self.tensor)
        if self.tensor > 1:
            kept += 2 * 2 * LLAMA_1B.d_model
        logits = LOGIT * LLAMA_1B.vocab_size / self.tensor if self.pipeline == 1 else 0
        in_flight = self.sequences * SEQ_LEN * (self.pipeline * layers * kept + logits)
        return self.state(params) + in_flight / MIB


ROWS = [
    Row(data=data, tensor=tensor, pipeline=pipeline, sequences=sequences, rest=rest, peak=peak)
    for data, tensor, pipeline, sequences, rest, peak in (
        (16, 1, 1, 1, 7256.4, 15785.37), (4, 2, 1, 8, 4865.9, 43650.72), (2, 4, 1, 8, 3279.8, 25808.34),
        (1, 8, 1, 8, 2488.8, 16891.31), (2, 2, 2, 1, 4034.7, 8570.26), (1, 4, 2, 8, 3049.0, 25707.36),
        (1, 8, 2, 8, 1572.4, 16549.94), (1, 8, 2, 16, 1572.7, 31525.69), (2, 1, 4, 2, 4612.8, 21842.82),
        (2, 1, 4, 4, 4612.9, 39056.83), (1, 4, 4, 4, 1777.8, 13109.32), (2, 1, 8, 2, 3168.2, 22834.67),
        (2, 1, 8, 4, 3168.2, 42485.19), (1, 2, 8, 2, 2393.8, 13251.43), (1, 2, 8, 8, 2394.0, 45800.36),
        (1, 8, 8, 16, 655.3, 34839.89), (1, 1, 16, 2, 3274.1, 22941.07),
    )
]  # fmt: skip


def cells(row: Row) -> Iterator[str]:
    """Of one row of the table."""
    named = ((row.data, "sharded"), (row.tensor, "tensor"), (row.pipeline, "pipeline"))
    yield " x ".join(f"{ways} {name}" for ways, name in named if ways > 1)
    yield str(row.sequences)
    yield f"{row.rest:,.0f}, {row.state():,.0f} ({row.state() / row.rest - 1:+.0%})"
    yield f"{row.peak:,.0f}, {row.account():,.0f} ({row.account() / row.peak - 1:+.0%})"
    yield f"{row.engine():,.0f} ({row.engine() / row.peak - 1:+.1%})"


def main() -> None:
    print(
        "| layout | sequences | MiB between steps: published, ours | most: published, ours | as the engine keeps it |"
    )
    print("|---|---|---|---|---|")
    for row in ROWS:
        print("| " + " | ".join(cells(row)) + " |")


if __name__ == "__main__":
    main()
