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
from isoflop.spec import RunSpec
from isoflop.train import checkpoint
from isoflop.train.device import compile_layers, set_float32_products
from isoflop.train.model import LanguageModel, build
from isoflop.train.optim import build_optimizer
from isoflop.train.process_group import Group

Number = float | torch.Tensor
"""A number, or one still on a GPU: asking it for a number has it finish all its work."""
TAIL_FRACTION = 0.05
"""The training loss of a result is the mean over this last share of the steps."""


@dataclass
class Training:
    """A run in progress."""

    folder: RunFolder
    spec: RunSpec
    corpus: Corpus
    model: LanguageModel
    optimizer: torch.optim.AdamW
    group: Group
    saver: checkpoint.Saver
    step: int = 0
    """Optimiser steps taken."""
    began_at: int = 0
    """The step at which this attempt went on."""
    earlier_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    untold: list[tuple[Number, Number]] = field(default_factory=list)
    """(loss, gradient norm) of the last steps, not counted yet."""
    recent: list[float] = field(default_factory=list)
    """Training losses (nats) since the last logged line."""
    tail: list[float] = field(default_factory=list)
    """Training losses (nats) of the last `TAIL_FRACTION` of the steps, as far as reached."""
    code_version: str = __version__
    """Of what takes the steps."""
    logged: tuple[float, int] | None = None
    """(`wall_seconds`, step) of the last logged line of this attempt."""

    @property
    def wall_seconds(self) -> float:
        """Training time over all attempts."""
        return self.earlier_seconds + self.trained_seconds

    @property
    def trained_seconds(self) -> float:
        """Training time of this attempt."""
        return time.monotonic() - self.started

    @property
    def tokens(self) -> int:
        """Training tokens so far."""
        return self.step * self.spec.batch_tokens

    @property
    def flops_per_step(self) -> float:
        """Model FLOPs (`matmul`) of a step."""
        return flops_per_token(self.spec.architecture, self.spec.seq_len) * self.spec.batch_tokens

    @property
    def flops_per_second(self) -> float | None:
        """Model FLOPs over the seconds of this attempt; None before its first step."""
        steps = self.step - self.began_at
        return steps * self.flops_per_step / (time.monotonic() - self.started) if steps else None

    def count(self) -> tuple[float, float]:
        """Take the untold losses into the means; returns the last (loss, gradient norm)."""
        tail_start = self.spec.steps - max(1, round(self.spec.steps * TAIL_FRACTION))
        loss = norm = math.nan
        for step, (on_device, norm_there) in enumerate(self.untold, self.step - len(self.untold) + 1):
            loss, norm = float(on_device), float(norm_there)
            self.recent.append(loss)
            if step > tail_start:
                self.tail.append(loss)
        self.untold.clear()
        return loss, norm

    def save(self) -> None:
        """Begin to write a checkpoint of this moment, see `checkpoint.Saver`."""
        self.count()
        if self.group.first:
            sync(self.folder.metrics)  # lines before a checkpoint are not written again
        progress = checkpoint.Progress(
            step=self.step,
            wall_seconds=self.wall_seconds,
            recent_losses=tuple(self.recent),
            tail_losses=tuple(self.tail),
        )
        self.saver.save(self.model, self.optimizer, progress)


def begin(folder: RunFolder, spec: RunSpec, corpus: Corpus, group: Group) -> Training:
    """The run at its newest whole checkpoint, or at step 0."""
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
    training = Training(folder, spec, corpus, model, build_optimizer(model, spec.optimizer), group, saver)
    resume(training)
    return training


def resume(training: Training) -> None:
    """Bring a run at step 0 to its newest whole checkpoint, if there is one.

    Raises InputError for one from beyond the end of the run, and as `checkpoint.restore`.
    """
    folder, group = training.folder, training.group
    progress = checkpoint.restore(folder.checkpoints, training.model, training.optimizer, group)
    if progress is not None:
        if progress.step > training.spec.steps:
            raise InputError(
                f"{folder.checkpoints}: step {progress.step} in a run of {training.spec.steps} steps; the checkpoint "
                f"is of another run: delete {folder.checkpoints} to begin anew"
            )
        training.step = training.began_at = progress.step
        training.earlier_seconds = progress.wall_seconds
        training.recent, training.tail = list(progress.recent_losses), list(progress.tail_losses)
    if group.first:
        folder.truncate_metrics(training.step)
    training.started = time.monotonic()
