"""The worker that engine olmo starts, with faults: a file in the run folder named after one brings it about.

crash, diverge, out_of_memory, tight_memory, which is enough for half a batch, and full_disk, which tears the next
checkpoint and leaves no room for its rest. With a file `hold`, which says a step, it waits there.
It saves every CHECKPOINT_STEPS steps, however long they take, and says where it is at every step.
"""

import errno
import math
import os
import sys
import time
from pathlib import Path
from unittest import mock

import torch
from step_trainer import is_held

from isoflop.runs import folder as run_folder
from isoflop.train import __main__ as program
from isoflop.train import loop, sharded_checkpoint
from isoflop.train.loop import Library
from isoflop.train.olmo.steps import OLMO

CHECKPOINT_STEPS = 25
WRITE_DATA = sharded_checkpoint.HuggingFaceStorageWriter.write_data


def restore_or_init(folder, spec, corpus, group):
    if (folder.path / "crash").exists():
        raise ValueError("told to crash")
    state = OLMO.restore_or_init(folder, spec, corpus, group)
    if (folder.path / "diverge").exists():
        with torch.no_grad():
            state.model.get_parameter("final_norm").fill_(float("nan"))
    module, train_batch = state.model.module, state.model.module.train_batch

    def short_of_memory(batch, **options):
        tight = (folder.path / "tight_memory").exists() and module.rank_microbatch_size == spec.batch_tokens
        if tight or (folder.path / "out_of_memory").exists():
            raise torch.OutOfMemoryError("tried to allocate 2.00 GiB")
        return train_batch(batch, **options)

    module.train_batch = short_of_memory
    return state


def train_steps(state, should_stop):
    def asked():
        while not (stop := should_stop()) and is_held(state.folder.path, state.step):
            time.sleep(0.01)
        # for the step to come: this one's checkpoint is decided
        loop.CHECKPOINT_SECONDS = -math.inf if (state.step + 1) % CHECKPOINT_STEPS == 0 else math.inf
        return stop

    return OLMO.train_steps(state, asked)


def write_data(writer, plan, planner):
    if (Path(writer.path).parents[1] / "full_disk").exists():
        (Path(writer.path) / "shard-00001-model-00001-of-00001.safetensors").write_bytes(b"\0" * 1000)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return WRITE_DATA(writer, plan, planner)


if __name__ == "__main__":
    loop.CHECKPOINT_SECONDS = math.inf
    run_folder.HEARTBEAT_SECONDS = 0.0
    sharded_checkpoint.HuggingFaceStorageWriter.write_data = write_data
    with mock.patch.object(
        program, "use_library", return_value=Library(restore_or_init=restore_or_init, train_steps=train_steps)
    ):
        sys.exit(program.main())
