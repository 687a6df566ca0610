"""One run, from spec.json to result.json: train, checkpoint, evaluate, and write every fact when it is known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from isoflop.arch import flops_by_convention, flops_per_token
from isoflop.corpus import Corpus, TokenBatches
from isoflop.errors import InputError
from isoflop.files import sync
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.result import Reason, RunResult, counted_params
from isoflop.spec import RunSpec
from isoflop.train import checkpoint
from isoflop.train.branch import branch_notices
from isoflop.train.device import forward_in, kind_of, layers_as_written, set_float32_products
from isoflop.train.evaluate import METRIC_VERSION, Evaluation, evaluate
from isoflop.train.memory import DoesNotFit, check_fits
from isoflop.train.optim import check_one_process
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup, on_all_ranks
from isoflop.train.state import Number, TrainState, restore_or_init
from isoflop.train.step import optimise
from isoflop.train.tensor_parallel import check_split
from isoflop.train.weights import export_weights
from isoflop.units import format_number

CHECKPOINT_SECONDS = 15.0
"""Training time between checkpoints, the most that a kill can cost; writing them takes under 1 % of the time."""
DIVERGED_NATS = 1.0
"""A run has diverged if, after warm-up, a logged loss exceeds that of uniform guessing, ln(vocab_size), by this."""


class Stopped(Exception):
    """A stop was requested; a checkpoint has been written."""


@dataclass(frozen=True, kw_only=True)
class Library:
    """The part of a run that a training library replaces: building the model and taking the steps."""

    restore_or_init: Callable[[RunFolder, RunSpec, Corpus, ProcessGroup], TrainState]
    """The run at its newest complete checkpoint, or initialised at step 0."""
    train_steps: Callable[[TrainState, Callable[[], bool]], tuple[Reason, str]]
    """Takes the remaining steps: ("", ""), or why the run failed. Raises Stopped, after a checkpoint, on request."""


def run(
    folder: RunFolder,
    corpus: Corpus,
    should_stop: Callable[[], bool],
    group: ProcessGroup = SINGLE_PROCESS,
    library: Library | None = None,
) -> None:
    """Train or resume `folder` until it has a result, with our own steps or a library's. A finished run is not touched.

    With several processes all call this; the main one holds the lock and writes metrics and result. Raises LockedError
    when another trainer works in the folder, Stopped when `should_stop` is true on any rank, FailedOnAnotherRank on
    ranks of a group whose other rank raises the error itself, and RestartWithHalf on the rank whose memory ran out.
    """
    with ExitStack() as cleanup:
        spec = on_all_ranks(lambda: claim(folder, corpus, group, cleanup))
        if any(group.all_reduce_sum(group.is_main and folder.read_result() is not None)):
            return
        library = library or Library(restore_or_init=restore_or_init, train_steps=train_steps)
        state = library.restore_or_init(folder, spec, corpus, group)
        cleanup.callback(state.saver.join)  # before the lock is released: no thread writes into a folder of another
        if group.is_main:
            folder.record_attempt(state.step)
        reason: Reason
        try:
            check_fits(state)
            if state.parent_diverged:
                reason, message = "diverged", state.parent_diverged
            else:
                state.keep()
                reason, message = library.train_steps(state, should_stop)
        except DoesNotFit as error:
            reason, message = "out_of_memory", str(error)
        state.saver.wait()
        on_all_ranks(lambda: check_text(state))
        finish(state, reason, message)
        if group.is_main:
            checkpoint.clear(folder.checkpoints)


def claim(folder: RunFolder, corpus: Corpus, group: ProcessGroup, cleanup: ExitStack) -> RunSpec:
    """The spec, checked against corpus and layout; the main process holds the folder's lock until `cleanup` closes.

    Raises LockedError when another trainer holds it, and InputError for a spec that these processes cannot train.
    """
    if group.is_main:
        cleanup.enter_context(folder.lock())
    spec = folder.read_spec()
    if spec.corpus != corpus.digest:
        raise InputError(
            f"{folder.spec}: written for corpus {spec.corpus[:12]}, but {corpus.directory} holds "
            f"{corpus.digest[:12]}; rebuild the corpus of this run, or design the study again"
        )
    if spec.run_id != folder.run_id:
        raise InputError(
            f"{folder.spec}: not the spec whose hash names this folder ({spec.run_id}); it was edited or damaged. "
            "Restore it, or move the folder away and run the same command again"
        )
    if spec.architecture.vocab_size < corpus.vocab_size:
        raise InputError(
            f"{folder.spec}: a vocabulary of {spec.architecture.vocab_size}, and the corpus has {corpus.vocab_size} ids"
        )
    if corpus.check is not None:
        corpus.check.at_start()
    check_split(spec.architecture, group.layout)
    check_one_process(spec.optimizer, group.size)
    return spec


def check_text(state: TrainState) -> None:
    """Raises InputError where the training tokens changed since they were written: such a run gets no result.

    Only the main process reads them.
    """
    if state.corpus.check is not None and state.group.is_main:
        state.corpus.check.at_end(state.attempt_seconds)


def train_steps(state: TrainState, should_stop: Callable[[], bool]) -> tuple[Reason, str]:
    """Take the remaining steps. Returns ("", "") at the end of the tokens, or why the run failed."""
    spec, group = state.spec, state.group
    batches = TokenBatches(state.corpus.train, spec.seq_len, spec.seed, spec.architecture.vocab_size)
    last_saved = time.monotonic()
    while state.step < spec.steps:
        # all ranks must decide together: one that stopped or saved alone would deadlock the rest in its collectives
        due = group.is_main and time.monotonic() - last_saved > CHECKPOINT_SECONDS
        stopped, saved, failed = group.all_reduce_sum(should_stop(), due, state.saver.failed)
        if failed:
            state.saver.wait()
        if stopped or saved:
            state.save()
            last_saved = time.monotonic()
        if stopped:
            state.saver.wait()
            raise Stopped
        reason, message = record_step(state, *optimise(state, batches))
        if reason:
            return reason, message
        state.keep()
    return "", ""


def record_step(state: TrainState, loss: Number, norm: Number) -> tuple[Reason, str]:
    """Record a step's loss in nats and gradient norm; returns ("", ""), or why the run has failed with it."""
    spec = state.spec
    state.pending.append((loss, norm))
    state.step += 1
    at_line = state.step % state.logging_steps == 0 or state.step == spec.steps
    # on a GPU losses are read at logged lines only: each read would stall the queue; a CPU sees a bad one at once
    if not at_line and kind_of(state.group.device) != "cpu":
        return "", ""
    loss, norm = state.count_pending()
    if at_line or not math.isfinite(loss):
        mean = log_metrics(state, norm)
        if not all(map(math.isfinite, (loss, norm, mean))):
            return (
                "diverged",
                f"loss {format_number(loss, 6)}, gradient norm {format_number(norm, 6)} at step {state.step} of "
                f"{spec.steps}",
            )
        limit = math.log(spec.architecture.vocab_size) + DIVERGED_NATS
        if state.tokens > spec.warmup_tokens and mean > limit:
            return "diverged", f"loss {mean:.2f} nats above {limit:.2f} at step {state.step} of {spec.steps}"
    return "", ""


