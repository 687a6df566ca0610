"""From what was logged of one run, under any names, to a LoggedRun. Every format ends here, so that a run gives the
same numbers whichever tool wrote its log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import Notice
from isoflop.logs.clock import Clock, seconds_of
from isoflop.logs.losses import Losses, read_losses
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Order, Points, order_of, series_of
from isoflop.logs.roles import Roles, planned_steps, roles_of
from isoflop.logs.run import LoggedRun, Progress, Series, Setting
from isoflop.logs.schedule_end import came_to_end
from isoflop.logs.sizes import find_params
from isoflop.observations.columns import Candidate
from isoflop.units import format_number


@dataclass(frozen=True, kw_only=True, eq=False)
class LoggedLines:
    """What a log says of one run, in the order in which it was written."""

    lines: int
    """Lines, or rows, or entries."""
    numbers: Mapping[str, Points]
    """{name as logged: its values}; a line that lacks a quantity has no value, and NaN is one that was logged."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """Configuration, flattened."""
    clock: Clock | None = None
    """Times of lines and of steps, where the format has them apart from its numbers."""


def points_of(values: Sequence[float | None]) -> Points:
    """The values of one quantity by line, None where a line lacks it."""
    rows = [i for i, value in enumerate(values) if value is not None]
    return Points(rows=np.array(rows, dtype=np.int64), values=np.array([values[i] for i in rows], dtype=np.float64))


def logged_run(
    logged: LoggedLines,
    *,
    name: str,
    source: str,
    options: LogOptions | None = None,
    planned: float | None = None,
    ended: bool | None = None,
    failure: str = "",
    notices: Sequence[Notice] = (),
) -> LoggedRun:
    """The run that `logged` tells of.

    `planned` (length of the schedule in steps), `ended` and `failure` are what a format knows beyond names and numbers;
    where it does not, the settings and the learning rate may tell. Raises InputError for options that fit no run.
    """
    options = options or LogOptions()
    roles = roles_of(logged.numbers, options.columns)
    loss_rows = _rows_of_losses(logged, roles)
    progress, steps, about_steps = _progress(logged, roles, loss_rows)
    order = order_of(steps, _leading(logged, roles, loss_rows))
    losses = read_losses(logged.numbers, roles, steps, order, options)
    known = _Lines(logged, steps, order)
    tokens, about_tokens = _tokens(known, roles, options, name, progress)
    rate = known.first(roles.rates)
    seconds, about_time = seconds_of(known.first(roles.seconds), logged.clock, steps, order)
    params, convention, about_size = find_params(logged.numbers, logged.settings, roles, options, name)
    planned = planned if planned is not None else _planned(logged)
    ended, failure, about_end = came_to_end(losses, rate, _last_step(losses), planned, ended, failure)
    return LoggedRun(
        name=name,
        source=source,
        settings={**logged.settings, **_constants(logged, roles)},
        params=params,
        params_convention=convention,
        tokens=tokens,
        learning_rate=rate,
        training=losses.training,
        evaluations=losses.evaluations,
        loss_unit=losses.unit,
        progress=progress,
        planned_steps=planned,
        ended=ended,
        failure=failure,
        flops=known.rising(roles.flops),
        seconds=seconds,
        notices=(
            *notices,
            *about_steps,
            *_about_order(order),
            *losses.notices,
            *about_tokens,
            *about_size,
            *about_time,
            *about_end,
        ),
    )


@dataclass(frozen=True)
class _Lines:
    """The lines of a run whose steps and order are known."""

    logged: LoggedLines
    steps: Array
    order: Order

    def series(self, name: str, scale: float = 1.0) -> Series | None:
        """What was logged under `name`, times `scale`, by rising steps."""
        found, _ = series_of(self.logged.numbers[name], self.steps, self.order)
        return found if found is None or scale == 1.0 else Series(steps=found.steps, values=found.values * scale)

    def first(self, names: Sequence[str]) -> Series | None:
        """The first of `names` that has points."""
        return next((found for name in names if (found := self.series(name)) is not None), None)

    def rising(self, items: Sequence[Candidate]) -> Series | None:
        """The first of `items` whose numbers grow along the run as sums do."""
        for item in items:
            found = self.series(item.column, item.scale)
            if found is not None and np.all(np.diff(found.values) >= 0) and found.values[-1] > 0:
                return found
        return None


def _rows_of_losses(logged: LoggedLines, roles: Roles) -> Labels:
    rows = [logged.numbers[loss.name].rows for loss in roles.losses]
    if len(rows) == 1:
        return rows[0]
    return np.unique(np.concatenate(rows)) if rows else np.arange(logged.lines, dtype=np.int64)


def _leading(logged: LoggedLines, roles: Roles, loss_rows: Labels) -> Labels:
    """Lines of the loss that is logged most often: that of training, where there is one."""
    groups = (roles.training, roles.unstated, roles.losses)
    for group in groups:
        if group:
            return max((logged.numbers[loss.name].rows for loss in group), key=len)
    return loss_rows


def _progress(logged: LoggedLines, roles: Roles, loss_rows: Labels) -> tuple[Progress, Array, list[Notice]]:
    """(what the steps count, the step of each line, notices): a count that every line of a loss has, the surest first.

    A count of tokens serves where there are no steps, and else the number of the line.
    """
    partly: list[str] = []
    counts: tuple[tuple[Progress, tuple[Candidate, ...]], ...] = (("steps", roles.steps), ("tokens", roles.tokens))
    for progress, items in counts:
        for item in items:
            points = logged.numbers[item.column]
            steps = np.full(logged.lines, np.nan)
            steps[points.rows] = points.values * item.scale
            at = steps[loss_rows]
            if np.isfinite(at).all() and (len(at) < 2 or np.ptp(at) > 0):
                return progress, steps, _about_steps(item.column, partly)
            if np.isfinite(at).any() and (len(at) < 2 or np.ptp(at[np.isfinite(at)]) > 0):
                partly.append(item.column)
    if partly:
        # steps that some lines lack: a line belongs to the last step before it
        column = partly[0]
        points = logged.numbers[column]
        steps = np.full(logged.lines, np.nan)
        steps[points.rows] = points.values
        filled = np.maximum.accumulate(np.where(np.isfinite(steps), np.arange(logged.lines), -1))
        text = f"{column!r} is missing on some lines with losses: these have the last step that was logged before them"
        is_steps = any(item.column == column for item in roles.steps)
        return (
            "steps" if is_steps else "tokens",
            np.where(filled >= 0, steps[np.maximum(filled, 0)], np.nan),
            [Notice(code="steps_filled", message=text)],
        )
    return "rows", np.arange(logged.lines, dtype=np.float64), []


def _about_steps(column: str, partly: list[str]) -> list[Notice]:
    if not partly:
        return []
    text = (
        f"the steps are those of {column!r}; {', '.join(map(repr, partly))} is missing on lines with losses, and the "
        "two need not be the same"
    )
    return [Notice(code="steps_of_logger", message=text)]


def _about_order(order: Order) -> list[Notice]:
    if order.backwards:
        return [Notice(code="newest_first", message="the log has its newest line first: read from its end")]
    if order.restarts:
        replaced = int(order.superseded.sum())
        text = (
            f"the step goes back {order.restarts} time{'s' if order.restarts > 1 else ''}, as after a restart from a "
            f"checkpoint: {replaced} lines before are replaced by what follows"
        )
        return [Notice(code="restarted", message=text)]
    return []


def _tokens(
    known: _Lines, roles: Roles, options: LogOptions, name: str, progress: Progress
) -> tuple[Series | None, list[Notice]]:
    """(tokens seen by each step, notices): as logged, or steps times the tokens of a step where these are stated."""
    constant: float | None = None
    for item in roles.tokens:
        found = known.series(item.column, item.scale)
        if found is None or not np.isfinite(found.values).all() or found.values[-1] <= 0:
            continue
        if len(found) > 1 and np.ptp(found.values) == 0:
            constant = constant or float(found.values[0])
            continue  # the tokens of the whole run, on each of its lines
        if np.all(np.diff(found.values) >= 0):
            return found, []
    finite = known.steps[np.isfinite(known.steps)]
    if constant is not None and len(finite):
        last = float(finite.max())
        text = (
            f"the column of tokens holds {format_number(constant, 6)} on every line: these are the tokens of the whole "
            f"run, seen by its last step {format_number(last, 6)}"
        )
        series = Series(steps=np.array([last]), values=np.array([constant]))
        return series, [Notice(code="tokens_of_the_run", message=text)]
    each, where = _tokens_per_step(known, roles, options, name)
    if each is None or progress != "steps" or not len(finite):
        return None, []
    steps = np.unique(finite)
    text = f"tokens are steps times {format_number(each, 6)} tokens a step ({where})"
    return Series(steps=steps, values=steps * each), [Notice(code="tokens_from_steps", message=text)]


def _tokens_per_step(known: _Lines, roles: Roles, options: LogOptions, name: str) -> tuple[float | None, str]:
    stated = options.tokens_per_step_of(name)
    if stated is not None:
        return stated, "as stated"
    for item in roles.batch_tokens:
        found = known.series(item.column, item.scale)
        if found is not None and np.all(found.values == found.values[0]) and found.values[0] > 0:
            return float(found.values[0]), repr(item.column)
    settings = known.logged.settings
    for item in roles_of(settings).batch_tokens:
        value = settings[item.column]
        if isinstance(value, float | int) and not isinstance(value, bool) and value > 0:
            return float(value) * item.scale, f"{item.column!r} in its configuration"
    return None, ""


def _planned(logged: LoggedLines) -> float | None:
    for name in planned_steps(logged.settings):
        value = logged.settings[name]
        if isinstance(value, float | int) and not isinstance(value, bool) and 0 < value < np.inf:
            return float(value)
    return None


def _last_step(losses: Losses) -> float | None:
    series = [found for found in (losses.training, *losses.evaluations.values()) if found is not None]
    return max((float(item.steps[-1]) for item in series), default=None)


def _constants(logged: LoggedLines, roles: Roles) -> dict[str, Setting]:
    """Logged numbers that are no quantity of the run's course and never change: what was set."""
    sizes = {item.column for item in roles.params}
    taken = roles.names - sizes
    others = {name: points for name, points in logged.numbers.items() if name not in taken and len(points)}
    return {
        name: float(points.values[0]) for name, points in others.items() if np.all(points.values == points.values[0])
    }
