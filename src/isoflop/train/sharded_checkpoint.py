"""The state of a run of several processes on disk: PyTorch's distributed checkpoint (DCP), in safetensors.

Each process writes its shards to a file of its own, `shard-00001-model-00001-of-00001.safetensors`, whose header says
where in each tensor they belong; any number of processes reads them back. DCP's usual form stores that in `.metadata`,
a pickle, which its reader unpickles without restriction: whoever can write the folder could run code. The two classes
of DCP used here store it as JSON in the headers, and loading runs no code.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import torch
from safetensors import safe_open
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.train.checkpoint_digests import digest_of_file, write_digests
from isoflop.train.device import kind_of
from isoflop.train.model import LanguageModel
from isoflop.train.parallel import fill
from isoflop.train.process_group import FailedOnAnotherRank, ProcessGroup, on_all_ranks
from isoflop.train.tensor_parallel import TensorSlice, slices_of

MOMENTS = ("exp_avg", "exp_avg_sq")
STEP = "step"

State = dict[str, Tensor]
"""{`model/NAME`, `optimizer/NAME/exp_avg`, ...: values}, NAME being a slice's."""


class Stage:
    """CPU memory, allocated once, for copies of this process's state."""

    def __init__(self, group: ProcessGroup) -> None:
        on_gpu = kind_of(group.device) != "cpu"
        options = StagingOptions(
            use_pinned_memory=on_gpu, use_shared_memory=False, use_async_staging=False, use_non_blocking_copy=on_gpu
        )
        self._stager = DefaultStager(options)

    def copy(self, model: LanguageModel, optimizer: torch.optim.Optimizer) -> State:
        """A copy of the current state, valid until the next copy."""
        state: State = {}
        for name, parameter in model.named_parameters():
            state[f"model/{name}"] = parameter.detach()
            for key, value in optimizer.state[parameter].items():
                # a scalar has no offsets in a header, by which shards are found: step counts become vectors of one
                state[f"optimizer/{name}/{key}"] = value if value.ndim else value.reshape(1)
        return cast(State, self._stager.stage(state))  # a future only when staging is asynchronous


def write(folder: Path, state: State, group: ProcessGroup) -> None:
    """Write the shards of all processes into `folder`; they are on the disk when this returns.

    Raises InputError on the main process, FailedOnAnotherRank on the others, when one cannot write.
    """
    storage = HuggingFaceStorageWriter(str(folder), save_distributed=True)
    try:
        with warnings.catch_warnings():  # that one process writes alone, which is intended
            warnings.filterwarnings("ignore", "torch.distributed is")
            save(state, storage_writer=storage, process_group=group.checkpoint_group, no_dist=group.size == 1)
        # on all ranks: the main process renames the folder as soon as this returns
        on_all_ranks(lambda: _write_digests(folder, group), group.checkpoint_group)
    except CheckpointException as error:
        if not group.is_main:
            raise FailedOnAnotherRank(InputError.exit_code) from error
        rank, (cause, _) = next(iter(error.failures.items()))
        if group.size == 1:
            with storing(folder, sum(value.nbytes for value in state.values())):
                raise cause from error
        raise InputError(
            f"{folder}: process {rank} could not write its shards ({cause}); check the disk and start the run again"
        ) from error


def _write_digests(folder: Path, group: ProcessGroup) -> None:
    """Write the checksums of this process's shards."""
    with storing(folder):
        own = folder.glob(f"shard-{group.rank + 1:05d}-*.safetensors")
        write_digests(folder, f"{group.rank:05d}", {path.name: digest_of_file(path) for path in own})


def read(folder: Path, model: LanguageModel) -> State:
    """This process's state, by the names of `model`'s parameters, from the shards that any number of processes wrote.

    Does not communicate. Raises SafetensorError, KeyError or ValueError when the shards are torn or of another shape,
    OSError when they cannot be read.
    """
    state: State = {}
    for name, _, target in _targets(model):
        for key in (f"model/{name}", *(f"optimizer/{name}/{moment}" for moment in MOMENTS)):
            state[key] = torch.empty_like(target)
        state[f"optimizer/{name}/{STEP}"] = torch.empty(1)
    reader = HuggingFaceStorageReader(str(folder))
    try:
        stored = reader.read_metadata().state_dict_metadata
        for key, value in state.items():
            entry = stored[key]
            if not isinstance(entry, TensorStorageMetadata) or entry.size != value.shape:
                raise ValueError(f"{key}: another shape in the checkpoint")
        with warnings.catch_warnings():  # that one process reads what many wrote: intended
            warnings.filterwarnings("ignore", "torch.distributed is disabled")
            load(state, storage_reader=reader, no_dist=True)
    except CheckpointException as error:
        raise next(iter(error.failures.values()))[0] from None
    return _joined(state, model)


def read_whole(file: Path, model: LanguageModel) -> State:
    """This process's state, one of several, from the file of a run of one process. Raises as `read`."""
    state: State = {}
    with safe_open(file, framework="pt") as stored:
        for name, part, target in _targets(model):
            for room, end in (("model", ""), *(("optimizer", f"/{moment}") for moment in MOMENTS)):
                whole = stored.get_slice(f"{room}/{part.tensor}{end}")
                rows, *rest = whole.get_shape()
                if rows < part.stop or [part.stop - part.start, *rest] != list(target.shape):
                    raise ValueError(f"{part.tensor}: another shape in the checkpoint")
                state[f"{room}/{name}{end}"] = torch.empty_like(target)
                fill(state[f"{room}/{name}{end}"], whole[part.start : part.stop])
            # a copy: the slices of one tensor would otherwise increment one step count together
            state[f"optimizer/{name}/{STEP}"] = stored.get_tensor(f"optimizer/{part.tensor}/{STEP}").clone()
    return state


def _targets(model: LanguageModel) -> Iterator[tuple[str, TensorSlice, Tensor]]:
    """(name, slice, parameter) of every slice; for a model without slices, with the slice's rows of its parameter."""
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    for tensor in model.arch.tensors():
        for part in slices_of(model.arch, tensor, 1):
            own = parameters.get(part.name)
            yield part.name, part, parameters[tensor.name][part.start : part.stop] if own is None else own


def _joined(state: State, model: LanguageModel) -> State:
    """`state` by the names of `model`'s parameters: for a model without slices they are concatenated."""
    parameters = dict(model.named_parameters())
    joined: State = {}
    for tensor in model.arch.tensors():
        slices = [part.name for part in slices_of(model.arch, tensor, 1)]
        for name in slices if slices[0] in parameters else [tensor.name]:
            parts = [name] if name in slices else slices
            for room, end in (("model", ""), *(("optimizer", f"/{moment}") for moment in MOMENTS)):
                values = [state[f"{room}/{part}{end}"] for part in parts]
                joined[f"{room}/{name}{end}"] = values[0] if len(values) == 1 else torch.cat(values)
            joined[f"optimizer/{name}/{STEP}"] = state[f"optimizer/{parts[0]}/{STEP}"].reshape(())
    return joined
