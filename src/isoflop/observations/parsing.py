"""Columns of cells, as files hold them, to arrays: numbers in any notation, words, yes and no."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.arrays import Array, Labels, Mask
from isoflop.errors import InputError
from isoflop.observations.unit_words import Unit, plain_text, read_unit, scale_words
from isoflop.units import parse_quantity, split_quantity

Words = NDArray[np.str_]
Cells = Sequence[object] | NDArray[np.generic]

# How files write an empty cell. "nan" is one among words, and a number elsewhere.
_EMPTY = frozenset({"", "none", "null", "na", "n/a", "-", "--", "?", "<na>"})
_YES = frozenset({"true", "1", "1.0", "yes", "y"})
_NO = frozenset({"false", "0", "0.0", "no", "n"})
_LOGARITHMS = ("log10", "log2", "ln")
# "2x10^21", "10**21", "1.3 billion tokens": a number, a power of ten, words; no part can match in two ways.
_WORDED = re.compile(
    r"[~≈]? ?(?:([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)(?: ?[x*] ?(?=10 ?[\^*]))?)?"
    r"(?:10 ?(?:\^|\*\*) ?\{?([+-]?\d{1,3})\}?)? ?([A-Za-z][A-Za-z /-]{0,30})?"
)
_NOUNS = ("", "flops", "tokens", "params", "steps", "sequences", "nats_per_token")
_LONGEST = 64  # characters of a cell that is a number
# Suffixes of whole columns, with what units.py says they mean.
_SUFFIXES = {suffix: split_quantity(f"1{suffix}")[1] for suffix in "KkMBbT"}
_CELLS = frozenset({int, float, str, np.str_, type(None)})
# Fields that count nothing, so that a cell has neither suffix nor unit; and what the others count, as cells may write.
_PLAIN = frozenset({"loss", "loss_se", "peak_lr", "epochs"})
_COUNTED = re.compile(r"(flop|token|param)\w*\s*$", re.IGNORECASE)
_COUNTS = {"N": "param", "D": "token", "unique_tokens": "token", "batch_tokens": "token", "C": "flop", "budget": "flop"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbers:
    """A column as numbers."""

    values: Array
    """NaN where a cell is empty, NaN or unreadable."""
    unreadable: Mask
    """True for cells that hold something other than a number."""


def read_numbers(cells: Cells, *, scale: float = 1.0, logarithm: str = "", field: str = "") -> Numbers:
    """The numbers in `cells`, text such as "2.8B" included.

    Where `logarithm` is set, a plain number is the exponent of ten, two or e. A plain number counts `scale` units of
    one; a cell with a suffix of its own is taken as it is written. Where `field` is known, a cell that counts something
    else is unreadable: "3.1 tokens" is no loss. So are true and false, which JSON and Parquet distinguish from 1 and 0.
    """
    plain, written, unreadable = _parsed(cells, field)
    if logarithm:
        base: float = {"log10": 10.0, "log2": 2.0, "ln": np.e}[logarithm]
        with np.errstate(over="ignore"):
            plain = np.power(base, plain)
    with np.errstate(over="ignore"):
        values = np.where(np.isnan(written), plain * scale if scale != 1.0 else plain, written)
    return Numbers(values=values, unreadable=unreadable)


def read_scale(stated: str | float, option: str) -> tuple[float, str]:
    """(factor, logarithm) of `--scale FIELD=stated`: a number, a word such as millions, log10, log2 or ln.

    Raises InputError, naming `option`, for anything else.
    """
    if isinstance(stated, str):
        if stated.strip().lower() in _LOGARITHMS:
            return 1.0, stated.strip().lower()
        unit = read_unit(stated)
        if unit is not None and unit.noun in _NOUNS and unit.scale != 1.0:
            return unit.scale, ""
    try:
        return parse_quantity(stated, option), ""
    except InputError as error:
        words = ", ".join([*scale_words(), *_LOGARITHMS])
        raise InputError(
            f"{option}: expected a positive factor such as 1e6, or one of {words}; got {stated!r}"
        ) from error


def read_words(cells: Cells) -> Words:
    """Each cell as text without surrounding spaces, (rows,); "" for an empty cell, whole numbers without a point."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "U":
        return np.char.strip(cells.astype(np.str_, copy=False))
    words: list[str] = []
    for cell in cells:
        if cell is None or (isinstance(cell, float | np.floating) and np.isnan(cell)):
            words.append("")
        elif isinstance(cell, float | np.floating) and float(cell).is_integer() and abs(float(cell)) < 2**53:
            words.append(str(int(cell)))
        else:
            words.append(str(cell).strip())
    return np.array(words, dtype=str) if words else np.array([], dtype="U1")


