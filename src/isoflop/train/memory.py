"""Out of memory in a step: which errors mean it, and the step again with half the micro-batch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from isoflop.runs.out_of_memory import memory_here, record_out_of_memory, smallest_failure

if TYPE_CHECKING:
    from isoflop.train.state import TrainState

_MESSAGES = (
    "DefaultCPUAllocator: can't allocate memory",
    "std::bad_alloc",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""Messages of plain RuntimeErrors of torch 2.13 where it has no class for them: the CPU's allocator
(c10/core/impl/alloc_cpu.cpp), other C++ on the CPU, and CUDA and cuBLAS outside PyTorch's own allocator."""


class DoesNotFit(Exception):
    """A micro-batch of one sequence does not fit into memory."""


class RestartWithHalf(Exception):
    """Memory ran out on one of several ranks: the others wait for it in a collective, which only its exit ends."""


class RestartElsewhere(Exception):
    """Memory ran out on an accelerator, and the engine has another place: a core, or an accelerator to itself."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` means that memory ran out, on an accelerator or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _MESSAGES)


def check_fits(state: TrainState) -> None:
    """Raises DoesNotFit where an earlier start in this layout ran out of memory with a micro-batch of one sequence."""
    folder = state.folder.path
    failure = smallest_failure(folder, state.group.launch)
    if failure is not None and failure.micro_batch_sequences == 1:
        raise DoesNotFit(f"{_message(failure.step, 1, failure.message)}; another layout in launch.json may fit")


def halve_micro_batch(state: TrainState, message: str) -> None:
    """Halve the micro-batch of the current step and all later ones, and record it in the run folder.

    Raises DoesNotFit when it was one sequence, and RestartWithHalf on one of several ranks: the next start begins with
    half. Raises RestartElsewhere on an accelerator that is shared, at once, and on one that is not for one sequence.
    """
    group, spec = state.group, state.spec
    sequences = group.micro_batch(spec.sequences)
    problem = _message(state.step, sequences, message)
    memory = memory_here()
    elsewhere = memory == "shared" or (memory == "own" and sequences == 1)
    if group.size > 1 or sequences > 1 or elsewhere:
        record_out_of_memory(
            state.folder.path, group.launch, step=state.step, micro_batch_sequences=sequences, message=message
        )
    if elsewhere:
        where = "that is shared" if memory == "shared" else "of its own"
        raise RestartElsewhere(f"{problem}; on an accelerator {where}, and the run is placed again")
    if group.size > 1:
        raise RestartWithHalf(
            f"{problem}; the next start {f'takes {sequences // 2}' if sequences > 1 else 'gives the run up'}"
        )
    if sequences == 1:
        raise DoesNotFit(problem)
    state.group = replace(group, launch=replace(group.launch, micro_batch_sequences=sequences // 2))
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # blocks sized for the larger micro-batch, which the allocator would keep


def _message(step: int, sequences: int, message: str) -> str:
    each = "one sequence" if sequences == 1 else f"{sequences} sequences"
    return f"out of memory at step {step} with {each} at a time: {message}"
