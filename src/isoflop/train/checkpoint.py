"""Checkpoints: safetensors and JSON, so that reading one never runs code from it.

checkpoints/step-00000420/{state.safetensors, progress.json, digests-*.json}: made whole under a temporary name, then
renamed; the newest two are kept. One that does not read, or not as it was written, gives way to the one before. Where
many processes train a run there is a file of shards for each instead of the state; either reads on any number of them.
"""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from isoflop.errors import InputError
from isoflop.files import storing, sync, write_bytes_atomically, write_json_atomically
from isoflop.json_values import json_value
from isoflop.regular_files import read_regular
from isoflop.runs.lock import SHARED_DISK_SECONDS
from isoflop.train.checkpoint_digests import check_digests, digest_of, digest_of_file, write_digests
from isoflop.train.model import LanguageModel
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup, on_all_ranks
from isoflop.train.safetensors_buffer import SafetensorsBuffer

KEPT = 2
STATE = "state.safetensors"
PROGRESS = "progress.json"
SCHEMA = 1
TORN = (SafetensorError, KeyError, IndexError, ValueError)
"""What reading a file raises that was cut off, is not what was written, or holds other tensors."""

State = dict[str, torch.Tensor]
"""{`model/NAME`, `optimizer/NAME/exp_avg`, ...: values}."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a resumed run must know besides weights and moments."""

    step: int
    """Optimiser steps taken."""
    wall_seconds: float
    """Training time so far, over all attempts."""
    recent_losses: tuple[float, ...]
    """Training losses (nats) since the last logged line."""
    tail_losses: tuple[float, ...]
    """Training losses (nats) of the last 5 % of the steps, as far as reached."""
    schema: int = SCHEMA


def _is_sliced(model: LanguageModel) -> bool:
    """Whether parameters are slices (tensor_parallel.py): over many processes, and in OLMo-core's modules."""
    return {name for name, _ in model.named_parameters()} != {tensor.name for tensor in model.arch.tensors()}


