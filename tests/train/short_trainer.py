"""python short_trainer.py OPTIONS: `python -m isoflop.train OPTIONS`; the second of two has room for one sequence."""

from __future__ import annotations

import os
import sys

import torch

from isoflop.train import step
from isoflop.train.__main__ import main
from isoflop.train.state import Number, TrainState

gradient = step.gradient


def short(state: TrainState, batches: object) -> tuple[Number, Number]:
    sequences = state.spec.batch_tokens // state.spec.seq_len
    if os.environ["RANK"] == "1" and state.group.micro_batch(sequences) > 1:
        raise torch.OutOfMemoryError("made to run out")
    return gradient(state, batches)  # type: ignore[arg-type]


if __name__ == "__main__":
    step.gradient = short  # type: ignore[assignment]
    sys.exit(main())
