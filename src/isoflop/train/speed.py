"""python -m isoflop.train.speed SPECS.json: the trainer's own speed, measured before anything is planned.

SPECS.json holds a list of RunSpecs. Each is trained for a moment on random tokens; one JSON object a spec goes to
standard output: {"run_id", "step_seconds", "flops_per_second", "eval_tokens_per_second"}.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

from isoflop.arch import flops_per_token
from isoflop.errors import InputError
from isoflop.files import read_json
from isoflop.spec import RunSpec
from isoflop.train.__main__ import use_device
from isoflop.train.evaluate import window_losses
from isoflop.train.model import build
from isoflop.train.optim import build_optimizer, set_lr

WARM_STEPS = 5
MEASURED_SECONDS = 1.5
"""Long enough for some twenty steps of the smallest batches; the median is taken."""


def measure(spec: RunSpec) -> dict[str, float | str]:
    """Median seconds of an optimiser step of `spec`, and speeds derived from it."""
    where = use_device("cpu")
    model = build(spec.architecture, device=where, seed=0)
    optimizer = build_optimizer(model, spec.optimizer)
    set_lr(optimizer, spec.peak_lr)
    generator = torch.Generator().manual_seed(0)
    sequences = spec.batch_tokens // spec.seq_len
    vocab = spec.architecture.vocab_size
    seconds: list[float] = []
    started = time.perf_counter()
    while len(seconds) < 2 * WARM_STEPS or time.perf_counter() - started < MEASURED_SECONDS:
        rows = torch.randint(vocab, (sequences, spec.seq_len + 1), generator=generator).to(where)
        before = time.perf_counter()
        minimised, loss = model.objective(rows, spec.z_loss)
        minimised.backward()  # type: ignore[no-untyped-call]
        optimizer.clipped_step(spec.optimizer.clip_norm)
        loss.item()
        seconds.append(time.perf_counter() - before)
    step = statistics.median(seconds[WARM_STEPS:])
    tokens = np.zeros(16 * spec.seq_len + 1, dtype=np.uint16)
    before = time.perf_counter()
    window_losses(model, tokens, spec.seq_len, len(tokens) - 1)
    evaluation = time.perf_counter() - before
    return {
        "run_id": spec.run_id,
        "step_seconds": step,
        "flops_per_second": flops_per_token(spec.architecture, spec.seq_len) * spec.batch_tokens / step,
        "eval_tokens_per_second": (len(tokens) - 1) / evaluation,
    }


def main() -> int:
    """Measure every spec of the file named on the command line."""
    try:
        specs = [RunSpec.from_json(value) for value in read_json(Path(sys.argv[1]))]
    except (IndexError, InputError) as error:
        print(f"expected a JSON file with a list of run specs: {error}", file=sys.stderr)
        return 2
    for spec in specs:
        print(json.dumps(measure(spec)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
