"""RunSpec: everything that decides the numbers of a training run, and nothing else. Its hash is the run's id."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Literal

from isoflop.arch import Architecture, flops_per_token
from isoflop.begins import Begins
from isoflop.codec import JsonObject
from isoflop.errors import InputError, quoted
from isoflop.schedule import Schedule
from isoflop.units import format_number

SCHEMA = 1
"""Version of spec.json. Raise it when a field changes its meaning."""
TRAINER = 1
"""Version of the trainer's numbers: initial weights, forward pass, data order, optimiser, evaluation. Raise it whenever
tests/golden/loss_curve.json changes for the same specs: runs of different trainers are different runs. (Another recipe
gives other specs.)"""
TAIL_FRACTION = 0.05
"""Share of the steps, the last ones, whose mean loss is the training loss of a result."""
MUON_MOMENTUM = 0.95
"""Momentum of Muon where none is named: that of Jordan et al. 2024 and the default of torch.optim.Muon."""


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """AdamW with learning rates by role, or Muon for the hidden matrices and AdamW for the rest.

    Multipliers apply to RunSpec.peak_lr.
    """

    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    """Decoupled: each step shrinks matrices by lr * weight_decay; embeddings and vectors are not decayed."""
    clip_norm: float
    """Largest norm of the whole gradient; larger ones are scaled down to it."""
    embedding_lr: float
    """Learning rate of the embedding over that of the hidden matrices."""
    output_head_lr: float
    vectors_lr: float
    hidden: Literal["adamw", "muon"] = "adamw"
    """Optimiser of the hidden matrices; embedding, head and vectors have AdamW in any case."""
    momentum: float = MUON_MOMENTUM
    """Nesterov momentum of Muon; AdamW has `beta1`."""

    def as_json(self) -> JsonObject:
        """Its fields; those of Muon only where they differ from AdamW's, so that older specs keep their ids."""
        value: JsonObject = dict(vars(self))
        if self.hidden == "adamw":
            del value["hidden"]
        if self.momentum == MUON_MOMENTUM:
            del value["momentum"]
        return value

    def problems(self) -> list[str]:
        """What is wrong with it, a line each; empty where nothing is."""
        problems = []
        if self.hidden not in ("adamw", "muon"):
            problems.append(f"optimizer.hidden: expected adamw or muon, got {quoted(self.hidden)}")
        elif self.hidden == "adamw" and self.momentum != MUON_MOMENTUM:
            problems.append("optimizer.momentum: expected with hidden = muon only; AdamW has beta1")
        for name, value in vars(self).items():
            if name == "hidden":
                continue
            below_one = name.startswith("beta") or name == "momentum"
            number = isinstance(value, (int, float)) and math.isfinite(value) and value >= 0
            if not number or (below_one and value >= 1):
                most = " below 1" if below_one else ""
                problems.append(f"optimizer.{name}: expected a number of at least 0{most}, got {value!r}")
        return problems


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    """One training run. Two runs with the same spec give the same loss, bit for bit, on one thread of one machine."""

    architecture: Architecture
    tokens: int
    """Training tokens: a whole number of batches."""
    batch_tokens: int
    """Tokens per optimiser step: a whole number of sequences."""
    seq_len: int
    """Context length in tokens."""
    peak_lr: float
    """Learning rate of the hidden matrices after warm-up."""
    schedule: Schedule
    warmup_tokens: int
    optimizer: Optimizer
    seed: int
    """Decides the initial weights and the order of the data."""
    corpus: str
    """Digest of the corpus (`digest` in corpus.json)."""
    eval_tokens: int
    """Validation tokens per domain for the final loss."""
    precision: Literal["float32"] = "float32"
    """Format of weights, gradients and moments. What products are rounded to is a fact of the result."""
    budget_flops: float | None = None
    """The compute that was requested, by which runs are grouped; what was spent is a fact of the result."""
    group: str = ""
    """Same cell, other learning rate or seed: runs of one group differ in nothing else."""
    z_loss: float = 0.0
    """Weight of log^2 Z in what is minimised, Z being the softmax's sum (Chowdhery et al. 2022, section 5); the losses
    that are reported are without it."""
    masked_fraction: float = 0.0
    """Share of each batch that is masked out of attention and loss, and counted in tokens and FLOPs all the same: a run
    whose worth is known exactly. What is left is whole sequences, those of a run without a mask."""
    begins: Begins | None = None
    """The run that takes the first steps of this one; None: it takes all steps itself. It changes no number: the run is
    the one that the other fields describe."""
    trainer: int = field(default=TRAINER)
    """Version of the trainer that the run is for."""
    schema: int = field(default=SCHEMA)

    def __post_init__(self) -> None:
        problems = []
        if self.trainer != TRAINER:
            problems.append(f"trainer: this version of isoflop is trainer {TRAINER}, the run is of {self.trainer!r}")
        if self.schema != SCHEMA:
            problems.append(
                f"schema: this version of isoflop reads {SCHEMA}, got {self.schema}; design the study again"
            )
        for name in ("tokens", "batch_tokens", "seq_len", "eval_tokens"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                problems.append(f"{name}: expected a whole number of at least 1, got {value!r}")
            elif value >= 2**63:
                problems.append(f"{name}: expected a whole number below 2^63, got {quoted(value)}")
        masked = self.masked_fraction
        if isinstance(masked, bool) or not isinstance(masked, (int, float)) or not 0 <= masked < 1:
            problems.append(f"masked_fraction: expected a share of at least 0 and below 1, got {quoted(masked)}")
        if not problems:
            problems += self._batch_problems()
            if self.tokens % self.batch_tokens:
                problems.append(f"tokens: expected a multiple of batch_tokens={self.batch_tokens}, got {self.tokens}")
            if not 0 <= self.warmup_tokens <= self.tokens:
                problems.append(f"warmup_tokens: expected 0 to tokens={self.tokens}, got {self.warmup_tokens}")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or not 0 <= self.seed < 2**63:
            problems.append(f"seed: expected a whole number from 0 to 2^63 - 1, got {self.seed!r}")
        problems += self.optimizer.problems()
        if self.precision != "float32":
            problems.append(f"precision: the trainer computes in float32, got {self.precision!r}")
        if not (math.isfinite(self.peak_lr) and self.peak_lr > 0):
            problems.append(f"peak_lr: expected a positive number, got {self.peak_lr!r}")
        if not (math.isfinite(self.z_loss) and self.z_loss >= 0):
            problems.append(f"z_loss: expected a weight of at least 0, got {self.z_loss!r}")
        budget = self.budget_flops
        if budget is not None and not (isinstance(budget, (int, float)) and math.isfinite(budget) and budget > 0):
            problems.append(f"budget_flops: expected a positive number, or none, got {budget!r}")
        longest = self.architecture.n_positions
        if not problems and longest is not None and self.seq_len > longest:
            problems.append(f"seq_len: expected at most n_positions={longest}, got {self.seq_len}")
        window = self.architecture.sliding_window
        if not problems and window is not None and self.seq_len > window:
            problems.append(
                f"sliding_window: no trainer or export here limits attention to {window} of {self.seq_len} tokens; "
                "leave it out, or take a seq_len of at most the window"
            )
        if not problems and self.begins is not None and self.begins.step > self.shared_steps:
            problems.append(
                f"begins.step: expected at most {self.shared_steps}, before the rate depends on the run's own tokens, "
                f"got {self.begins.step}"
            )
        if problems:
            raise InputError.gathered("spec", problems)

    def _batch_problems(self) -> list[str]:
        """What is wrong with a batch whose numbers are right one by one."""
        if not self.masked_fraction:
            whole = self.batch_tokens % self.seq_len == 0
            expected = f"a multiple of seq_len={self.seq_len}"
        else:
            # to a token: five sixths of a batch, say, are whole sequences of which the sixth masked is no whole number
            off = abs(self.sequences * self.seq_len - (1 - self.masked_fraction) * self.batch_tokens)
            whole = self.sequences > 0 and off < 1
            expected = f"whole sequences of {self.seq_len} without the masked {format_number(self.masked_fraction, 6)}"
        return [] if whole else [f"batch_tokens: expected {expected}, got {self.batch_tokens}"]

    @property
    def sequences(self) -> int:
        """Sequences of a step that the model learns from: of `seq_len` tokens each, without what is masked."""
        return round((1 - self.masked_fraction) * self.batch_tokens / self.seq_len)

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return self.tokens // self.batch_tokens

    @property
    def flops(self) -> float:
        """Training FLOPs of the whole run, `matmul` convention, at its own context."""
        return self.tokens * flops_per_token(self.architecture, self.seq_len)

    @property
    def shared_steps(self) -> int:
        """The first steps that a run of another number of tokens may have in common with this one.

        Their rates do not depend on its tokens, and none is among the last, whose mean is its training loss.
        """
        steady = self.schedule.steady_until(tokens=self.tokens, warmup_tokens=self.warmup_tokens)
        steps = math.floor(steady / self.batch_tokens + 0.5)  # a step has the rate at the middle of its tokens
        steps -= (steps - 0.5) * self.batch_tokens > steady  # by rounding
        return max(0, min(steps, self.steps - max(1, round(self.steps * TAIL_FRACTION))))

    @property
    def spent_tokens(self) -> int:
        """Training tokens of the steps that it takes itself."""
        return self.tokens - (self.begins.step * self.batch_tokens if self.begins else 0)

    @property
    def spent_flops(self) -> float:
        """Training FLOPs of the steps that it takes itself, `matmul` convention."""
        return self.flops * (self.spent_tokens / self.tokens)

    def share_done(self, tokens: float) -> float:
        """Of the steps that it takes itself, the share that is done where it has seen `tokens` (0 to 1)."""
        own = self.spent_tokens
        return min(1.0, max(0.0, tokens - (self.tokens - own)) / own)

    @cached_property
    def run_id(self) -> str:
        """The first 12 hex digits of the SHA-256 of the canonical JSON: the name of the run's folder."""
        canonical = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def as_json(self) -> JsonObject:
        """A JSON object that `from_json` reads back.

        A z-loss of 0, a mask of nothing and no beginning are left out: specs older than these keep their ids.
        """
        value: JsonObject = {name: getattr(self, name) for name in _FIELDS}
        value |= {"schedule": dict(vars(self.schedule)), "optimizer": self.optimizer.as_json()}
        value["architecture"] = self.architecture.as_json()
        value["begins"] = self.begins.as_json() if self.begins else None
        for name in _IF_SET:
            if not value[name]:
                del value[name]
        return value

    @classmethod
    def from_json(cls, value: object) -> RunSpec:
        """The spec that `as_json` wrote. Raises InputError that lists every problem."""
        if not isinstance(value, dict):
            raise InputError(f"spec: expected a JSON object, got {type(value).__name__}")
        if value.keys() | _IF_SET != _NAMES:
            problems = [f"{name}: missing" for name in sorted(_NAMES - set(value) - _IF_SET)]
            problems += [f"{name}: not a field of a run spec" for name in sorted(set(value) - _NAMES)]
            raise InputError.gathered("spec", problems)
        try:
            return cls(
                **{name: part for name, part in value.items() if name not in _NESTED},
                architecture=Architecture.from_json(value["architecture"]),
                schedule=Schedule(**value["schedule"]),
                optimizer=Optimizer(**value["optimizer"]),
                begins=Begins.from_json(value["begins"]) if "begins" in value else None,
            )
        except TypeError as error:
            raise InputError(f"spec: {error}") from error


_IF_SET = {"z_loss", "masked_fraction", "begins"}
_NESTED = ("architecture", "schedule", "optimizer", "begins")
_FIELDS = tuple(f.name for f in fields(RunSpec))
_NAMES = set(_FIELDS)