def is_empty_cell(text: str) -> bool:
    """Whether the text of a cell means that it is empty."""
    return text.strip().lower() in _EMPTY


def is_nothing(words: Words) -> Mask:
    """True for words that mean an empty cell, NaN included."""
    return np.isin(np.char.lower(words), [*_EMPTY, "nan"])


def is_yes(words: Words) -> Mask:
    """True for words that mean yes: true, 1, yes."""
    return np.isin(np.char.lower(words), list(_YES))


def is_no(words: Words) -> Mask:
    """True for words that mean no: false, 0, no."""
    return np.isin(np.char.lower(words), list(_NO))


def labels_of(values: Array) -> Labels:
    """A label for each value, the same for values that differ only by rounding (1e-9 relative); NaN is one label."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    apart = np.diff(ordered) > 1e-9 * np.abs(ordered[1:])
    apart |= np.isnan(ordered[1:]) & ~np.isnan(ordered[:-1])
    labels = np.zeros(len(values), dtype=np.int64)
    labels[order] = np.concatenate([[0], np.cumsum(apart)]) if len(values) else []
    return labels


def _parsed(cells: Cells, field: str = "") -> tuple[Array, Array, Mask]:
    """(plain numbers, numbers written with a suffix, unreadable cells), NaN where a cell is not of that kind."""
    nothing = np.full(len(cells), np.nan)
    try:
        if not _may_be_numbers(cells):
            raise TypeError
        # The fast way: NumPy converts numbers and plain numerals at once, None to NaN, and raises for anything else.
        return np.asarray(cells, dtype=np.float64).reshape(len(cells)), nothing, np.zeros(len(cells), dtype=bool)
    except (ValueError, TypeError, OverflowError):
        pass
    words = [cell if isinstance(cell, str) else "" if cell is None else str(cell) for cell in cells]
    plain, written = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    unreadable = np.zeros(len(cells), dtype=bool)
    ends: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        ends.setdefault(word[-1:], []).append(i)
    # Cells that end in the same character are converted together; where one of them fails, each on its own.
    for end, places in ends.items():
        try:
            if end in _SUFFIXES and field not in _PLAIN:
                with np.errstate(over="ignore"):  # what overflows is reported as infinite
                    written[places] = np.array([words[i][:-1] for i in places], dtype=np.float64) * _SUFFIXES[end]
            else:
                plain[places] = np.array([words[i] for i in places], dtype=np.float64)
        except ValueError:
            parsed = {word: _number(word, field) for word in {words[i] for i in places}}
            table: Array = np.array([parsed[words[i]] for i in places], dtype=np.float64)
            plain[places], written[places] = table[:, 0], table[:, 1]
            unreadable[places] = table[:, 2].astype(bool)
    return plain, written, unreadable


def _may_be_numbers(cells: Cells) -> bool:
    """Whether all cells are numbers, words or nothing; NumPy would take true for 1 and [3.1] for 3.1."""
    if isinstance(cells, np.ndarray):
        return cells.dtype.kind in "iufU" or (cells.dtype.kind == "O" and _may_be_numbers(cells.tolist()))
    return all(kind in _CELLS or issubclass(kind, np.integer | np.floating) for kind in set(map(type, cells)))


def _number(word: str, field: str = "") -> tuple[float, float, float]:
    """(plain number, number with a suffix, 1 where unreadable) of one cell."""
    nan = float("nan")
    if is_empty_cell(word):
        return nan, nan, 0.0
    try:
        return float(word), nan, 0.0
    except ValueError:
        pass
    try:
        number, factor = split_quantity(word)
    except InputError:
        quantity = _in_words(word)
        if quantity is None:
            return nan, nan, 1.0
        number, factor = quantity
    counted = _COUNTED.search(word)
    if (field in _PLAIN and (counted or factor != 1.0)) or (
        counted and field and counted[1].lower() != _COUNTS.get(field)
    ):
        return nan, nan, 1.0
    return (number, nan, 0.0) if factor == 1.0 else (nan, number * factor, 0.0)


def _in_words(word: str) -> tuple[float, float] | None:
    """(number, factor) of "2x10^21", "1.3 billion", "5 PF-days", "~3.1 nats"; None for other text."""
    match = _WORDED.fullmatch(plain_text(word)) if len(word) <= _LONGEST else None
    if match is None or not (match[1] or match[2]):
        return None
    number = float(match[1] or 1.0) * (10.0 ** int(match[2]) if match[2] else 1.0)
    unit = Unit() if not match[3] else read_unit(match[3])
    # m may be milli; perplexities and rates are other quantities than the plain numbers of a column
    if unit is None or match[3] in ("m", "t", "g") or unit.noun not in _NOUNS:
        return None
    return number, unit.scale
