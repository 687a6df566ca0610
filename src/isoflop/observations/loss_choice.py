"""The one column that is the loss, among those whose names could mean it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError, Notice
from isoflop.observations.columns import Candidate
from isoflop.observations.file_formats import RawTable
from isoflop.observations.loss_names import is_smoothed
from isoflop.observations.name_parts import words_of
from isoflop.observations.parsing import read_numbers

_CLOSE = 1e-3  # relative: the same loss, rounded and in another unit
_MOST_NAMED, _MOST_LISTED = 8, 30


def one_loss(table: RawTable, items: Sequence[Candidate], *, required: bool) -> tuple[list[Candidate], list[Notice]]:
    """(the one column that can be the loss among those of the best kind of name, or none; notices of the others).

    Raises InputError, where a loss is `required`, for several columns of that kind that differ, and for a loss next to
    its own means over steps: only the author of the file knows which of them is meant.
    """
    items = [item for item in items if not (item.one_letter and _holds_whole_numbers(table, item))]
    if not items:
        return [], []
    plain = [item for item in items if not is_smoothed(item.column)] or items
    # Ranks are thousands apart between kinds of names: whole names, patterns, other units, one letter.
    kind = plain[0].rank // 1000
    equals = [item for item in plain if item.rank // 1000 == kind]
    validation = [item for item in equals if not _of_training(item)]
    if len(validation) == 1 and len(equals) > 1 and len(plain) == len(items):
        # A law is of the loss on text that was not trained on; the training losses are named in the notice below.
        equals = validation
    equals += [item for item in items if item not in plain]
    first = _values(table, equals[0])
    differing = [item for item in equals[1:] if not np.array_equal(_values(table, item), first, equal_nan=True)]
    if differing and required:
        raise _several_losses(equals)
    others = [item for item in items if item not in equals and not _same(_nats(table, item), _nats(table, equals[0]))]
    if others and not differing and required and not _of_training(equals[0]) and all(map(_of_training, others)):
        text = f"the loss is read from {equals[0].column!r}, and not from {others[0].column!r}, which is of training"
        return equals[:1], [Notice(code="training_loss_beside", message=text)]
    if others and not differing and required:
        names = ", ".join(repr(item.column) for item in others[:_MOST_NAMED])
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        text = f"the loss is read from {equals[0].column!r}, and {names}{more} could be meant too: --column decides"
        return equals[:1], [Notice(code="several_columns", message=text)]
    return (equals[:1] if not differing else []), []


def _of_training(item: Candidate) -> bool:
    """Whether a column's name says that it is the loss on the text that was trained on."""
    words = {word for piece in item.column.split("/") for word in words_of(piece)}
    return bool(words & {"train", "training", "trn"}) and not words & {"val", "valid", "validation", "eval", "test"}


def _several_losses(items: Sequence[Candidate]) -> InputError:
    names = "".join(f"\n  --column 'loss={item.column}'" for item in items[:_MOST_LISTED])
    names += f"\n  and {len(items) - _MOST_LISTED} more" if len(items) > _MOST_LISTED else ""
    return InputError(f"{len(items)} columns could be the loss; choose one:{names}")


def _values(table: RawTable, item: Candidate) -> Array:
    return read_numbers(table.columns[item.column], scale=item.scale, logarithm=item.logarithm).values


def _nats(table: RawTable, item: Candidate) -> Array:
    values = _values(table, item)
    if item.loss_unit == "perplexity":
        return np.log(np.where(values > 0, values, np.nan))
    return values * np.log(2.0) if item.loss_unit == "bits_per_token" else values


def _same(one: Array, other: Array) -> bool:
    both = np.isfinite(one) & np.isfinite(other)
    return bool(both.any() and np.allclose(one[both], other[both], rtol=_CLOSE, atol=0.0))


def _holds_whole_numbers(table: RawTable, item: Candidate) -> bool:
    """Whether a column called L alone counts something: layers, for one."""
    values = _values(table, item)
    filled = values[np.isfinite(values)]
    return bool(len(filled) and np.all(filled == np.floor(filled)))
