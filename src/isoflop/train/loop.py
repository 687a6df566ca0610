"""One run, from spec.json to result.json: train, checkpoint, evaluate, and write every fact when it is known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import torch

from isoflop import __version__
from isoflop.arch import flops_by_convention, flops_per_token
from isoflop.corpus import Corpus, TokenBatches
from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder
from isoflop.runs.result import Reason, RunResult, counted_params
from isoflop.spec import RunSpec
from isoflop.train import checkpoint
from isoflop.train.evaluate import METRIC_VERSION, evaluate
from isoflop.train.group import ALONE, Group, agreed
from isoflop.train.model import LanguageModel, build
from isoflop.train.optim import build_optimizer, set_lr
from isoflop.train.pieces import check_split

CHECKPOINT_SECONDS = 15.0
"""Training time between checkpoints: what a kill can cost at the most, for under 1 % of the time."""
LOGGED_POINTS = 250
"""Lines of metrics.jsonl a run: enough to draw and smooth a curve, few enough to read hundreds of runs."""
TAIL_FRACTION = 0.05
"""The training loss of a result is the mean over this last share of the steps."""
DIVERGED_NATS = 1.0
"""A logged loss this far above that of a uniform guess, ln(vocabulary), after warm-up, is a diverged run."""


class Stopped(Exception):
    """The run was asked to stop; a checkpoint was written."""


@dataclass
class Training:
    """A run in progress."""

    folder: RunFolder
    spec: RunSpec
    corpus: Corpus
    model: LanguageModel
    optimizer: torch.optim.AdamW
    group: Group = ALONE
    step: int = 0
    earlier_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    recent: list[float] = field(default_factory=list)
    tail: list[float] = field(default_factory=list)
    code_version: str = __version__
    """Of what took the steps."""

    @property
    def wall_seconds(self) -> float:
        """Training time over all attempts."""
        return self.earlier_seconds + time.monotonic() - self.started

    @property
    def tokens(self) -> int:
        """Training tokens so far."""
        return self.step * self.spec.batch_tokens

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        progress = checkpoint.Progress(
            step=self.step,
            wall_seconds=self.wall_seconds,
            recent_losses=tuple(self.recent),
            tail_losses=tuple(self.tail),
        )
        checkpoint.save(self.folder.checkpoints, self.model, self.optimizer, progress, self.group)


@dataclass(frozen=True, kw_only=True)
class Library:
    """Who builds the model of a run and takes its steps; all around them is the same."""

    begin: Callable[[RunFolder, RunSpec, Corpus, Group], Training]
    """The run at its newest whole checkpoint, or at step 0."""
    advance: Callable[[Training, Callable[[], bool]], tuple[Reason, str]]
    """Takes the remaining steps: ("", ""), or why the run failed. Raises Stopped, after a checkpoint, when asked to."""


def run(
    folder: RunFolder,
    corpus: Corpus,
    should_stop: Callable[[], bool],
    group: Group = ALONE,
    library: Library | None = None,
) -> None:
    """Train or resume `folder` until it has a result, with our own steps or a library's. One that has it is left alone.

    Of many processes all call this, and the first holds the lock and writes the facts. Raises LockedError when
    another trainer works in it, Stopped when `should_stop` said so to any of them, RefusedElsewhere in processes of a
    group of which another says why it could not go on.
    """
    with ExitStack() as held:
        spec = agreed(lambda: claim(folder, corpus, group, held))
        if any(group.sums(group.first and folder.read_result() is not None)):
            return
        library = library or Library(begin=begin, advance=advance)
        training = library.begin(folder, spec, corpus, group)
        if group.first:
            folder.record_attempt(training.step)
        try:
            reason, message = library.advance(training, should_stop)
        except torch.OutOfMemoryError as error:
            if group.size > 1:  # the others wait for this process in vain: only its end ends them
                raise
            reason, message = "out_of_memory", f"out of memory at step {training.step}: {error}"
        finish(training, reason, message)
        if group.first:
            checkpoint.clear(folder.checkpoints)


def claim(folder: RunFolder, corpus: Corpus, group: Group, held: ExitStack) -> RunSpec:
    """The spec, once this process may train it; the first of a group holds the folder's lock as long as `held`."""
    if group.first:
        held.enter_context(folder.lock())
    spec = folder.read_spec()
    if spec.corpus != corpus.digest:
        raise InputError(
            f"{folder.spec}: made for corpus {spec.corpus[:12]}, but {corpus.directory} holds "
            f"{corpus.digest[:12]}; build the corpus of this run again or design the study anew"
        )
    check_split(spec.architecture, group.layout)
    return spec


def begin(folder: RunFolder, spec: RunSpec, corpus: Corpus, group: Group) -> Training:
    """The run at its newest whole checkpoint, or at step 0."""
    if group.size == 1:
        model = build(spec.architecture, device=group.device, seed=spec.seed)
    else:
        from isoflop.train.parallel import build_parallel  # DTensors take a second to load

        model = build_parallel(spec.architecture, spec.seed, group)
    model.recompute = group.launch.recompute == "full"
    training = Training(folder, spec, corpus, model, build_optimizer(model, spec.optimizer), group)
    resume(training)
    return training


def resume(training: Training) -> None:
    """Bring a run at step 0 to its newest whole checkpoint, if there is one."""
    folder, group = training.folder, training.group
    progress = checkpoint.restore(folder.checkpoints, training.model, training.optimizer, group)
    if progress is not None:
        training.step = progress.step
        training.earlier_seconds = progress.wall_seconds
        training.recent, training.tail = list(progress.recent_losses), list(progress.tail_losses)
    if group.first:
        folder.truncate_metrics(training.step)
    training.started = time.monotonic()


