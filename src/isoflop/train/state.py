"""A run in progress: its model, its optimiser, and where it is."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from isoflop import __version__
from isoflop.arch import flops_per_token
from isoflop.corpus import Corpus
from isoflop.errors import InputError
from isoflop.files import sync
from isoflop.runs.folder import RunFolder
from isoflop.runs.kept import asked_steps, kept_folder
from isoflop.spec import TAIL_FRACTION, RunSpec
from isoflop.train import checkpoint
from isoflop.train.branch import ParentDiverged, restore_from_parent
from isoflop.train.checkpoint_progress import Progress
from isoflop.train.device import compile_layers, set_float32_products
from isoflop.train.model import LanguageModel, build
from isoflop.train.optim import build_optimizer
from isoflop.train.process_group import ProcessGroup, on_all_ranks

LOGGED_POINTS = 250
"""Lines of metrics.jsonl per run: enough to draw and smooth a curve, few enough to read hundreds of runs."""
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
    begun_step: int = 0
    """Steps that another run took for this one; 0 where it takes all itself."""
    begun_seconds: float = 0.0
    """Of `previous_seconds`, the training time of that run."""
    keep_at: frozenset[int] = frozenset()
    """Steps whose checkpoints are kept for others to begin from."""
    parent_diverged: str = ""
    """Why no step is to be taken, where the run that was to take the first ones diverged in them."""
    last_logged: tuple[float, int] | None = None
    """(`wall_seconds`, step) of the last logged line of this attempt."""

    @property
    def wall_seconds(self) -> float:
        """Training time over all attempts, that of another run in the steps that it took for this one included."""
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

    @property
    def spent_tokens(self) -> int:
        """Training tokens so far of the steps that this run has taken itself."""
        return (self.step - self.begun_step) * self.spec.batch_tokens

    @property
    def logging_steps(self) -> int:
        """Steps between two lines of metrics.jsonl."""
        return max(1, self.spec.steps // LOGGED_POINTS)

    def keep(self) -> None:
        """Start writing a checkpoint of the current step for others to begin from, where one was asked for."""
        if self.step % self.logging_steps == 0 or self.step == self.start_step:
            # asked again now and then: a branch may be designed while its trunk is trained
            asked = on_all_ranks(lambda: asked_steps(self.folder) if self.group.is_main else ())
            self.keep_at = frozenset(map(int, self.group.broadcast_from_main(asked)))
        if self.step in self.keep_at:
            self.save(kept_folder(self.folder))

    def save(self, kept: Path | None = None) -> None:
        """Start writing a checkpoint of the current step, in the folder `kept` or as one that later ones displace."""
        self.count_pending()  # the means are part of it
        if self.group.is_main:
            # on the disk before the checkpoint is: a run resumed from it writes only the lines after it
            sync(self.folder.metrics)
        progress = Progress(
            step=self.step,
            wall_seconds=self.wall_seconds,
            recent_losses=tuple(self.recent_losses),
            tail_losses=tuple(self.tail_losses),
            begun_step=self.begun_step,
            begun_seconds=self.begun_seconds,
        )
        self.saver.save(self.model, self.optimizer, progress, kept)


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
    """Move a run at step 0 to its newest complete checkpoint; without one, to that of the run that it begins from.

    Raises InputError for a checkpoint beyond the end of the run, and as `checkpoint.restore` and `restore_from_parent`.
    """
    folder, group = state.folder, state.group
    progress = checkpoint.restore(folder.checkpoints, state.model, state.optimizer, group)
    if progress is not None:
        if progress.step > state.spec.steps:
            raise InputError(
                f"{folder.checkpoints}: step {progress.step} in a run of {state.spec.steps} steps; the checkpoint "
                f"is of another run: delete {folder.checkpoints} to start over"
            )
        state.tail_losses = list(progress.tail_losses)
        state.begun_step, state.begun_seconds = progress.begun_step, progress.begun_seconds
    else:
        try:
            progress = restore_from_parent(state)
        except ParentDiverged as error:
            state.parent_diverged = str(error)
        if progress is not None:  # the last steps, and their losses, are its own
            state.begun_step, state.begun_seconds = progress.step, progress.wall_seconds
    if progress is not None:
        state.step = state.start_step = progress.step
        state.previous_seconds = progress.wall_seconds
        state.recent_losses = list(progress.recent_losses)
    if group.is_main:
        folder.truncate_metrics(state.step)  # lines of steps that will be taken again
    state.started = time.monotonic()
