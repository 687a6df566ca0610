"""What the pages are made of: a study's runs, plan, forecast and outcomes, and what its figures share with a fit's.

A part that a study has not reached is None, or empty. `study/record.py` fills a StudyRecord from a study's folder.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from isoflop import __version__
from isoflop.corpus.info import CorpusInfo
from isoflop.errors import Notice
from isoflop.fit import FitReport
from isoflop.plan import Score, SealedForecast, SealOrder
from isoflop.report.adaptive_record import AdaptiveRecord
from isoflop.report.formatting import in_words
from isoflop.report.plan_record import PlanRecord
from isoflop.sweep import Purpose
from isoflop.watch.logbook import Logbook

Interval = tuple[float, float]
RunStatus = Literal["done", "failed", "running", "waiting"]


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What N, C and losses count, in words."""

    params: str
    flops: str
    loss_unit: str

    @classmethod
    def of(cls, params: str, flops: str, loss_unit: str) -> Conventions:
        """From the codes of a record, such as `non_embedding`, `matmul` and `nats_per_token`."""
        return cls(params=in_words(params), flops=in_words(flops), loss_unit=in_words(loss_unit))


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One designed run of a study, from its spec, its result and, while it trains, its heartbeat."""

    run_id: str
    purposes: tuple[Purpose, ...]
    """Why it is in the design."""
    group: str
    """The cell of the learning-rate check, or the budget, that it belongs to."""
    status: RunStatus
    reason: str = ""
    """Code of a failure; empty otherwise."""
    message: str = ""
    """The failure in a sentence; empty otherwise."""
    params: int
    """N in the study's convention."""
    params_by_convention: Mapping[str, int]
    """{total, non_embedding, matmul}"""
    d_model: int
    n_layers: int
    budget_flops: float | None
    """Training FLOPs that the design asks for."""
    tokens_requested: int
    """Training tokens that the spec asks for."""
    tokens_seen: int | None = None
    """Training tokens read: by the end, or up to the last heartbeat; None before the first."""
    flops: float | None = None
    """Training FLOPs of all its steps, in the study's convention; None before the end."""
    spent_flops: float | None = None
    """Those of the steps that it took itself; None before the end."""
    begins_run: str = ""
    """The run that took its first steps; empty where it took all itself."""
    begins_step: int = 0
    """How many those are."""
    peak_lr: float
    batch_tokens: int
    seed: int
    loss: float | None = None
    """Validation loss at the end, in nats per token."""
    loss_se: float | None = None
    """Its standard error over validation sequences."""
    bits_per_byte: float | None = None
    domains: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    """{domain: {loss_nats, loss_se, bits_per_byte, tokens, bytes}}"""
    wall_seconds: float | None = None
    """Over all attempts, of the steps that it took itself."""
    mfu: float | None = None
    """Model FLOPs utilization, of the result or the last heartbeat; None where the device's peak is unknown."""
    out_of_memory: int = 0
    """Times that memory ran out in a step."""
    attempts: int = 0
    """Starts so far."""
    made_by: str = ""
    """Versions, device and precision of the trainer; empty before the end."""
    epochs: float | None = None
    """Requested tokens over those of the corpus."""


@dataclass(frozen=True, kw_only=True)
class RunCurve:
    """Loss of one run against the compute spent so far."""

    flops: tuple[float, ...]
    loss: tuple[float, ...]
    """Training loss in nats per token; of a fit's rows their loss."""


@dataclass(frozen=True, kw_only=True)
class MeasuredSpeed:
    """How fast the trainer ran one shape on the study's machine."""

    params: int
    flops_per_second: float
    step_seconds: float


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What was measured before anything was planned."""

    cores: int
    matmul_flops_per_core: float
    """FLOPs per second of a matrix product on one core."""
    trainer: tuple[MeasuredSpeed, ...]


@dataclass(frozen=True, kw_only=True)
class ForecastRecord:
    """The sealed forecast of the planned run, and what came."""

    sealed: SealedForecast
    score: Score | None
    """None while the run is not finished."""
    order: SealOrder


@dataclass(frozen=True, kw_only=True)
class WatchRecord:
    """The planned run while it trained, and what was said of it at each look."""

    logbook: Logbook
    total_tokens: int
    """Training tokens of the whole schedule."""
    tokens: tuple[float, ...] = ()
    """Training tokens at each of `loss`; empty where only the looks were asked for."""
    loss: tuple[float, ...] = ()
    """Training loss as logged, in nats per token."""


@dataclass(frozen=True, kw_only=True)
class HeldOutRun:
    """A run of the held-out budget; the fields are keys of the backtest's file."""

    params: float
    tokens: float
    predicted: float
    actual: float
    interval: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class BacktestRecord:
    """The losses of the top budget, predicted without it; the fields are keys of the backtest's file."""

    held_out_budget_flops: float
    loss_predicted: float
    """The least loss of that budget."""
    loss_actual: float
    interval: Interval | None
    rows: tuple[HeldOutRun, ...]


