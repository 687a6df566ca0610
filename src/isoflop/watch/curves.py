"""From logged runs to curves that can be held against each other: one loss for all, and each one's schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.logs.final import final_row
from isoflop.logs.run import LoggedRun, Series
from isoflop.watch.curve import TRAINING, Curve
from isoflop.watch.loss_choice import ALONG, LossChoice, choose_loss
from isoflop.watch.options import WatchOptions
from isoflop.watch.schedule import logged_rates, planned_rates, tokens_at

_BEYOND = 1.01
"""Tokens seen over tokens planned from which a plan is not the run's: many logs count the last step too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """The run under way, and the finished runs that it is held against."""

    run: Curve
    like: tuple[Curve, ...]
    final_set: str
    """Evaluation set of `Curve.final`, or TRAINING."""
    notices: tuple[Notice, ...]


def read_curves(
    run: LoggedRun, like: Sequence[LoggedRun], options: WatchOptions, planned_tokens: float | None = None
) -> Curves:
    """The curves of `run` and of the finished runs among `like`, all of one loss.

    `planned_tokens` is the length of the schedule as a forecast states it, where nothing nearer does. Raises
    RefusedError `no_curve` for a run without losses along the way and `schedule_unknown` where nothing tells how long
    its schedule is; InputError where losses are in different units, or a stated set is not there.
    """
    finished, notices = _finished(run, like)
    choice = choose_loss(run, finished, options.loss)
    counts: Literal["tokens", "steps"] = "tokens"
    if run.tokens is None or any(other.tokens is None for other in finished):
        counts = "steps"
    curves = []
    for other in finished:
        series = _series(other, choice.along)
        if series is None or len(series) < ALONG:
            text = f"{other.name} has no losses of {choice.along!r} along the way: it is not used"
            notices.append(Notice(code="run_without_curve", message=text))
            continue
        curves.append(_curve(other, choice, counts, _last(other, series, counts), ended=True))
    total, about = _total(run, choice, counts, options, planned_tokens)
    watched = _curve(run, choice, counts, total, ended=run.ended is not False and not run.failure)
    return Curves(run=watched, like=tuple(curves), final_set=choice.final, notices=(*notices, *choice.notices, *about))


def _finished(run: LoggedRun, like: Sequence[LoggedRun]) -> tuple[list[LoggedRun], list[Notice]]:
    """Those of `like` that came to the end of their schedule."""
    others = [other for other in like if (other is not run and other.source != run.source) or other.name != run.name]
    finished = [other for other in others if other.ended is not False and not other.failure]
    notices = []
    left = len(others) - len(finished)
    if left:
        text = f"{left} of {len(others)} runs did not come to the end of their schedule: they are not used"
        notices.append(Notice(code="unfinished_runs_left_out", message=text))
    untold = sum(other.ended is None for other in finished)
    if untold:
        text = (
            f"of {untold} of {len(finished)} finished runs the log does not tell whether the schedule came to its end: "
            "their last losses are taken for final ones"
        )
        notices.append(Notice(code="end_not_stated", message=text))
    wrong = sorted({other.loss_unit for other in finished} - {run.loss_unit})
    if wrong:
        raise InputError(f"{run.name}: its losses are in {run.loss_unit}, those of the finished runs in {wrong[0]}")
    return finished, notices


def _series(run: LoggedRun, name: str) -> Series | None:
    return run.training if name == TRAINING else run.evaluations.get(name)


def _curve(
    run: LoggedRun, choice: LossChoice, counts: Literal["tokens", "steps"], total: float, *, ended: bool
) -> Curve:
    series = _series(run, choice.along)
    if series is None:
        raise RefusedError("no_curve", f"{run.name}: no losses of {choice.along!r} along the way")
    at = series.steps if counts == "steps" else tokens_at(run, series.steps)
    good = np.isfinite(series.values) & (series.values > 0) & np.isfinite(at) & (at > 0)
    at, loss = at[good], series.values[good]
    rising = np.flatnonzero(np.diff(np.concatenate([[-np.inf], at])) > 0)
    planned = planned_rates(run) if counts == "tokens" else None
    rates = planned or logged_rates(run, counts)
    row = final_row(run)
    reached = ended and len(at) > 0 and at[-1] >= 0.98 * total
    end = row.training_loss if choice.along == TRAINING else row.losses.get(choice.along)
    final = row.training_loss if choice.final == TRAINING else row.losses.get(choice.final)
    return Curve(
        name=run.name,
        tokens=at[rising],
        loss=loss[rising],
        schedule_tokens=rates.tokens,
        schedule_rates=rates.rates,
        total_tokens=total,
        counts=counts,
        measured=choice.along,
        params=run.params,
        final=final if reached else None,
        final_measured=choice.final if reached and final is not None else "",
        end=end if reached else None,
    )


def _last(run: LoggedRun, series: Series, counts: str) -> float:
    """Where the schedule of a finished run ended."""
    if counts == "steps":
        return float(series.steps[-1]) if run.planned_steps is None else max(run.planned_steps, float(series.steps[-1]))
    planned = planned_rates(run)
    if planned is not None:
        return float(planned.tokens[-1])
    assert run.tokens is not None
    return max(float(run.tokens.values[-1]), float(tokens_at(run, series.steps[-1:])[0]))


def _total(
    run: LoggedRun, choice: LossChoice, counts: str, options: WatchOptions, forecast_tokens: float | None
) -> tuple[float, list[Notice]]:
    """(tokens or steps of the whole schedule, notices)."""
    series = _series(run, choice.along)
    seen = 0.0
    if series is not None and len(series):
        seen = float(series.steps[-1]) if counts == "steps" else float(tokens_at(run, series.steps[-1:])[0])
    planned = planned_rates(run) if counts == "tokens" else None
    total: float | None = options.total_tokens
    if total is None and planned is not None:
        total = float(planned.tokens[-1])
    if total is None and run.planned_steps is not None:
        steps = np.array([run.planned_steps])
        total = float(steps[0]) if counts == "steps" else float(tokens_at(run, steps)[0])
    if total is None and forecast_tokens is not None and counts == "tokens":
        total = forecast_tokens
    if total is not None:
        if seen > _BEYOND * total:
            text = f"the log runs to {seen / total:.2f} times the {counts} of its plan: the longer one is used"
            return seen, [Notice(code="longer_than_planned", message=text)]
        return total, []
    if run.ended is True:
        return seen, []
    if run.ended is None and options.as_of is not None:
        text = f"the log does not tell how long the schedule is: shares are those of its {seen:,.0f} {counts}"
        return seen, [Notice(code="end_not_stated", message=text)]
    raise RefusedError(
        "schedule_unknown",
        f"{run.name}: its log does not tell how long the schedule is; state it: --total-tokens or --total-steps",
    )
