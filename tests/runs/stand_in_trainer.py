"""python stand_in_trainer.py OPTIONS: `python -m isoflop.train OPTIONS` on a stand-in for an accelerator.

STAND_IN names a folder that stands for the device: a file `gone` there means that it has vanished, and every run that
is at work on it has a file there. A run takes the bytes that its file `takes` says for each sequence at a time; where
those of all runs exceed STAND_IN_BYTES, memory runs out. Without STAND_IN it is a core.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import torch

from isoflop.runs.out_of_memory import memory_here
from isoflop.train import __main__ as program
from isoflop.train import step

DEVICE = Path(os.environ["STAND_IN"]) if "STAND_IN" in os.environ else None
gradient, train = step.gradient, program.Trainer.train


def limited(state, batches):
    path = state.folder.path
    each = int((path / "takes").read_text()) if (path / "takes").exists() else 0
    taken = each * state.group.micro_batch(state.spec.sequences)
    if DEVICE is not None:
        (DEVICE / path.name).write_text(str(taken))
        used = 0
        for other in DEVICE.iterdir():
            with suppress(FileNotFoundError, ValueError):
                used += int(other.read_text())
        if used > int(os.environ["STAND_IN_BYTES"]):
            raise torch.OutOfMemoryError(f"stand-in out of memory: {used} bytes")
        if (path / "vanish").exists():
            (DEVICE / "gone").touch()
            os._exit(1)
    return gradient(state, batches)


def noted(self, path):
    place = {"place": DEVICE.name if DEVICE else "cpu", "memory": memory_here(), "pid": os.getpid()}
    with open(path.parent.parent / "places.jsonl", "a") as file:
        file.write(json.dumps({"run": path.name, **place}) + "\n")
    try:
        return train(self, path)
    finally:
        if DEVICE is not None:
            (DEVICE / path.name).unlink(missing_ok=True)


if __name__ == "__main__":
    if DEVICE is not None and (DEVICE / "gone").exists():
        print("stand-in: no accelerator is found", file=sys.stderr)
        sys.exit(2)
    step.gradient, program.Trainer.train = limited, noted
    sys.exit(program.main())
