"""The ends of logged runs as rows of one form, the same from whichever log a run was read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.logs.run import LoggedRun, Series, Setting

_AT_END = 0.98
"""Share of the run's steps from which a set's last loss is one of its end; at 95 % of a schedule it lies above."""
_LAST_PART = 0.95
"""Share of the steps from which the training loss is averaged: one batch scatters more than runs differ."""


@dataclass(frozen=True, kw_only=True)
class FinalRow:
    """One run at its end. What its log does not tell is None."""

    run: str
    params: float | None
    params_convention: str | None
    tokens: float | None
    """Training tokens seen."""
    steps: float | None
    """Optimiser steps; None where the log counts none."""
    flops: float | None
    """Training FLOPs spent."""
    flops_convention: str | None
    peak_lr: float | None
    """The highest learning rate that was logged."""
    losses: Mapping[str, float]
    """{evaluation set: its last loss}, in `loss_unit`, of the sets that were evaluated at the end of the log."""
    last_evaluated: float | None
    """Share of the run's steps at which it was evaluated last; None where it never was."""
    training_loss: float | None
    """Mean over the last 5 % of the steps, in `loss_unit`."""
    loss_unit: str
    ended: bool | None
    """Whether the schedule came to its end; None where the log does not tell."""
    failure: str
    seconds: float | None
    """Of training, by the clock: the one number that differs between two logs of a run."""
    settings: Mapping[str, Setting]


@dataclass(frozen=True, kw_only=True)
class FinalTable:
    """The ends of runs, in the order of their logs."""

    rows: tuple[FinalRow, ...]

    @property
    def sets(self) -> tuple[str, ...]:
        """Evaluation sets of any run, in the order in which they first come."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.losses))

    def as_csv(self) -> str:
        """The table with empty cells for what is not known; numbers in the fewest digits that give them back.

        Without `seconds` and `settings`, so that a run is the same line from whichever log it was read.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        counts = ("params", "tokens", "steps", "flops", "peak_lr")
        writer.writerow(
            ["run", *counts, *(f"loss[{name}]" for name in self.sets), "training_loss", "loss_unit", "ended", "failure"]
        )
        for row in self.rows:
            numbers = [getattr(row, name) for name in counts] + [row.losses.get(name) for name in self.sets]
            cells = [_shortest(number) for number in (*numbers, row.training_loss)]
            ended = "" if row.ended is None else str(row.ended).lower()
            writer.writerow([row.run, *cells, row.loss_unit, ended, row.failure])
        return text.getvalue()


def final_table(runs: Iterable[LoggedRun]) -> FinalTable:
    """The last point of each of `runs`; a run without any loss has a row without losses."""
    return FinalTable(rows=tuple(map(final_row, runs)))


def final_row(run: LoggedRun) -> FinalRow:
    """The last point of `run`: its last evaluation where that is at its end; else its end, without losses."""
    end = _last_step(run)
    ends = {name: series for name, series in run.evaluations.items() if series.steps[-1] >= _AT_END * end}
    last = max((float(series.steps[-1]) for series in ends.values()), default=end)
    evaluated = max((float(series.steps[-1]) for series in run.evaluations.values()), default=None)
    return FinalRow(
        run=run.name,
        params=run.params,
        params_convention=run.params_convention,
        tokens=_by_then(run.tokens, last),
        steps=last if run.progress == "steps" else None,
        flops=_by_then(run.flops, last),
        flops_convention=run.flops_convention,
        peak_lr=None if run.learning_rate is None else float(np.max(run.learning_rate.values)),
        losses={name: float(series.values[-1]) for name, series in ends.items()},
        last_evaluated=None if evaluated is None else evaluated / end if end > 0 else 1.0,
        training_loss=_mean_of_end(run.training),
        loss_unit=run.loss_unit,
        ended=run.ended,
        failure=run.failure,
        seconds=_by_then(run.seconds, last),
        settings=run.settings,
    )


def _last_step(run: LoggedRun) -> float:
    """The last step at which a loss was logged; NaN without any."""
    ends = [float(series.steps[-1]) for series in (*run.evaluations.values(), run.training) if series is not None]
    return max(ends, default=float("nan"))


def _by_then(series: Series | None, step: float) -> float | None:
    """What a sum had come to by `step`: as logged, else on the line between its two neighbours.

    None where the log of it begins later or ended well before.
    """
    if series is None or not np.isfinite(step):
        return None
    exact = series.at(step)
    if exact is not None:
        return exact if np.isfinite(exact) else None
    if step < series.steps[0] or series.steps[-1] < _AT_END * step:
        return None
    found = float(np.interp(step, series.steps, series.values))
    return found if np.isfinite(found) else None


def _mean_of_end(series: Series | None) -> float | None:
    if series is None:
        return None
    return float(np.mean(series.values[series.steps >= _LAST_PART * series.steps[-1]]))


def _shortest(number: float | None) -> str:
    if number is None:
        return ""
    return str(int(number)) if float(number).is_integer() and abs(number) < 2**53 else repr(float(number))
