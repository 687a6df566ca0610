"""One run, from spec.json to result.json: train, checkpoint, evaluate, and write every fact when it is known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
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
from isoflop.train.model import LanguageModel, build
from isoflop.train.optim import build_optimizer, set_lr

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
    step: int = 0
    earlier_seconds: float = 0.0
    started: float = field(default_factory=time.monotonic)
    recent: list[float] = field(default_factory=list)
    tail: list[float] = field(default_factory=list)

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
        checkpoint.save(self.folder.checkpoints, self.model, self.optimizer, progress)


def run(folder: RunFolder, corpus: Corpus, should_stop: Callable[[], bool], device: str = "cpu") -> None:
    """Train or resume `folder` until it has a result. A folder that has one is left alone.

    Raises LockedError when another process works in it, Stopped when `should_stop` said so.
    """
    with folder.lock():
        if folder.read_result() is not None:
            return
        spec = folder.read_spec()
        if spec.corpus != corpus.digest:
            raise InputError(
                f"{folder.spec}: made for corpus {spec.corpus[:12]}, but {corpus.directory} holds "
                f"{corpus.digest[:12]}; build the corpus of this run again or design the study anew"
            )
        training = begin(folder, spec, corpus, device)
        folder.record_attempt(training.step)
        try:
            reason, message = advance(training, should_stop)
        except torch.OutOfMemoryError as error:
            reason, message = "out_of_memory", f"out of memory at step {training.step}: {error}"
        finish(training, reason, message, device)
        checkpoint.clear(folder.checkpoints)


def begin(folder: RunFolder, spec: RunSpec, corpus: Corpus, device: str) -> Training:
    """The run at its newest whole checkpoint, or at step 0."""
    model = build(spec.architecture, device=device, seed=spec.seed)
    training = Training(folder, spec, corpus, model, build_optimizer(model, spec.optimizer))
    progress = checkpoint.restore(folder.checkpoints, model, training.optimizer)
    if progress is not None:
        training.step = progress.step
        training.earlier_seconds = progress.wall_seconds
        training.recent, training.tail = list(progress.recent_losses), list(progress.tail_losses)
    folder.truncate_metrics(training.step)
    training.started = time.monotonic()
    return training


def advance(training: Training, should_stop: Callable[[], bool]) -> tuple[Reason, str]:
    """Take the remaining steps. Returns ("", "") at the end of the tokens, or why the run failed."""
    spec = training.spec
    batches = TokenBatches(training.corpus.train, spec.seq_len, spec.seed)
    sequences = spec.batch_tokens // spec.seq_len
    device = next(training.model.parameters()).device
    log_every = max(1, spec.steps // LOGGED_POINTS)
    tail_start = spec.steps - max(1, round(spec.steps * TAIL_FRACTION))
    last_saved = time.monotonic()
    while training.step < spec.steps:
        if should_stop():
            training.save()
            raise Stopped
        rows = torch.from_numpy(batches.sequences(training.step * sequences, sequences)).to(device)
        loss, norm = optimise(training, rows)
        training.step += 1
        training.recent.append(loss)
        if training.step > tail_start:
            training.tail.append(loss)
        if training.step % log_every == 0 or training.step == spec.steps or not math.isfinite(loss):
            mean = log(training, norm)
            if not math.isfinite(loss) or not math.isfinite(norm):
                return "diverged", f"loss {loss:g}, gradient norm {norm:g} at step {training.step} of {spec.steps}"
            limit = math.log(spec.architecture.vocab_size) + DIVERGED_NATS
            if training.tokens > spec.warmup_tokens and mean > limit:
                return "diverged", f"loss {mean:.2f} nats above {limit:.2f} at step {training.step} of {spec.steps}"
        if time.monotonic() - last_saved > CHECKPOINT_SECONDS:
            training.save()
            last_saved = time.monotonic()
    return "", ""


def optimise(training: Training, rows: torch.Tensor) -> tuple[float, float]:
    """One optimiser step on (sequences, seq_len + 1) token ids; returns loss in nats and gradient norm, unclipped."""
    spec, model, optimizer = training.spec, training.model, training.optimizer
    # The rate at the middle of the step's tokens: the first step is not lost to a rate of 0.
    token = training.tokens + spec.batch_tokens / 2
    factor = spec.schedule.factor(token, tokens=spec.tokens, warmup_tokens=spec.warmup_tokens)
    set_lr(optimizer, spec.peak_lr * factor)
    minimised, loss = model.objective(rows, spec.z_loss)
    minimised.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), spec.optimizer.clip_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item(), norm.item()


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
    training.folder.append_metrics([line])
    training.folder.beat(step=training.step, tokens=training.tokens, train_loss_nats=mean)
    return mean


def finish(training: Training, reason: Reason, message: str, device: str) -> None:
    """Evaluate, export the weights and write result.json, in this order: a result means that all is there."""
    spec, folder = training.spec, training.folder
    done = not reason
    scores = evaluate(training.model, training.corpus, spec.seq_len, spec.eval_tokens) if done else None
    if done:
        checkpoint.export_weights(folder.weights, training.model)
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
            device=device,
            threads=torch.get_num_threads(),
            code_version=__version__,
            torch_version=torch.__version__,
            finished=time.time(),
            attempts=len(folder.attempts()),
        )
    )


def corpus_of(folder: Path) -> Path:
    """Where the corpus of a run lies unless said otherwise: beside runs/ in the study."""
    return folder.resolve().parent.parent / "corpus"
