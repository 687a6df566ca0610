"""How long training waits for a checkpoint of 30 million parameters: written by the trainer itself, and by a thread.

    python bench/train/saving.py [FOLDER]

The least of ten saves each: other work on the machine
only ever adds to them. The disk is FOLDER's, by default the temporary one.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import safetensors.torch
import torch

from isoflop.files import write_bytes_atomically
from isoflop.recipe import SmallRecipe
from isoflop.train.checkpoint import Progress, Saver, _state
from isoflop.train.model import build
from isoflop.train.optim import build_optimizer

SAVES = 10


def timed(action: Callable[[int], object]) -> tuple[float, float]:
    """(least, median) seconds of `action`, the first left out: it takes the memory."""
    seconds = []
    for number in range(SAVES + 1):
        before = time.perf_counter()
        action(number)
        seconds.append(time.perf_counter() - before)
    return min(seconds[1:]), statistics.median(seconds[1:])


def main() -> None:
    torch.set_num_threads(1)
    recipe = SmallRecipe(vocab_size=8192, seq_len=128)
    arch = recipe.shape(480, 8)
    spec = recipe.spec(arch, 10_000_000, corpus="0" * 64, seed=0)
    model = build(arch)
    optimizer = build_optimizer(model, spec.optimizer)
    model.objective(torch.zeros(1, 9, dtype=torch.long))[0].backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    size = 4 * sum(tensor.numel() for tensor in _state(model, optimizer).values())
    print(f"{arch.params().total / 1e6:.1f}M parameters, {size / 2**20:.0f} MiB a checkpoint")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as where:
        folder = Path(where)

        def by_itself(_: int) -> None:
            write_bytes_atomically(folder / "state.safetensors", safetensors.torch.save(_state(model, optimizer)))

        saver = Saver(folder / "checkpoints")
        waits: list[float] = []

        def by_thread(number: int) -> None:
            before = time.perf_counter()
            saver.save(model, optimizer, Progress(step=number, wall_seconds=0.0, recent_losses=(), tail_losses=()))
            waits.append(time.perf_counter() - before)
            saver.wait()

        print("written by the trainer: {:.2f} s (median {:.2f})".format(*timed(by_itself)))
        whole = timed(by_thread)
        least, median = min(waits[1:]), statistics.median(waits[1:])
        print(f"written by a thread: {least:.2f} s (median {median:.2f}), the first {waits[0]:.2f}")
        print("until it is on the disk: {:.2f} s (median {:.2f})".format(*whole))


if __name__ == "__main__":
    main()