def _state(model: LanguageModel, optimizer: torch.optim.Optimizer) -> State:
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    tensors = {f"model/{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            tensors[f"optimizer/{names[id(parameter)]}/{key}"] = value
    return tensors


class Saver:
    """Writes the checkpoints of a run, one at a time, while the training goes on.

    `save` copies the state to memory of the CPU; a thread makes the files of it. Until that has given them their name
    the checkpoint before stands, whoever is killed.
    """

    def __init__(self, directory: Path, group: ProcessGroup = SINGLE_PROCESS) -> None:
        self.directory = directory
        self.group = group
        self._buffer = SafetensorsBuffer()
        self._staged: Callable[[LanguageModel, torch.optim.Optimizer], State] | None = None
        self._thread: threading.Thread | None = None
        self._problem: BaseException | None = None

    @property
    def failed(self) -> bool:
        """Whether the thread met what `wait` will raise."""
        return self._problem is not None

    def save(self, model: LanguageModel, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
        """Begin a checkpoint for `progress.step`, of this very moment; waits for the one before, and raises as `wait`.

        One that is there is not made again.
        """
        self.wait()
        final = self.directory / f"step-{progress.step:08d}"
        if any(self.group.all_reduce_sum(self.group.is_main and final.exists())):
            return
        write = self._copy(model, optimizer)
        # a daemon: a process that ends in an error waits for no disk
        self._thread = threading.Thread(target=self._make, args=(final, write, progress), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return once the last checkpoint is on the disk. Raises InputError when the disk did not take it."""
        self.join()
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def join(self) -> None:
        """Return once no thread writes, whatever came of it."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _copy(self, model: LanguageModel, optimizer: torch.optim.Optimizer) -> Callable[[Path], None]:
        """What writes the state of now into a folder, later."""
        if not _is_sliced(model):
            filled = self._buffer.fill(_state(model, optimizer))
            return lambda partial: _write_state(partial, filled())
        from isoflop.train import sharded_checkpoint

        self._staged = self._staged or sharded_checkpoint.Stage(self.group).copy
        state = self._staged(model, optimizer)
        return lambda partial: sharded_checkpoint.write(partial, state, self.group)

    def _make(self, final: Path, write: Callable[[Path], None], progress: Progress) -> None:
        partial = self.directory / f".{final.name}.partial"
        group = self.group
        try:
            on_all_ranks(lambda: _open(partial) if group.is_main else None, group.checkpoint_group)
            write(partial)
            on_all_ranks(lambda: _close(partial, final, progress) if group.is_main else None, group.checkpoint_group)
        except BaseException as problem:  # raised in the trainer's own thread
            if isinstance(problem, InputError):
                shutil.rmtree(partial, ignore_errors=True)
            self._problem = problem


def _write_state(partial: Path, data: memoryview) -> None:
    write_bytes_atomically(partial / STATE, data)
    write_digests(partial, "00000", {STATE: digest_of(data)})


def _open(partial: Path) -> None:
    with storing(partial):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)


def _close(partial: Path, final: Path, progress: Progress) -> None:
    write_json_atomically(partial / PROGRESS, asdict(progress))
    write_digests(partial, "progress", {PROGRESS: digest_of_file(partial / PROGRESS)})
    with storing(final):
        sync(partial)
        partial.rename(final)
        sync(final.parent)
    for old in sorted(final.parent.glob("step-*"))[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def restore(
    directory: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, group: ProcessGroup = SINGLE_PROCESS
) -> Progress | None:
    """Load the newest checkpoint that every process reads whole; None when there is none to continue from.

    What does not read is removed, and what killed writers left: it would count among the newest, which are kept.
    Raises InputError when the disk does not give what is there, and for a checkpoint of another version.
    """
    found: Progress | None = None
    # all look at those that the first one sees: a shared disk may show another machine others
    for step in group.broadcast_from_main(sorted(_steps(directory), reverse=True)):
        folder = directory / f"step-{int(step):08d}"
        read = on_all_ranks(partial(_whole, folder, model, group))
        if group.all_reduce_sum(read is not None) == [group.size]:
            assert read is not None
            found, tensors = read
            _apply(tensors, model, optimizer)
            break
    if group.is_main:
        _clear_unread(directory, found.step if found else 0)
    return found


def _clear_unread(directory: Path, since: int) -> None:
    """Remove the checkpoints after step `since`, which do not read, and what killed writers left."""
    for step in _steps(directory):
        if step > since:
            torn = directory / f"step-{step:08d}"
            sys.stderr.write(f"{torn}: torn or damaged, and removed; the run goes on from step {since}\n")
            shutil.rmtree(torn, ignore_errors=True)
    for left in directory.glob(".step-*.partial"):
        shutil.rmtree(left, ignore_errors=True)


def _steps(directory: Path) -> list[int]:
    """Steps of the checkpoints that are there, whole or not."""
    names = [re.fullmatch(r"step-(\d{8,})", path.name) for path in directory.glob("step-*")]
    return [int(name[1]) for name in names if name is not None]


def _whole(folder: Path, model: LanguageModel, group: ProcessGroup) -> tuple[Progress, State] | None:
    """What a checkpoint holds, for this process; None when it is torn.

    Only what cannot come of anything else counts as torn: the disk's trouble is an InputError, all else is raised.
    """
    deadline = time.monotonic() + SHARED_DISK_SECONDS
    try:
        while not group.is_main and not folder.exists() and time.monotonic() < deadline:
            time.sleep(0.5)
        for file in folder.iterdir():
            file.open("rb").close()  # safetensors calls a file that does not open missing, whatever the reason
        progress = _progress(folder)  # first: another version may write other checksums
        check_digests(folder, (group.rank, group.size))
        tensors = _tensors(folder, model)
        for name, parameter in model.named_parameters():
            if tensors[f"model/{name}"].shape != parameter.shape:
                return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error}); see to the disk and start the run again") from error
    except TORN:
        return None
    return progress, tensors


def _progress(folder: Path) -> Progress:
    """Raises ValueError when it is torn or of another step, InputError when another version wrote it."""
    value = json_value(read_regular(folder / PROGRESS))
    if not isinstance(value, dict) or "schema" not in value:
        raise ValueError(f"{folder}: no progress")
    if value["schema"] != SCHEMA:
        raise InputError(
            f"{folder}: a checkpoint of schema {value['schema']}, expected {SCHEMA}; go on with the version of isoflop "
            f"that wrote it, or delete {folder.parent} to begin the run anew"
        )
    names = {field.name for field in fields(Progress)}
    if set(value) != names:
        raise ValueError(f"{folder}: other fields of progress")
    if value["step"] != int(folder.name.removeprefix("step-")):
        raise ValueError(f"{folder}: of step {value['step']}")
    value |= {name: tuple(value[name]) for name in ("recent_losses", "tail_losses")}
    return Progress(**value)


def _tensors(folder: Path, model: LanguageModel) -> State:
    """Raises one of TORN, or OSError when the disk does not give them."""
    whole = folder / STATE
    if not _is_sliced(model) and (whole.exists() or not any(folder.glob("shard-*"))):
        return safetensors.torch.load(whole.read_bytes())
    from isoflop.train import sharded_checkpoint

    return sharded_checkpoint.read_whole(whole, model) if whole.exists() else sharded_checkpoint.read(folder, model)


def _apply(tensors: dict[str, torch.Tensor], model: LanguageModel, optimizer: torch.optim.Optimizer) -> None:
    parameters = dict(model.named_parameters())
    moments: dict[torch.Tensor, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        kind, name, *rest = key.split("/")
        if kind == "optimizer":
            moments.setdefault(parameters[name], {})[rest[0]] = value.to(parameters[name].device)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(tensors[f"model/{name}"])
    optimizer.state.clear()
    optimizer.state.update(moments)


def clear(directory: Path) -> None:
    """Remove the checkpoints of a run that has its result: the final weights are kept elsewhere."""
    shutil.rmtree(directory, ignore_errors=True)


def export_weights(path: Path, model: LanguageModel, group: ProcessGroup = SINGLE_PROCESS) -> None:
    """Final weights as safetensors, names as in `Architecture.tensors()`; of many processes the first writes them."""
    if _is_sliced(model):
        from isoflop.train.parallel import whole_tensors

        weights = whole_tensors(model, group)
    else:
        weights = dict(model.state_dict())
    if group.is_main:
        write_bytes_atomically(path, safetensors.torch.save(weights))


def load_weights(path: Path, model: LanguageModel) -> None:
    """Fill `model` from `export_weights`. Raises InputError when the file is missing, torn or of another shape."""
    try:
        model.load_state_dict(safetensors.torch.load_file(path, device="cpu"), assign=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path}: not the weights of this model ({error}); train the run again") from error