@dataclass(frozen=True, kw_only=True)
class LearningRateCheck:
    """Final losses at several peak learning rates, one size and budget."""

    params: int
    budget_flops: float | None
    rates: tuple[float, ...]
    """Ascending."""
    losses: tuple[float | None, ...]
    """None of a run that failed."""
    chosen: float
    """The rate that the recipe gives this size."""
    interior: bool
    """Whether the best rate lies inside those tried."""


@dataclass(frozen=True, kw_only=True)
class ComparedModel:
    """One of the two final models, and what serving it costs."""

    run: RunRecord
    tokens_per_second: float | None
    """Generated with a key-value cache, all sequences together; None before that is measured."""
    memory_bytes: int | None
    """To serve it."""
    served_sequences: int | None
    """Sequences generated side by side."""

    @property
    def bits_per_byte_of(self) -> dict[str, float]:
        """{domain: bits per byte}"""
        return {name: bits for name, facts in self.run.domains.items() if (bits := facts["bits_per_byte"]) is not None}

    @property
    def tokens_per_param(self) -> float | None:
        """D / N of what was trained."""
        return self.run.tokens_seen / self.run.params if self.run.tokens_seen else None


@dataclass(frozen=True, kw_only=True)
class PlannedVsLarger:
    """The planned model and a larger one, trained with the same compute."""

    planned: ComparedModel
    larger: ComparedModel

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains that both were scored on."""
        return tuple(name for name in self.planned.bits_per_byte_of if name in self.larger.bits_per_byte_of)

    @property
    def advantage(self) -> float | None:
        """Bits per byte of the larger minus those of the planned model: positive where the plan wins."""
        ours, theirs = self.planned.run.bits_per_byte, self.larger.run.bits_per_byte
        return None if ours is None or theirs is None else theirs - ours

    @property
    def loss_advantage(self) -> float | None:
        """Loss of the larger minus that of the planned model, nats per token: positive where the plan wins."""
        ours, theirs = self.planned.run.loss, self.larger.run.loss
        return None if ours is None or theirs is None else theirs - ours

    @property
    def loss_advantage_se(self) -> float | None:
        """Standard error of `loss_advantage` from those of both losses over the validation sequences.

        Both models are scored on the same sequences, which is left out: the true standard error is smaller. The
        scatter between training seeds is not in it.
        """
        ours, theirs = self.planned.run.loss_se, self.larger.run.loss_se
        return None if ours is None or theirs is None else math.hypot(ours, theirs)


def versions() -> dict[str, str]:
    """Of what writes a page."""
    return {"isoflop": __version__, "python": platform.python_version(), "numpy": np.__version__}


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyRecord:
    """A study as far as it has come."""

    title: str
    created: float = field(default_factory=time.time)
    """Unix time of looking."""
    versions: Mapping[str, str] = field(default_factory=versions)
    conventions: Conventions
    machine: Machine | None = None
    corpus: CorpusInfo | None = None
    recipe: Mapping[str, str] = field(default_factory=dict)
    """How all runs are trained, {what: in words}; empty before the design."""
    runs: tuple[RunRecord, ...] = ()
    curves: Mapping[str, RunCurve] = field(default_factory=dict)
    """{run: its training curve} of finished runs."""
    fit: FitReport | None = None
    backtest: BacktestRecord | None = None
    learning_rate_checks: tuple[LearningRateCheck, ...] = ()
    """Those whose runs have all ended, small models first."""
    sweep: AdaptiveRecord | None = None
    """None where the sweep was designed at once."""
    plan: PlanRecord | None = None
    forecast: ForecastRecord | None = None
    watch: WatchRecord | None = None
    """None before the first look at the planned run."""
    comparison: PlannedVsLarger | None = None
    """None until both final models are trained."""
    notices: tuple[Notice, ...] = ()
    """What no other part says of itself."""

    def count(self) -> dict[RunStatus, int]:
        """{status: how many runs}, all four."""
        statuses: tuple[RunStatus, ...] = ("done", "failed", "running", "waiting")
        return {status: sum(run.status == status for run in self.runs) for status in statuses}
