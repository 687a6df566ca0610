"""Checkpoints: safetensors and JSON, so that reading one never runs code from it.

checkpoints/step-00000420/{state.safetensors, progress.json, digests-*.json}: written under a temporary name, then
renamed; the newest two are kept. If one is torn or damaged, the one before is restored. With several processes there is
a file of shards for each instead of the state; any number of processes restores either form.
"""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError

from isoflop.errors import InputError
from isoflop.files import storing, sync, write_bytes_atomically, write_json_atomically
from isoflop.runs.lock import SHARED_DISK_SECONDS
from isoflop.train.checkpoint_digests import check_digests, digest_of, digest_of_file, write_digests
from isoflop.train.checkpoint_progress import PROGRESS, Progress, read_progress
from isoflop.train.model import LanguageModel
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup, on_all_ranks
from isoflop.train.safetensors_buffer import SafetensorsBuffer

KEPT = 2  # if the newest turns out to be damaged, the one before still exists
STATE = "state.safetensors"
TORN = (SafetensorError, KeyError, IndexError, ValueError)
"""What reading raises for a file that was cut off, was altered, or holds other tensors."""

State = dict[str, torch.Tensor]
"""{`model/NAME`, `optimizer/NAME/exp_avg`, ...: values}."""


def is_sliced(model: LanguageModel) -> bool:
    """Whether parameters are slices (tensor_parallel.py): over many processes, and in OLMo-core's modules."""
    return {name for name, _ in model.named_parameters()} != {tensor.name for tensor in model.arch.tensors()}


def _state(model: LanguageModel, optimizer: torch.optim.Optimizer) -> State:
    # the optimiser knows parameters, not names; tensors hash by identity, but compare elementwise
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    tensors = {f"model/{name}": parameter.detach() for name, parameter in model.named_parameters()}
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            tensors[f"optimizer/{names[id(parameter)]}/{key}"] = value
    return tensors


