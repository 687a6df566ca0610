"""Started by torchrun: trains the run folders of a list one after another, as isoflop.train would train each.

A start of two processes takes seconds, so that one start does the runs of all tests. The list is a JSON file:
[{"folder": PATH, "launch": {...} or null, "stop_after": steps or null, "alter": a name of ALTERED or null,
"library": "own" or "olmo"}].
What each came to is a line of PATH.outcomes for each process: "done", "stopped" or the error.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from torch import distributed

from isoflop.corpus import load_corpus
from isoflop.errors import IsoflopError
from isoflop.runs.folder import RunFolder
from isoflop.runs.parallel_config import ParallelConfig, write_parallel_config
from isoflop.train import checkpoint, parallel, sharded_checkpoint, tensor_parallel
from isoflop.train.loop import Library, Stopped, run
from isoflop.train.process_group import connect, disconnect, join


def gradients_of_one_process() -> AbstractContextManager[object]:
    """A mistake that does not stop training: what each process uses for its heads gets the gradient of those alone."""

    def unsummed(*arguments: object) -> tuple[tensor_parallel.TensorSlice, ...]:
        return tuple(replace(part, summed=False) for part in tensor_parallel.slices_of(*arguments))  # type: ignore[arg-type]

    return mock.patch.object(parallel, "slices_of", unsummed)


def full_disk() -> AbstractContextManager[object]:
    """A full disk of the second process alone."""
    if distributed.get_rank() == 0:
        return nullcontext()
    full = OSError(errno.ENOSPC, "No space left on device")
    return mock.patch.object(sharded_checkpoint.HuggingFaceStorageWriter, "write_data", side_effect=full)


def lagging_disk() -> AbstractContextManager[object]:
    """A disk on which the second process alone does not see the newest checkpoint yet."""
    if distributed.get_rank() == 0:
        return nullcontext()
    seen = checkpoint._steps
    return mock.patch.object(checkpoint, "_steps", lambda directory: sorted(seen(directory))[:-1])


ALTERED: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "gradients_of_one_process": gradients_of_one_process,
    "full_disk": full_disk,
    "lagging_disk": lagging_disk,
}


class StopAfter:
    """Requests a stop once `steps` were taken, in the second process alone: the first must learn of it."""

    def __init__(self, steps: int | None) -> None:
        self.left = steps

    def __call__(self) -> bool:
        if self.left is None or distributed.get_rank() == 0:
            return False
        self.left -= 1
        return self.left < 0


def library_named(name: str) -> Library | None:
    if name == "own":
        return None
    from olmo_core.distributed import parallel as theirs

    from isoflop.train.olmo.steps import OLMO

    theirs._WORLD_MESH = None  # it lays out one run a process
    return OLMO


def outcome_of(entry: dict[str, object], corpus: Path) -> str:
    folder = RunFolder(Path(str(entry["folder"])))
    if entry["launch"] is not None and distributed.get_rank() == 0:
        write_parallel_config(folder.path, ParallelConfig.from_json(entry["launch"]))
    distributed.barrier()
    altered = ALTERED[str(entry["alter"])]() if entry["alter"] else nullcontext()
    try:
        with altered:
            stop = StopAfter(entry["stop_after"])  # type: ignore[arg-type]
            run(folder, load_corpus(corpus), stop, join(folder.path, "cpu"), library_named(str(entry["library"])))
    except Stopped:
        return "stopped"
    except IsoflopError as error:
        return f"{type(error).__name__} {error.exit_code}: {error}"
    return "done"


def main() -> None:
    torch.set_num_threads(1)
    connect("cpu")
    work, corpus = Path(sys.argv[1]), Path(sys.argv[2])
    for entry in json.loads(work.read_text()):
        outcome = outcome_of(entry, corpus)
        with open(f"{entry['folder']}.{distributed.get_rank()}.outcomes", "a") as file:
            file.write(json.dumps(outcome) + "\n")
    disconnect()


if __name__ == "__main__":
    main()
