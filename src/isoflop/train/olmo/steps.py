"""The steps of a run taken by OLMo-core's trainer: our batches in, its metrics out into the run folder.

Its own checkpoints are not used: they are pickles, which it reads without restriction. The weights and moments of its
modules go through `checkpoint.py`, as those of our trainer do, on any number of processes.
"""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import ClassVar

import torch
from olmo_core.config import DType
from olmo_core.data import DataLoaderBase
from olmo_core.optim import Scheduler
from olmo_core.train import Duration, Trainer, TrainerConfig
from olmo_core.train.callbacks import Callback
from olmo_core.train.common import TRAIN_CE_LOSS_METRIC
from olmo_core.train.train_module import (
    TransformerActivationCheckpointingConfig,
    TransformerDataParallelConfig,
    TransformerTrainModuleConfig,
)
from olmo_core.utils import cuda_sync_debug_mode
from olmo_core.version import VERSION

from isoflop import __version__
from isoflop.corpus import Corpus, TokenBatches
from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder
from isoflop.runs.result import Reason
from isoflop.spec import RunSpec
from isoflop.train import checkpoint, loop
from isoflop.train.device import set_float32_products
from isoflop.train.loop import Library, Stopped, record_step
from isoflop.train.memory import halve_micro_batch, is_out_of_memory
from isoflop.train.olmo.model import OlmoModel, model_config, optimizer_config
from isoflop.train.process_group import ProcessGroup, on_all_ranks
from isoflop.train.state import TrainState, restore

METRICS_EVERY = 100
"""Steps between two collections of OLMo-core's own metrics; what a run folder records is read at each step."""


class Failed(Exception):
    """The run failed, for `reason`."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(kw_only=True)
class RunSchedule(Scheduler):
    """The learning rate of the spec at the middle of each step's tokens, as in our trainer."""

    spec: RunSpec

    def get_lr(self, initial_lr: float, current: int, t_max: int) -> float:
        """The rate of step `current`, counted from 1."""
        del t_max
        spec = self.spec
        token = (current - 0.5) * spec.batch_tokens
        return initial_lr * spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)


class RunBatches(DataLoaderBase):
    """The batches of the spec in its order; of each, this process's share."""

    def __init__(self, state: TrainState) -> None:
        spec, group = state.spec, state.group
        super().__init__(
            work_dir=state.folder.checkpoints,
            global_batch_size=spec.batch_tokens,
            dp_world_size=group.size,
            dp_rank=group.rank,
        )
        self.batches_processed = state.step
        self._steps, self._sequences = spec.steps, spec.batch_tokens // spec.seq_len
        self._share = group.local_sequences(self._sequences)
        self._batches = TokenBatches(state.corpus.train, spec.seq_len, spec.seed, spec.architecture.vocab_size)

    @property
    def total_batches(self) -> int:
        """Steps of the run."""
        return self._steps

    def _iter_batches(self) -> Iterator[dict[str, torch.Tensor]]:
        first, last = self._share
        for step in range(self.batches_processed, self._steps):
            rows = torch.from_numpy(self._batches.sequences(step * self._sequences + first, last - first))
            yield {"input_ids": rows[:, :-1], "labels": rows[:, 1:]}

    def global_num_tokens_in_batch(self, batch: dict[str, torch.Tensor]) -> int:
        """Tokens of a step, over all processes."""
        del batch
        return int(self.global_batch_size)

    def reshuffle(self, epoch: int | None = None, **settings: object) -> None:
        """Ignored: the order is the spec's."""
        del settings
        self._epoch = epoch

    def get_mock_batch(self) -> dict[str, torch.Tensor]:
        """Raises NotImplementedError: OLMo-core then skips its dry run of a step, which costs time at every start."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, int]:
        """The position in the data."""
        return {"batches_processed": self.batches_processed}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Continue from the position of `state_dict`."""
        self.batches_processed = state_dict["batches_processed"]


@dataclass
class RunFolderCallback(Callback):
    """Records each step in the run folder, saves checkpoints, and ends training on request."""

    priority: ClassVar[int] = 100  # before OLMo-core's own
    state: TrainState
    should_stop: Callable[[], bool]
    _handlers: dict[signal.Signals, Callable[[int, FrameType | None], object] | int | None] = field(init=False)
    _saved: float = field(default_factory=time.monotonic, init=False)

    def __post_init__(self) -> None:
        self._handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def pre_train(self) -> None:
        """Restore our signal handlers: OLMo-core's only check for a signal every 25 steps."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def post_step(self) -> None:
        """Record the loss and gradient norm of this step, over all processes; save or stop where due."""
        state, group = self.state, self.state.group
        loss, norm = (self._metric(name) for name in (TRAIN_CE_LOSS_METRIC, "optim/total grad norm"))
        # all ranks must decide together: one that stopped or saved alone would deadlock the rest in its collectives
        due = group.is_main and time.monotonic() - self._saved > loop.CHECKPOINT_SECONDS
        total, stopped, saved, failed = group.all_reduce_sum(loss, self.should_stop(), due, state.saver.failed)
        if failed:
            state.saver.wait()
        reason, message = record_step(state, total / group.size, norm)
        if reason:
            raise Failed(reason, message)
        state.keep()
        if state.step == state.spec.steps:
            return
        if stopped:
            self.trainer.cancel_run("asked to stop", no_sync=True)
        elif saved:
            state.save()
            self._saved = time.monotonic()

    def _metric(self, name: str) -> float:
        value = self.trainer.get_metric(name)
        assert value is not None, f"OLMo-core records no {name}"
        with cuda_sync_debug_mode(0):  # it makes PyTorch warn of every wait for a GPU; this one is intended
            return float(value.item())


def micro_batch(spec: RunSpec, group: ProcessGroup) -> int:
    """Sequences of a micro-batch: the most that launch.json allows and that divide the process's share."""
    sequences = spec.batch_tokens // spec.seq_len
    share, most = sequences // group.layout.batch_ways, group.micro_batch(sequences)
    return next(size for size in range(min(share, most), 0, -1) if share % size == 0)


