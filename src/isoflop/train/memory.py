"""Memory that runs out in a step: which errors say so, and the step again with half as many sequences at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from isoflop.runs.out_of_memory import record_out_of_memory, smallest_failure

if TYPE_CHECKING:
    from isoflop.train.state import TrainState

_SAID = (
    "DefaultCPUAllocator: can't allocate memory",
    "std::bad_alloc",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""What a plain RuntimeError of torch 2.13 says where it has no class for it: the allocator of the CPU
(c10/core/impl/alloc_cpu.cpp), other C++ of the CPU, and CUDA and cuBLAS beside PyTorch's own allocator."""


class DoesNotFit(Exception):
    """One sequence at a time is too many for the memory."""


class RestartWithHalf(Exception):
    """Memory ran out in one process of many: the others wait for it inside a step, and only its end ends them."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory ran out, on an accelerator or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID)


def check_fits(state: TrainState) -> None:
    """Raises DoesNotFit where an earlier start of this launch has met its end with one sequence at a time."""
    folder = state.folder.path
    met = smallest_failure(folder, state.group.launch)
    if met is not None and met.micro_batch_sequences == 1:
        raise DoesNotFit(f"{_told(met.step, 1, met.message)}; another layout in launch.json may fit")


def halve_micro_batch(state: TrainState, message: str) -> None:
    """Has the step at hand, and all after it, take half as many sequences at a time; recorded in the run folder.

    Raises DoesNotFit when it was one, and RestartWithHalf in a process of many: the next start begins with the half.
    """
    group, spec = state.group, state.spec
    taken = group.micro_batch(spec.batch_tokens // spec.seq_len)
    told = _told(state.step, taken, message)
    if group.size > 1 or taken > 1:
        record_out_of_memory(
            state.folder.path, group.launch, step=state.step, micro_batch_sequences=taken, message=message
        )
    if group.size > 1:
        raise RestartWithHalf(f"{told}; the next start {f'takes {taken // 2}' if taken > 1 else 'gives the run up'}")
    if taken == 1:
        raise DoesNotFit(told)
    state.group = replace(group, launch=replace(group.launch, micro_batch_sequences=taken // 2))
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # blocks cut for the larger micro-batch


def _told(step: int, sequences: int, message: str) -> str:
    each = "one sequence" if sequences == 1 else f"{sequences} sequences"
    return f"out of memory at step {step} with {each} at a time: {message}"