def log_metrics(state: TrainState, norm: float) -> float:
    """Append a line to metrics.jsonl with the mean loss since the last one; returns that mean, in nats."""
    spec = state.spec
    mean = sum(state.recent_losses) / len(state.recent_losses)
    state.recent_losses.clear()
    since, since_step = state.last_logged or (state.previous_seconds, state.start_step)
    state.last_logged = state.wall_seconds, state.step
    speed = (state.step - since_step) * state.flops_per_step / (state.last_logged[0] - since)
    mfu = state.group.mfu(speed)
    line = {
        "step": state.step,
        "tokens": state.tokens,
        "flops": state.tokens * flops_per_token(spec.architecture, spec.seq_len),
        "train_loss_nats": mean,
        "lr": state.optimizer.param_groups[0]["lr"] / state.optimizer.param_groups[0]["lr_multiplier"],
        "grad_norm": norm,
        "wall_seconds": state.last_logged[0],
        "flops_per_second": speed,
        **({} if mfu is None else {"mfu": mfu}),
    }
    if state.group.is_main:
        state.folder.append_metrics([line])
        state.folder.beat(step=state.step, tokens=state.tokens, train_loss_nats=mean, flops_per_second=speed, mfu=mfu)
    return mean


def finish(state: TrainState, reason: Reason, message: str) -> None:
    """Evaluate, export the weights and write result.json, in this order: a result implies that the rest exists."""
    spec, folder, group = state.spec, state.folder, state.group
    done = not reason
    # before the evaluation, whose seconds are no training
    speed = state.flops_per_second
    scores = score(state) if done else None
    if done:
        export_weights(folder.weights, state.model, group)
    if not group.is_main:
        return
    sync(folder.metrics)
    per_token = flops_by_convention(spec.architecture, spec.seq_len)
    folder.write_result(
        RunResult(
            run_id=folder.run_id,
            status="done" if done else "failed",
            reason=reason,
            message=message,
            steps=state.step,
            tokens_seen=state.tokens,
            params=counted_params(spec.architecture),
            flops={convention: value * state.tokens for convention, value in per_token.items()},
            train_loss_nats=sum(state.tail_losses) / len(state.tail_losses) if done else None,
            val_loss_nats=scores.loss_nats if scores else None,
            val_loss_se=scores.loss_se if scores else None,
            bits_per_byte=scores.bits_per_byte if scores else None,
            domains=scores.domains if scores else {},
            metric_version=METRIC_VERSION if scores else None,
            spent_tokens=state.spent_tokens,
            spent_flops={convention: value * state.spent_tokens for convention, value in per_token.items()},
            wall_seconds=state.wall_seconds - state.begun_seconds,
            device=group.device_description,
            threads=torch.get_num_threads(),
            code_version=state.code_version,
            torch_version=torch.__version__,
            finished=time.time(),
            attempts=len(folder.attempts()),
            products=group.products,
            micro_batch_sequences=state.group.micro_batch(spec.sequences),
            shortages=len(out_of_memory_events(folder.path)),
            flops_per_second=speed,
            mfu=None if speed is None else group.mfu(speed),
            notices=branch_notices(state),
        )
    )


def score(state: TrainState) -> Evaluation:
    """The loss on the validation text, in float32 whatever precision the products had in training: one measure for all.

    The exception are several processes that gather weights in bfloat16 (FSDP): they have no others to evaluate with.
    """
    spec, group = state.spec, state.group
    set_float32_products("float32")
    with ExitStack() as within:
        if group.size > 1:
            within.enter_context(forward_in(group.products, group.device))
        within.enter_context(layers_as_written(group.compiled))
        return evaluate(state.model, state.corpus, spec.seq_len, spec.eval_tokens, group)


def corpus_of(folder: Path) -> Path:
    """The default folder of a run's corpus: the sibling of runs/ in the study."""
    return folder.resolve().parent.parent / "corpus"