def check(spec: RunSpec, group: ProcessGroup) -> int:
    """`micro_batch`, after checking that OLMo-core can train this spec in this layout.

    Raises InputError for a precision other than float32, a mask, and layouts that OLMo-core cannot do: it averages the
    processes' means, which is the batch's mean only where their shares are equal.
    """
    layout, sequences = group.layout, spec.batch_tokens // spec.seq_len
    problems = []
    if spec.precision != "float32":
        problems.append(f"precision: expected float32 with the engine olmo, got {spec.precision}; take --engine local")
    if spec.masked_fraction:
        problems.append(f"masked_fraction: expected 0, got {spec.masked_fraction}; take --engine local")
    if layout.tensor > 1:
        problems.append(f"layout.tensor: expected 1, the engine olmo splits no matrices, got {layout.tensor}")
    elif sequences % layout.batch_ways:
        problems.append(f"layout: expected a divisor of the {sequences} sequences of a batch, got {layout.batch_ways}")
    if problems:
        raise InputError.gathered("engine olmo", problems)
    return micro_batch(spec, group)


def restore_or_init(folder: RunFolder, spec: RunSpec, corpus: Corpus, group: ProcessGroup) -> TrainState:
    """See `Library.restore_or_init`. Raises InputError where OLMo-core cannot train this run in this layout."""
    # all processes of a run share its disk, on whatever machines they run
    os.environ.setdefault("OLMO_SHARED_FS", "1")
    config, micro = on_all_ranks(lambda: (model_config(spec.architecture), check(spec, group)))
    layout = group.layout
    sharded = TransformerDataParallelConfig(name="hsdp", num_replicas=layout.data, shard_degree=layout.sharded)
    again = TransformerActivationCheckpointingConfig(mode="full") if group.launch.recompute == "full" else None
    settings = TransformerTrainModuleConfig(
        rank_microbatch_size=micro * spec.seq_len,
        max_sequence_length=spec.seq_len,
        optim=optimizer_config(spec),
        max_grad_norm=spec.optimizer.clip_norm,
        scheduler=RunSchedule(spec=spec),
        z_loss_multiplier=spec.z_loss or None,
        dp_config=None if group.size == 1 else sharded,
        ac_config=again,
        autocast_precision=DType.bfloat16 if group.products == "bfloat16" else None,
        compile_model=group.compiled,
    )
    set_float32_products(group.products)
    with warnings.catch_warnings():  # about how it draws initial weights on several CPUs; ours replace them
        warnings.filterwarnings("ignore", "DTensor random operators")
        module = settings.build(config.build(init_device="meta"), device=torch.device(group.device))
    model = OlmoModel(spec.architecture, module, spec.seed)
    state = TrainState(
        folder,
        spec,
        corpus,
        model,
        module.optim,
        group,
        checkpoint.Saver(folder.checkpoints, group),
        code_version=f"{__version__} with OLMo-core {VERSION}",
    )
    restore(state)
    return state


def train_steps(state: TrainState, should_stop: Callable[[], bool]) -> tuple[Reason, str]:
    """See `Library.train_steps`. When memory runs out the step is repeated, see `memory.halve_micro_batch`."""
    assert isinstance(state.model, OlmoModel)
    module = state.model.module
    while True:
        try:
            trainer = fit(state, should_stop)
            break
        except Failed as error:
            return error.reason, str(error)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            message = (str(error).splitlines() or [type(error).__name__])[0]
        # outside the handler: the error's traceback keeps every tensor of the failed step alive until it ends
        module.optim.zero_grad(set_to_none=True)
        halve_micro_batch(state, message)
        module.rank_microbatch_size = micro_batch(state.spec, state.group) * state.spec.seq_len
    if trainer.is_canceled:
        state.save()
        state.saver.wait()
        raise Stopped
    return "", ""


def fit(state: TrainState, should_stop: Callable[[], bool]) -> Trainer:
    """OLMo-core's trainer after it has taken the remaining steps or was stopped."""
    model = state.model
    assert isinstance(model, OlmoModel)
    trainer = TrainerConfig(
        save_folder=str(state.folder.checkpoints),
        max_duration=Duration.steps(state.spec.steps),
        callbacks={"run_folder": RunFolderCallback(state=state, should_stop=should_stop)},
        metrics_collect_interval=METRICS_EVERY,
        async_bookkeeping=False,
        no_checkpoints=True,
        no_evals=True,
        device=state.group.device,
    ).build(model.module, RunBatches(state))
    trainer.global_step, trainer.global_train_tokens_seen = state.step, state.tokens
    with cuda_sync_debug_mode(0):  # restored afterwards
        trainer.fit()
    return trainer


OLMO = Library(restore_or_init=restore_or_init, train_steps=train_steps)
