"""One side of a comparison: a recipe, and the final losses of the runs that were trained with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from isoflop.compare.curves import LossCurve, curve_of
from isoflop.compare.warm_up import in_warm_up, share_of_peak
from isoflop.errors import InputError, Notice
from isoflop.logs.final import final_row
from isoflop.logs.run import LoggedRun, Series, Setting, setting_text
from isoflop.units import format_number

_SEEDS = ("seed", "data_seed", "train_seed", "random_seed")
"""Settings that name what was drawn at random, by the last part of their name."""
_VARYING = (
    *("name", "run", "run_name", "run_id", "output_dir", "logging_dir", "path", "host", "hostname", "pid"),
    *("time", "timestamp"),
)


@dataclass(frozen=True, kw_only=True)
class FinalRun:
    """One run at the end of its own schedule. What is not known is None."""

    name: str
    losses: Mapping[str, float]
    """{evaluation set: final loss}, in the side's unit."""
    params: float | None = None
    tokens: float | None = None
    """Training tokens of the whole run."""
    flops: float | None = None
    """Training FLOPs; where None, 6 N D is used."""
    steps: float | None = None
    """Optimiser steps of the whole run: takes the place of tokens where those are not known."""
    seconds: float | None = None
    """Wall-clock time of training."""
    peak_lr: float | None = None
    """The highest learning rate that was logged."""
    last_lr_share: float | None = None
    """The last learning rate that was logged, over the highest."""
    label: str | None = None
    """Seed or order of the data: runs of both sides that share it are compared as a pair."""
    finished: bool | None = None
    """Whether the schedule ended where the run did; None where the source does not tell."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    curves: Mapping[str, LossCurve] = field(default_factory=dict)
    """{evaluation set: its losses on the way}, where the source has them."""

    @property
    def compute(self) -> float | None:
        """Training FLOPs: as stated, else 6 N D, else None."""
        if self.flops is not None:
            return self.flops
        return None if self.params is None or self.tokens is None else 6 * self.params * self.tokens

    @property
    def length(self) -> float | None:
        """Tokens; steps where tokens are not known."""
        return self.steps if self.tokens is None else self.tokens


@dataclass(frozen=True, kw_only=True)
class Side:
    """A recipe and its runs."""

    name: str
    runs: tuple[FinalRun, ...]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """What all runs were trained with."""
    params_convention: str | None = None
    flops_convention: str | None = None
    """None: 6 N D."""
    loss_unit: str = "nats_per_token"
    tokenizer: str | None = None
    """Name or digest."""
    evaluation: Mapping[str, str] = field(default_factory=dict)
    """{evaluation set: digest or description of its bytes}."""
    notices: tuple[Notice, ...] = ()

    def __post_init__(self) -> None:
        """Raises InputError with every run that cannot be used."""
        problems = [problem for run in self.runs for problem in _problems(run)]
        if not self.runs:
            problems.append("no run has a final loss")
        if problems:
            raise InputError.gathered(self.name, problems)

    @property
    def sets(self) -> tuple[str, ...]:
        """Names of the evaluation sets of any run, in the order in which they first come."""
        return tuple(dict.fromkeys(name for run in self.runs for name in run.losses))

    @classmethod
    def from_logs(cls, name: str, runs: Iterable[LoggedRun]) -> Side:
        """The final points of `runs`: those whose schedule ended, and those of which the log does not tell.

        Runs that failed, stopped before the end of their schedule or ended in their warm-up are left out, each with a
        notice: a loss from the middle of a schedule does not rank recipes. Evaluation losses are used; of a run without
        any its training loss, as the set `training`.
        """
        finals, notices = [], []
        units, conventions = set(), set()
        runs = tuple(runs)
        for run in runs:
            if why := _unfinished(run):
                notices.append(Notice(code="unfinished_run", message=f"{run.name} ({run.source}) is left out: {why}"))
                continue
            if why := in_warm_up(run, runs):
                notices.append(Notice(code="ended_in_warm_up", message=f"{run.name} ({run.source}) is left out: {why}"))
                continue
            final = _final(run)
            usable = {each: loss for each, loss in final.losses.items() if 0 < loss < math.inf}
            if not usable:
                had = ", ".join(format_number(loss) for loss in final.losses.values()) or "none"
                text = f"{run.name} ({run.source}) is left out: expected a final loss above zero, got {had}"
                notices.append(Notice(code="no_final_loss", message=text))
                continue
            final = replace(final, losses=usable)
            finals.append(final)
            units.add(run.loss_unit)
            conventions.add(run.params_convention)
        if len(units) > 1:
            raise InputError(f"{name}: expected losses of one unit, got {', '.join(sorted(units))}")
        if not finals:
            raise InputError.gathered(name, [notice.message for notice in notices] or ["no run"])
        shared = _shared([final.settings for final in finals])
        return cls(
            name=name,
            runs=tuple(finals),
            settings=shared,
            params_convention=conventions.pop() if len(conventions) == 1 else None,
            loss_unit=units.pop(),
            tokenizer=_text(shared.get("tokenizer", shared.get("tokenizer_name"))),
            notices=tuple(notices),
        )


def in_one_length(a: Side, b: Side) -> tuple[Side, Side]:
    """Both sides with lengths in tokens where all runs tell those, else in steps where all tell those.

    Where neither is known of all, lengths are tokens, and those of the other runs are not known.
    """
    runs = (*a.runs, *b.runs)
    if all(run.tokens is not None for run in runs) or all(run.tokens is None for run in runs):
        return a, b
    by_steps = all(run.steps is not None for run in runs)
    return _measured(a, by_steps), _measured(b, by_steps)


def _measured(side: Side, by_steps: bool) -> Side:
    runs = (replace(run, tokens=None) if by_steps else replace(run, steps=None) for run in side.runs)
    return replace(side, runs=tuple(runs))


def _problems(run: FinalRun) -> list[str]:
    problems = [
        f"{run.name}: {what}: expected a finite number above zero, got {value!r}"
        for what, value in (
            ("params", run.params),
            ("tokens", run.tokens),
            ("FLOPs", run.flops),
            ("steps", run.steps),
            ("seconds", run.seconds),
        )
        if value is not None and not 0 < value < math.inf
    ]
    problems += [
        f"{run.name}: loss on {name}: expected a finite number above zero, got {loss!r}"
        for name, loss in run.losses.items()
        if not 0 < loss < math.inf
    ]
    return problems


def _unfinished(run: LoggedRun) -> str:
    """Why a run is no final point; empty where it is one."""
    if run.failure:
        return f"it failed ({run.failure})"
    if run.ended is False:
        return "its schedule did not end"
    last = _last_step(run)
    if run.ended is None and run.planned_steps is not None and last is not None and last < 0.995 * run.planned_steps:
        return f"its last point is step {last:,.0f} of {run.planned_steps:,.0f}"
    return ""


def _final(run: LoggedRun) -> FinalRun:
    row = final_row(run)
    ends = dict(row.losses)
    if not run.evaluations and run.training is not None and len(run.training.values):
        ends = {"training": run.training.values[-1]}
    return FinalRun(
        name=run.name,
        losses={name: float(value) for name, value in ends.items()},
        params=run.params,
        tokens=_end(run.tokens),
        flops=_end(run.flops),
        steps=_last_step(run),
        seconds=_end(run.seconds),
        peak_lr=row.peak_lr,
        last_lr_share=share_of_peak(run),
        label=_label(run.settings),
        finished=run.ended,
        settings=run.settings,
        curves={name: curve for name in ends if (curve := curve_of(run, name)) is not None},
    )


def _last_step(run: LoggedRun) -> float | None:
    if run.progress == "rows":
        return None
    ends = [series.steps[-1] for series in (*run.evaluations.values(), run.training) if series and len(series.steps)]
    return float(max(ends)) if ends else None


def _end(series: Series | None) -> float | None:
    return float(series.values[-1]) if series is not None and len(series.values) else None


def is_drawn(setting: str) -> bool:
    """Whether a setting names what was drawn at random, or the run itself, its place and its time: no recipe.

    >>> is_drawn("trainer.seed"), is_drawn("optimizer.lr")
    (True, False)
    """
    return setting.rsplit(".", 1)[-1].lower() in (*_SEEDS, *_VARYING)


def _label(settings: Mapping[str, Setting]) -> str | None:
    """`seed 3, data_seed 3` of the settings that name what was drawn; None where none does."""
    found = {
        key.rsplit(".", 1)[-1]: value
        for key, value in settings.items()
        if key.rsplit(".", 1)[-1].lower() in _SEEDS and value is not None
    }
    return ", ".join(f"{key} {setting_text(value)}" for key, value in sorted(found.items())) or None


def _shared(settings: list[Mapping[str, Setting]]) -> dict[str, Setting]:
    """Settings that all runs have in common, but for what names the run."""
    first, *others = settings
    return {
        key: value
        for key, value in first.items()
        if not is_drawn(key) and all(key in other and other[key] == value for other in others)
    }


def _text(value: Setting) -> str | None:
    return None if value is None else str(value)