class Saver:
    """Writes the checkpoints of a run, one at a time, while training continues.

    `save` copies the state to CPU memory; a thread writes the files and renames their folder last. Until then the
    previous checkpoint is the newest, whatever is killed.
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
        """Whether the thread failed with an error that `wait` will raise."""
        return self._problem is not None

    def save(
        self, model: LanguageModel, optimizer: torch.optim.Optimizer, progress: Progress, kept: Path | None = None
    ) -> None:
        """Start writing a checkpoint of this step, unless it exists; waits for the one before, and raises as `wait`.

        With `kept`, another folder, it is written there, and no later one displaces it.
        """
        self.wait()
        final = step_folder(kept or self.directory, progress.step)
        if any(self.group.all_reduce_sum(self.group.is_main and final.exists())):
            return
        write = self._copy(model, optimizer)
        # a daemon: a process that ends with an error does not wait for a disk
        self._thread = threading.Thread(target=self._make, args=(final, write, progress), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return once the last checkpoint is on the disk. Raises InputError when it could not be written."""
        self.join()
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem

    def join(self) -> None:
        """Return once no thread writes, without raising its error."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _copy(self, model: LanguageModel, optimizer: torch.optim.Optimizer) -> Callable[[Path], None]:
        """A function that writes a copy of the current state into a folder."""
        if not is_sliced(model):
            filled = self._buffer.fill(_state(model, optimizer))
            return lambda partial: _write_state(partial, filled())
        from isoflop.train import sharded_checkpoint

        self._staged = self._staged or sharded_checkpoint.Stage(self.group).copy
        state = self._staged(model, optimizer)
        return lambda partial: sharded_checkpoint.write(partial, state, self.group)

    def _make(self, final: Path, write: Callable[[Path], None], progress: Progress) -> None:
        partial = final.with_name(f".{final.name}.partial")
        group = self.group
        try:
            on_all_ranks(lambda: _open(partial) if group.is_main else None, group.checkpoint_group)
            write(partial)
            on_all_ranks(lambda: _close(partial, final, progress) if group.is_main else None, group.checkpoint_group)
            if group.is_main and final.parent == self.directory:
                for old in sorted(self.directory.glob("step-*"))[:-KEPT]:
                    shutil.rmtree(old, ignore_errors=True)
        except BaseException as problem:  # raised in the trainer's own thread, by `wait`
            if isinstance(problem, InputError):  # a full disk: leave no half of a checkpoint on it
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
    # progress is written last, and the rename after it: a folder with its final name is complete
    write_digests(partial, "progress", {PROGRESS: digest_of_file(partial / PROGRESS)})
    with storing(final):
        sync(partial)
        partial.rename(final)
        sync(final.parent)


def restore(
    directory: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, group: ProcessGroup = SINGLE_PROCESS
) -> Progress | None:
    """Load the newest checkpoint that every process can read; None when there is none to resume from.

    Unreadable ones are removed, and what killed writers left: they would count among the newest, which are kept. Raises
    InputError when the disk fails to read an existing file, and for a checkpoint of another version.
    """
    progress: Progress | None = None
    # all ranks try those that the main one sees: on a shared disk another machine may not see the newest yet
    for step in group.broadcast_from_main(sorted(_steps(directory), reverse=True)):
        progress = restore_one(step_folder(directory, int(step)), model, optimizer, group)
        if progress is not None:
            break
    if group.is_main:
        _clear_unread(directory, progress.step if progress else 0)
    return progress


def restore_one(
    folder: Path, model: LanguageModel, optimizer: torch.optim.Optimizer, group: ProcessGroup = SINGLE_PROCESS
) -> Progress | None:
    """Load the checkpoint in `folder`; None where it is missing or damaged. Raises as `restore`."""
    read = on_all_ranks(partial(_read, folder, model, group))
    # all or none: ranks that resumed from different steps would train on different weights
    if group.all_reduce_sum(read is not None) != [group.size]:
        return None
    assert read is not None
    progress, tensors = read
    _apply(tensors, model, optimizer)
    return progress


def _clear_unread(directory: Path, since: int) -> None:
    """Remove the checkpoints after step `since`, which are unreadable, and what killed writers left."""
    for step in _steps(directory):
        if step > since:
            torn = step_folder(directory, step)
            sys.stderr.write(f"{torn}: torn or damaged, and removed; the run resumes from step {since}\n")
            shutil.rmtree(torn, ignore_errors=True)
    for left in directory.glob(".step-*.partial"):
        shutil.rmtree(left, ignore_errors=True)


def step_folder(directory: Path, step: int) -> Path:
    """The folder of the checkpoint of `step`."""
    return directory / f"step-{step:08d}"


def _steps(directory: Path) -> list[int]:
    """Steps of the existing checkpoints, complete or not."""
    names = [re.fullmatch(r"step-(\d{8,})", path.name) for path in directory.glob("step-*")]
    return [int(name[1]) for name in names if name is not None]


def _read(folder: Path, model: LanguageModel, group: ProcessGroup) -> tuple[Progress, State] | None:
    """Progress and this process's state of a checkpoint; None when it is torn.

    Only errors that nothing else causes count as torn: those of the disk are InputErrors, all others are raised.
    """
    # on a shared disk another machine may see the folder some seconds late
    deadline = time.monotonic() + SHARED_DISK_SECONDS
    try:
        while not group.is_main and not folder.exists() and time.monotonic() < deadline:
            time.sleep(0.5)
        for file in folder.iterdir():
            file.open("rb").close()  # safetensors calls a file that does not open missing, whatever the reason
        progress = read_progress(folder)  # first: another version may write other checksums
        check_digests(folder, (group.rank, group.size))
        tensors = _tensors(folder, model)
        for name, parameter in model.named_parameters():
            if tensors[f"model/{name}"].shape != parameter.shape:
                return None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error}); check the disk and start the run again") from error
    except TORN:
        return None
    return progress, tensors


def _tensors(folder: Path, model: LanguageModel) -> State:
    """This process's state in `folder`. Raises one of TORN, or OSError when the disk fails."""
    whole = folder / STATE
    if not is_sliced(model) and (whole.exists() or not any(folder.glob("shard-*"))):
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
    # set directly: `load_state_dict` would need every group's settings, which the spec decides
    optimizer.state.clear()
    optimizer.state.update(moments)


def clear(directory: Path) -> None:
    """Remove the checkpoints of a finished run, whose final weights are a file of their own."""
    shutil.rmtree(directory, ignore_errors=True)