def advance(training: Training, should_stop: Callable[[], bool]) -> tuple[Reason, str]:
    """Take the remaining steps. Returns ("", "") at the end of the tokens, or why the run failed."""
    spec, group = training.spec, training.group
    batches = TokenBatches(training.corpus.train, spec.seq_len, spec.seed)
    last_saved = time.monotonic()
    while training.step < spec.steps:
        # one mind: a process that stopped or saved alone would leave the others waiting for it
        due = group.first and time.monotonic() - last_saved > CHECKPOINT_SECONDS
        stopped, saved = group.sums(should_stop(), due)
        if stopped or saved:
            training.save()
            last_saved = time.monotonic()
        if stopped:
            raise Stopped
        reason, message = record(training, *optimise(training, batches))
        if reason:
            return reason, message
    return "", ""


def record(training: Training, loss: float, norm: float) -> tuple[Reason, str]:
    """Count a step of this loss in nats and this gradient norm; returns ("", ""), or why the run failed with it."""
    spec = training.spec
    training.step += 1
    training.recent.append(loss)
    if training.step > spec.steps - max(1, round(spec.steps * TAIL_FRACTION)):
        training.tail.append(loss)
    log_every = max(1, spec.steps // LOGGED_POINTS)
    if training.step % log_every == 0 or training.step == spec.steps or not math.isfinite(loss):
        mean = log(training, norm)
        if not math.isfinite(loss) or not math.isfinite(norm):
            return "diverged", f"loss {loss:g}, gradient norm {norm:g} at step {training.step} of {spec.steps}"
        limit = math.log(spec.architecture.vocab_size) + DIVERGED_NATS
        if training.tokens > spec.warmup_tokens and mean > limit:
            return "diverged", f"loss {mean:.2f} nats above {limit:.2f} at step {training.step} of {spec.steps}"
    return "", ""


def optimise(training: Training, batches: TokenBatches) -> tuple[float, float]:
    """One optimiser step on the next batch; returns its loss in nats and its gradient norm, unclipped.

    The gradient is that of the mean over the whole batch, whoever takes which sequences of it and how many at a time.
    """
    spec, model, optimizer, group = training.spec, training.model, training.optimizer, training.group
    # The rate at the middle of the step's tokens: the first step is not lost to a rate of 0.
    token = training.tokens + spec.batch_tokens / 2
    factor = spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)
    set_lr(optimizer, spec.peak_lr * factor)
    sequences = spec.batch_tokens // spec.seq_len
    total = 0.0
    for first, last in group.micro_batches(sequences):
        # a process without a share takes part all the same, with a weight of 0: the others gather its shards
        count = max(1, last - first)
        rows = torch.from_numpy(batches.sequences(training.step * sequences + first, count)).to(group.device)
        minimised, loss = model.objective(rows, spec.z_loss)
        share = (last - first) / sequences
        minimised.backward(torch.full_like(minimised, share))  # type: ignore[no-untyped-call]
        total += share * loss.item()
    if group.size == 1:
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), spec.optimizer.clip_norm).item()
    else:
        from isoflop.train.parallel import clip

        (everywhere,) = group.sums(total)
        total = everywhere / group.layout.tensor  # each of a tensor group has counted the same sequences
        norm = clip(model, spec.optimizer.clip_norm, group)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total, norm


def log(training: Training, norm: float) -> float:
    """Append the mean loss since the last line to metrics.jsonl; returns it, in nats."""
    spec = training.spec
    mean = sum(training.recent) / len(training.recent)
    training.recent.clear()
    line = {
        "step": training.step,
        "tokens": training.tokens,
        "flops": training.tokens * flops_per_token(spec.architecture, spec.seq_len),
        "train_loss_nats": mean,
        "lr": training.optimizer.param_groups[0]["lr"] / training.optimizer.param_groups[0]["lr_multiplier"],
        "grad_norm": norm,
        "wall_seconds": training.wall_seconds,
    }
    if training.group.first:
        training.folder.append_metrics([line])
        training.folder.beat(step=training.step, tokens=training.tokens, train_loss_nats=mean)
    return mean


def finish(training: Training, reason: Reason, message: str) -> None:
    """Evaluate, export the weights and write result.json, in this order: a result means that all is there."""
    spec, folder, group = training.spec, training.folder, training.group
    done = not reason
    scores = evaluate(training.model, training.corpus, spec.seq_len, spec.eval_tokens, group) if done else None
    if done:
        checkpoint.export_weights(folder.weights, training.model, group)
    if not group.first:
        return
    per_token = flops_by_convention(spec.architecture, spec.seq_len)
    folder.write_result(
        RunResult(
            run_id=folder.run_id,
            status="done" if done else "failed",
            reason=reason,
            message=message,
            steps=training.step,
            tokens_seen=training.tokens,
            params=counted_params(spec.architecture),
            flops={convention: value * training.tokens for convention, value in per_token.items()},
            train_loss_nats=sum(training.tail) / len(training.tail) if done else None,
            val_loss_nats=scores.loss_nats if scores else None,
            val_loss_se=scores.loss_se if scores else None,
            bits_per_byte=scores.bits_per_byte if scores else None,
            domains=scores.domains if scores else {},
            metric_version=METRIC_VERSION if scores else None,
            wall_seconds=training.wall_seconds,
            device=group.described,
            threads=torch.get_num_threads(),
            code_version=training.code_version,
            torch_version=torch.__version__,
            finished=time.time(),
            attempts=len(folder.attempts()),
        )
    )


def corpus_of(folder: Path) -> Path:
    """Where the corpus of a run lies unless said otherwise: beside runs/ in the study."""
    return folder.resolve().parent.parent / "corpus"
