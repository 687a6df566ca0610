"""A run in progress: its model, its optimiser, and where it is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import torch

from isoflop import __version__
from isoflop.arch import flops_per_token
from isoflop.corpus import Corpus
from isoflop.errors import InputError
from isoflop.files import sync
from isoflop.runs.folder import RunFolder
from isoflop.spec import TAIL_FRACTION, RunSpec
from isoflop.train import checkpoint
from isoflop.train.device import compile_layers, set_float32_products
from isoflop.train.model import LanguageModel, build
from isoflop.train.optim import build_optimizer
from isoflop.train.process_group import ProcessGroup

Number = float | torch.Tensor
"""A value, or a tensor of one still on a GPU, reading which waits for all work queued there."""


@dataclass
class TrainState:
    """A run in progress."""

    folder: RunFolder
    spec: RunSpec
    corpus: Corpus
    model: LanguageModel
    optimizer: torch.optim.AdamW
    group: ProcessGroup
    saver: checkpoint.Saver
    step: int = 0
    """Optimiser steps taken."""
    start_step: int = 0
    """The step at which this attempt resumed."""
    previous_seconds: float = 0.0
    """Training time of earlier attempts."""
    started: float = field(default_factory=time.monotonic)
    pending: list[tuple[Number, Number]] = field(default_factory=list)
    """(loss, gradient norm) of the last steps, not yet in the means: on a GPU they are read at logged lines only."""
    recent_losses: list[float] = field(default_factory=list)
    """Training losses (nats) since the last logged line."""
    tail_losses: list[float] = field(default_factory=list)
    """Training losses (nats) of the last `TAIL_FRACTION` of the steps, as far as reached."""
    code_version: str = __version__
    """Version of the code that takes the steps."""
    last_logged: tuple[float, int] | None = None
    """(`wall_seconds`, step) of the last logged line of this attempt."""

    @property
    def wall_seconds(self) -> float:
        """Training time over all attempts."""
        return self.previous_seconds + self.attempt_seconds

    @property
    def attempt_seconds(self) -> float:
        """Training time of this attempt."""
        return time.monotonic() - self.started

    @property
    def tokens(self) -> int:
        """Training tokens so far."""
        return self.step * self.spec.batch_tokens

    @property
    def flops_per_step(self) -> float:
        """Model FLOPs (`matmul`) of a step as it is computed: those of masked tokens are only counted."""
        spec = self.spec
        return flops_per_token(spec.architecture, spec.seq_len) * spec.sequences * spec.seq_len

    @property
    def flops_per_second(self) -> float | None:
        """Model FLOPs over the seconds of this attempt; None before its first step."""
        steps = self.step - self.start_step
        return steps * self.flops_per_step / (time.monotonic() - self.started) if steps else None

    def count_pending(self) -> tuple[float, float]:
        """Move the pending losses into the means; returns the last (loss, gradient norm), NaN if none is pending."""
        tail_start = self.spec.steps - max(1, round(self.spec.steps * TAIL_FRACTION))
        loss = norm = math.nan
        for step, (device_loss, device_norm) in enumerate(self.pending, self.step - len(self.pending) + 1):
            loss, norm = float(device_loss), float(device_norm)
            self.recent_losses.append(loss)
            if step > tail_start:
                self.tail_losses.append(loss)
        self.pending.clear()
        return loss, norm

    def save(self) -> None:
        """Start writing a checkpoint of the current step, see `checkpoint.Saver`."""
        self.count_pending()  # the means are part of it
        if self.group.is_main:
            # on the disk before the checkpoint is: a run resumed from it writes only the lines after it
            sync(self.folder.metrics)
        progress = checkpoint.Progress(
            step=self.step,
            wall_seconds=self.wall_seconds,
            recent_losses=tuple(self.recent_losses),
            tail_losses=tuple(self.tail_losses),
        )
        self.saver.save(self.model, self.optimizer, progress)


def restore_or_init(folder: RunFolder, spec: RunSpec, corpus: Corpus, group: ProcessGroup) -> TrainState:
    """The run at its newest complete checkpoint, or initialised at step 0."""
    if group.size == 1:
        model = build(spec.architecture, device=group.device, seed=spec.seed)
    else:
        from isoflop.train.parallel import build_parallel  # DTensors take a second to load

        model = build_parallel(spec.architecture, spec.seed, group)
    set_float32_products(group.products)
    model.recompute = group.launch.recompute == "full"
    if group.compiled:
        compile_layers(model)
    saver = checkpoint.Saver(folder.checkpoints, group)
    state = TrainState(folder, spec, corpus, model, build_optimizer(model, spec.optimizer), group, saver)
    restore(state)
    return state


def restore(state: TrainState) -> None:
    """Move a run at step 0 to its newest complete checkpoint, if there is one.

    Raises InputError for a checkpoint beyond the end of the run, and as `checkpoint.restore`.
    """
    folder, group = state.folder, state.group
    progress = checkpoint.restore(folder.checkpoints, state.model, state.optimizer, group)
    if progress is not None:
        if progress.step > state.spec.steps:
            raise InputError(
                f"{folder.checkpoints}: step {progress.step} in a run of {state.spec.steps} steps; the checkpoint "
                f"is of another run: delete {folder.checkpoints} to start over"
            )
        state.step = state.start_step = progress.step
        state.previous_seconds = progress.wall_seconds
        state.recent_losses, state.tail_losses = list(progress.recent_losses), list(progress.tail_losses)
    if group.is_main:
        folder.truncate_metrics(state.step)  # lines of steps that will be taken again
    state.started = time.monotonic()
