"""The one column that is the loss, among those whose names could mean it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.observations.columns import Candidate
from isoflop.observations.file_formats import RawTable
from isoflop.observations.loss_names import is_smoothed
from isoflop.observations.name_parts import words_of
from isoflop.observations.parsing import Array, read_numbers

_CLOSE = 1e-3  # of a loss: the same number, rounded and in another unit
_MOST_NAMED, _MOST_LISTED = 8, 30


def one_loss(table: RawTable, found: Sequence[Candidate], *, required: bool) -> tuple[list[Candidate], list[Notice]]:
    """(the one column that can be the loss among those of the best kind of name, or none; what else could be meant).

    Raises InputError, where a loss is `required`, for several columns of that kind that differ, and for a loss beside
    its own means over steps: which of them is meant nobody but their author knows.
    """
    found = [item for item in found if not (item.one_letter and _whole(table, item))]
    if not found:
        return [], []
    plain = [item for item in found if not is_smoothed(item.column)] or found
    kind = plain[0].rank // 1000
    alike = [item for item in plain if item.rank // 1000 == kind]
    validation = [item for item in alike if not _of_training(item)]
    if len(validation) == 1 and len(alike) > 1 and len(plain) == len(found):
        # a law is of the loss on text that was not trained on; the other kind is named below
        alike = validation
    alike += [item for item in found if item not in plain]
    first = _values(table, alike[0])
    differing = [item for item in alike[1:] if not np.array_equal(_values(table, item), first, equal_nan=True)]
    if differing and required:
        raise _choose(alike)
    lesser = [item for item in found if item not in alike and not _same(_nats(table, item), _nats(table, alike[0]))]
    if lesser and not differing and required:
        others = ", ".join(repr(item.column) for item in lesser[:_MOST_NAMED])
        more = f" and {len(lesser) - _MOST_NAMED} more" if len(lesser) > _MOST_NAMED else ""
        text = f"the loss is read from {alike[0].column!r}, and {others}{more} could be meant too: --column decides"
        return alike[:1], [Notice(code="several_columns", message=text)]
    return (alike[:1] if not differing else []), []


def _of_training(item: Candidate) -> bool:
    """Whether a column's name says that it is the loss on the text that was trained on."""
    words = {word for piece in item.column.split("/") for word in words_of(piece)}
    return bool(words & {"train", "training", "trn"}) and not words & {"val", "valid", "validation", "eval", "test"}


def _choose(alike: Sequence[Candidate]) -> InputError:
    names = "".join(f"\n  --column 'loss={item.column}'" for item in alike[:_MOST_LISTED])
    names += f"\n  and {len(alike) - _MOST_LISTED} more" if len(alike) > _MOST_LISTED else ""
    return InputError(f"{len(alike)} columns could be the loss; choose one:{names}")


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


def _whole(table: RawTable, item: Candidate) -> bool:
    """Whether a column called L alone counts something: layers, for one."""
    values = _values(table, item)
    filled = values[np.isfinite(values)]
    return bool(len(filled) and np.all(filled == np.floor(filled)))
