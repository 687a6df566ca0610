"""python -m isoflop.train.speed SPECS.json [--device cuda]: the trainer's speed on this machine, for planning.

SPECS.json holds a list of RunSpecs. Each is trained for a moment on random tokens; one JSON object per spec is printed
to standard output: {"run_id", "step_seconds", "flops_per_second", "eval_tokens_per_second", "products", "mfu"}, the
last null where the catalogue does not list the device.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

from isoflop.arch import flops_per_token
from isoflop.codec import from_json
from isoflop.errors import InputError
from isoflop.files import read_json
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.spec import RunSpec
from isoflop.train.__main__ import use_device
from isoflop.train.device import compile_layers, forward_in, layers_as_written, set_float32_products
from isoflop.train.evaluate import window_losses
from isoflop.train.model import build
from isoflop.train.optim import build_optimizer, set_lr
from isoflop.train.process_group import ProcessGroup

WARM_STEPS = 5
"""Steps before measuring: kernels are compiled, and memory is allocated, in the first ones."""
MEASURED_SECONDS = 1.5
"""Long enough for some twenty steps of the smallest batches; the median is taken."""


def measure(spec: RunSpec, device: str = "cpu") -> dict[str, float | str | None]:
    """Median seconds of an optimiser step of `spec` as a run of one process takes it, and speeds derived from it."""
    group = ProcessGroup(launch=ParallelConfig(), device=use_device(device))
    device = group.device
    set_float32_products(group.products)
    model = build(spec.architecture, device=device, seed=0)
    if group.compiled:
        compile_layers(model)
    optimizer = build_optimizer(model, spec.optimizer)
    set_lr(optimizer, spec.peak_lr)
    generator = torch.Generator().manual_seed(0)
    sequences = spec.sequences
    vocab = spec.architecture.vocab_size
    seconds: list[float] = []
    started = time.perf_counter()
    while len(seconds) < 2 * WARM_STEPS or time.perf_counter() - started < MEASURED_SECONDS:
        rows = torch.randint(vocab, (sequences, spec.seq_len + 1), generator=generator).to(device)
        before = time.perf_counter()
        with forward_in(group.products, device):
            minimised, loss = model.objective(rows, spec.z_loss)
        minimised.backward()  # type: ignore[no-untyped-call]
        optimizer.clipped_step(spec.optimizer.clip_norm)
        loss.item()  # waits for a GPU's queue
        seconds.append(time.perf_counter() - before)
    step = statistics.median(seconds[WARM_STEPS:])
    tokens = np.zeros(16 * spec.seq_len + 1, dtype=np.uint16)
    before = time.perf_counter()
    with layers_as_written(group.compiled):
        window_losses(model, tokens, spec.seq_len, len(tokens) - 1)
    evaluation = time.perf_counter() - before
    speed = flops_per_token(spec.architecture, spec.seq_len) * sequences * spec.seq_len / step
    return {
        "run_id": spec.run_id,
        "step_seconds": step,
        "flops_per_second": speed,
        "eval_tokens_per_second": (len(tokens) - 1) / evaluation,
        "products": group.products,
        "mfu": group.mfu(speed),
    }


def main() -> int:
    """Measure every spec of the file named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m isoflop.train.speed", description=__doc__)
    parser.add_argument("specs", type=Path, help="a JSON file with a list of run specs")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    try:
        specs = [
            RunSpec.from_json(value)
            for value in from_json(list[object], read_json(arguments.specs), str(arguments.specs))
        ]
        for spec in specs:
            print(json.dumps(measure(spec, arguments.device)), flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        return InputError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
