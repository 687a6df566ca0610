"""How far a study is while it runs: stage, runs, the best loss of each budget, seconds so far and seconds left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from isoflop.runs.result import RunResult
from isoflop.runs.run_event import RunEvent
from isoflop.spec import RunSpec
from isoflop.study.listener import Listener, RunsAhead
from isoflop.study.pace import RunsLeft
from isoflop.sweep.designs import budget_of
from isoflop.sweep.study_design import SPEED_MARGIN
from isoflop.units import percent

if TYPE_CHECKING:
    from isoflop.watch.logbook import Look

TRAINING = ("sweep", "final", "planned", "rates", "pairs")
"""Stages of which the expected seconds are those of runs, and as wrong as theirs."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The runs of a budget so far."""

    flops: float
    runs: int
    """Designed."""
    ended: int = 0
    """With a result, good or bad."""
    loss: float | None = None
    """The least validation loss in nats a token; None before the first run that ended well."""
    params: int | None = None
    tokens: int | None = None
    """Non-embedding parameters and training tokens of that run."""
    side: str = ""
    """The recipe of that run, where two are compared."""

    def with_run(self, ended: bool, loss: float | None, params: int, tokens: int) -> Best:
        """Returns the budget with one more run."""
        more = replace(self, runs=self.runs + 1)
        return more.ending(loss, params, tokens) if ended else more

    def ending(self, loss: float | None, params: int, tokens: int, side: str = "") -> Best:
        """Returns the budget after one of its runs ended; `loss` is None for a run that failed."""
        after = replace(self, ended=self.ended + 1)
        if loss is None or (self.loss is not None and loss >= self.loss):
            return after
        return replace(after, loss=loss, params=params, tokens=tokens, side=side)


@dataclass(frozen=True, kw_only=True)
class TimeLeft:
    """Seconds until the study ends."""

    seconds: float
    known: bool
    """Whether the speed of runs was observed; else it is what was expected before any was trained."""
    at_least: bool = False
    """Whether the stage takes longer than expected: `seconds` are then those of the later stages alone."""


@dataclass
class Progress(Listener):
    """What the events of a study add up to. `clock` is steady, in seconds."""

    clock: Callable[[], float] = time.monotonic
    stage_name: str = ""
    detail: str = ""
    """The part of the stage that is at work, with its share; empty where the stage has no parts."""
    expected: Mapping[str, float] = field(default_factory=dict)
    """{stage: expected seconds}; empty while nothing is expected."""
    left: RunsLeft | None = None
    """The runs of the stage; None in stages without runs."""
    specs: dict[str, RunSpec] = field(default_factory=dict)
    """{run_id: spec} of the runs that the stage trains."""
    training_loss: dict[str, float] = field(default_factory=dict)
    """{run_id: nats a token at the last logged step} of the runs at work."""
    verdicts: dict[str, Look] = field(default_factory=dict)
    """{run_id: the look that gave the verdict of now} of the runs that are watched."""
    sides: Mapping[str, str] = field(default_factory=dict)
    """{run_id: recipe} of a comparison."""
    budgets: dict[str, float] = field(default_factory=dict)
    """{run_id: its budget}"""
    best: dict[float, Best] = field(default_factory=dict)
    """{budget: its runs so far}, ascending."""
    done_before: int = 0
    """Runs of the study that had their result before this stage."""
    designed: int = 0
    factor: float = SPEED_MARGIN
    """The times as long as expected that runs take, by the last stage that trained."""
    improved: Best | None = None
    """The budget whose best loss the last event improved."""
    began: float = 0.0
    stage_began: float = 0.0

    def __post_init__(self) -> None:
        """Starts the clock."""
        self.began = self.stage_began = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.began

    @property
    def in_stage(self) -> float:
        """Seconds since the stage began."""
        return self.clock() - self.stage_began

    @property
    def done(self) -> int:
        """Runs of the study that have their result."""
        return self.done_before + (self.left.finished if self.left else 0)

    def stage(self, name: str) -> None:
        """Begins a stage."""
        if self.left is not None:
            self.factor, self.done_before = self.left.pace.factor, self.done
        self.stage_name, self.detail, self.left, self.improved = name, "", None, None
        self.stage_began = self.clock()

    def expect(self, seconds: Mapping[str, float]) -> None:
        """Takes what the stages are expected to take, in their order."""
        self.expected = dict(seconds)

    def share(self, what: str, done: float) -> None:
        """Takes the share of the stage that is done."""
        self.detail = f"{what}, {percent(done, 0)}"

    def runs(self, ahead: RunsAhead) -> None:
        """Takes the runs of the stage."""
        self.specs = {spec.run_id: spec for spec in ahead.missing}
        self.sides = ahead.sides
        self.left = RunsLeft.of(ahead.seconds, ahead.workers, ahead.begun, self.factor)
        self.done_before, self.designed = ahead.done_before, ahead.designed
        self.training_loss.clear()
        budgets: Counter[float] = Counter()
        self.budgets = {}
        for spec in (*(spec for spec, _ in ahead.ended), *ahead.missing):
            self.budgets[spec.run_id] = budget = budget_of(spec.budget_flops, spec.flops, budgets)
            budgets[budget] += 1
        # a new dict, since a display in another thread may be reading the old one
        self.best = {flops: Best(flops=flops, runs=count) for flops, count in sorted(budgets.items())}
        for spec, result in ahead.ended:
            self._end(spec, result)

    def run(self, event: RunEvent) -> None:
        """Takes an event of a run."""
        name = event.folder.run_id
        self.improved = None
        if self.left is None or name not in self.specs:
            return
        if event.kind == "started":
            self.left.start(name)
        elif event.kind == "progress" and event.heartbeat is not None:
            self.left.record(name, min(0.999, self.specs[name].share_done(event.heartbeat.tokens)), self.clock())
            if event.heartbeat.train_loss_nats is not None:
                self.training_loss[name] = event.heartbeat.train_loss_nats
        elif event.kind == "finished" and event.result is not None:
            self.left.record(name, 1.0, self.clock())
            self.training_loss.pop(name, None)
            self._end(self.specs[name], event.result)

    def watched(self, spec: RunSpec, look: Look) -> None:
        """Takes a verdict about the planned run."""
        self.verdicts[spec.run_id] = look

    def time_left(self) -> TimeLeft | None:
        """Returns the seconds until the study ends; None while nothing is expected yet."""
        if not self.expected:
            return None
        factor = self.left.pace.factor if self.left else self.factor
        stages = list(self.expected)
        ahead = stages[stages.index(self.stage_name) + 1 :] if self.stage_name in stages else []
        later = sum(self._of_stage(name, factor) for name in ahead)
        if self.left is not None:
            return TimeLeft(seconds=self.left.left(self.clock()) + later, known=self.left.known)
        now = self._of_stage(self.stage_name, factor) - self.in_stage
        trains_later = any(self.expected[name] for name in ahead if name in TRAINING)
        return TimeLeft(
            seconds=max(0.0, now) + later, known=not trains_later or factor != SPEED_MARGIN, at_least=now < 0
        )

    def _of_stage(self, name: str, factor: float) -> float:
        return self.expected.get(name, 0.0) * (factor if name in TRAINING else 1.0)

    def _end(self, spec: RunSpec, result: RunResult) -> None:
        """Counts a run that ended, and notes whether it is the best of its budget."""
        before = self.best[self.budgets[spec.run_id]]
        params = spec.architecture.params().non_embedding
        after = before.ending(result.val_loss_nats, params, spec.tokens, self.sides.get(spec.run_id, ""))
        self.best[after.flops] = after
        self.improved = after if after.loss != before.loss else None
