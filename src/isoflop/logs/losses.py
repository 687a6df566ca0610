"""The losses of a run, in one unit: of training and of each evaluation set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import Notice
from isoflop.logs.loss_sets import UNSTATED, LoggedLoss
from isoflop.logs.options import LogOptions
from isoflop.logs.points import Order, Points, series_of
from isoflop.logs.roles import Roles
from isoflop.logs.run import Series
from isoflop.observations.options import DEFAULT_LOSS, NATS_PER_TOKEN

_LISTED = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Losses:
    """The losses of one run."""

    training: Series | None
    evaluations: Mapping[str, Series]
    """{evaluation set: its loss}."""
    unit: str
    """Of all of them."""
    notices: tuple[Notice, ...]


def read_losses(numbers: Mapping[str, Points], roles: Roles, steps: Array, order: Order, options: LogOptions) -> Losses:
    """The losses among `numbers`, whose lines have `steps`.

    A loss of unstated text is of training where an evaluation is logged too, and else under UNSTATED. Where a curve of
    the training loss is logged already, it is a second one of these, and is left out. Losses in another unit than the
    others are left out, and named.
    """
    unit = _unit_of(roles, options)
    training = _chosen(roles.training, unit, options)
    unstated = _chosen(roles.unstated, unit, options)
    evaluations = {name: loss for name, items in roles.evaluations.items() if (loss := _chosen(items, unit, options))}
    notices: list[Notice] = []
    if unstated is not None and training is None and evaluations:
        training = unstated
    elif unstated is not None and not evaluations and (training is None or len(steps) == 1):
        evaluations = {UNSTATED: unstated}
        text = f"{unstated.name!r} does not say on which text it was measured: it is taken for an evaluation"
        notices.append(Notice(code="unstated_loss", message=text))
    series: dict[str, Series] = {}
    copies, holes = 0, 0
    wanted = {name: loss for name, loss in (("", training), *evaluations.items()) if loss is not None}
    of_training = None if training is None else numbers[training.name]
    for name, loss in wanted.items():
        points, dropped = _without_holes(numbers[loss.name], None if name == "" else of_training)
        holes += dropped
        found, twice = series_of(points, steps, order)
        copies += twice
        if found is not None:
            series[name] = Series(steps=found.steps, values=_in_unit(found.values, loss, options))
    notices += _counted(copies, holes)
    left = sorted({loss.name for loss in roles.losses if _of_other_unit(loss, unit, options)})
    if left:
        shown = ", ".join(map(repr, left[:_LISTED])) + (f" and {len(left) - _LISTED} more" if left[_LISTED:] else "")
        text = f"losses are in {unit}; not read, as they are in another unit: {shown}"
        notices.append(Notice(code="other_unit_not_read", message=text))
    return Losses(training=series.pop("", None), evaluations=series, unit=unit, notices=tuple(notices))


def _unit_of(roles: Roles, options: LogOptions) -> str:
    """Nats per token, where any evaluation is in it or states no unit, else their most frequent unit; without an
    evaluation that of training.
    """
    if options.loss_unit is not None:
        return DEFAULT_LOSS if options.loss_unit in NATS_PER_TOKEN else options.loss_unit
    evaluated = [loss for items in roles.evaluations.values() for loss in items]
    units = [loss.unit for loss in evaluated or roles.losses]
    others = [unit for unit in units if unit not in ("", *NATS_PER_TOKEN)]
    return max(others, key=others.count) if others and len(others) == len(units) else DEFAULT_LOSS


def _written(loss: LoggedLoss, options: LogOptions) -> str:
    """The unit that the numbers of a loss are written in."""
    return loss.unit or options.loss_unit or DEFAULT_LOSS


def _of_other_unit(loss: LoggedLoss, unit: str, options: LogOptions) -> bool:
    written = _written(loss, options)
    return (DEFAULT_LOSS if written in NATS_PER_TOKEN else written) != unit


def _chosen(items: Sequence[LoggedLoss], unit: str, options: LogOptions) -> LoggedLoss | None:
    """The plainest of several names of one loss, in `unit` or what becomes it."""
    fit = [item for item in items if not _of_other_unit(item, unit, options) and item.logarithm != "log"]
    return min(fit, key=lambda item: (_written(item, options) != unit, item.rank), default=None)


def _in_unit(values: Array, loss: LoggedLoss, options: LogOptions) -> Array:
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if loss.logarithm:
            values = np.power({"log10": 10.0, "log2": 2.0, "ln": np.e}[loss.logarithm], values)
        values = values * loss.scale if loss.scale != 1.0 else values
        written = _written(loss, options)
        if written == "perplexity":
            return np.asarray(np.log(np.where(values > 0, values, np.nan)), dtype=np.float64)
        return values * np.log(2.0) if written == "bits_per_token" else values


def _without_holes(points: Points, training: Points | None) -> tuple[Points, int]:
    """(points without NaN that stands for "not measured here", how many).

    A run does not come back from a loss of NaN: one that finite values follow was not measured, and so was one at the
    end where the training loss of the same line (`training`) is finite.
    """
    nan = np.isnan(points.values)
    if not nan.any():
        return points, 0
    measured = np.flatnonzero(~nan)
    last = int(measured[-1]) if len(measured) else -1
    hole = nan & (np.arange(len(nan)) < last)
    if training is not None:
        fine = training.rows[np.isfinite(training.values)]
        hole |= nan & np.isin(points.rows, fine)
    return Points(rows=points.rows[~hole], values=points.values[~hole]), int(hole.sum())


def _counted(copies: int, holes: int) -> list[Notice]:
    notices = []
    if copies:
        text = f"{copies} losses stand at a step that has several: the one that was written last is used"
        notices.append(Notice(code="duplicate_steps", message=text))
    if holes:
        text = f"{holes} losses are NaN between finite ones: taken for not measured"
        notices.append(Notice(code="losses_not_measured", message=text))
    return notices
