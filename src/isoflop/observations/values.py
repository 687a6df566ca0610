"""The mapped columns as arrays: numbers in units of one, losses in one unit, the third of N, D and C filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array, Mask
from isoflop.errors import Notice, quoted
from isoflop.observations.columns import QUANTITIES, WORDS, ColumnMapping, field_named
from isoflop.observations.exclusions import Exclusions
from isoflop.observations.file_formats import RawTable
from isoflop.observations.flops_check import FlopsCheck, check_flops
from isoflop.observations.options import DEFAULT_FLOPS, DEFAULT_LOSS, DEFAULT_PARAMS, NATS_PER_TOKEN, ReadOptions
from isoflop.observations.parsing import Numbers, Words, is_empty_cell, read_numbers, read_words
from isoflop.observations.token_sources import add_tokens
from isoflop.observations.unit_checks import refuse_mixed_units, refuse_other_units, refuse_small_counts
from isoflop.units import MOST_QUANTITY, format_number

# Numbers that a row may lack. Epochs and steps are none of them: loggers start to count at 0.
_OPTIONAL = ("budget", "loss_se", "unique_tokens", "vocab_size")
WITHOUT_EMBEDDINGS = re.compile(r"no?n?[_ -]?embed|non?[_ -]?emb\b|without[_ -]?embed", re.IGNORECASE)

_HEAD = re.compile(r"head|unembed|output", re.IGNORECASE)
_INPUT = re.compile(r"wte|wpe|(?<!un)embed", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Values:
    """The fields of a table as arrays of (rows,)."""

    rows: int
    """Number of rows."""
    numbers: Mapping[str, Numbers]
    """{field of QUANTITIES: its numbers}; the loss in `loss_unit`."""
    words: Mapping[str, Words]
    """{any other field: its words}."""
    mapping: Mapping[str, ColumnMapping]
    """{field: its column}."""
    table: RawTable
    """The cells as they were written."""
    loss_unit: str
    """Unit of the losses."""
    loss_unit_read: str
    """Unit in which the file holds them."""
    notices: tuple[Notice, ...]
    """What was computed from other columns, or is not used."""

    def number(self, field: str) -> Array:
        """The numbers of `field`; NaN throughout where the table has none."""
        return self.numbers[field].values if field in self.numbers else np.full(self.rows, np.nan)

    def word(self, field: str) -> Words:
        """The words of `field`; empty throughout where the table has none."""
        return self.words[field] if field in self.words else np.full(self.rows, "", dtype="U1")

    def distinct_tokens(self, D: Array) -> Array:
        """Distinct tokens that each row saw, of D in all: as stated, or D over its epochs; NaN where unknown."""
        stated = self.number("unique_tokens")
        epochs = self.number("epochs")
        return np.where(stated > 0, stated, D / np.maximum(epochs, 1.0))


def read_values(table: RawTable, mapping: Mapping[str, ColumnMapping], options: ReadOptions) -> Values:
    """The mapped columns of `table` as arrays; tokens are computed where steps or ratios determine them."""
    numbers: dict[str, Numbers] = {}
    words: dict[str, Words] = {}
    for field, item in mapping.items():
        if item.constant is not None:
            values = np.full(table.rows, item.constant * item.scale)
            numbers[field] = Numbers(values=values, unreadable=np.zeros(table.rows, dtype=bool))
        elif field in QUANTITIES:
            numbers[field] = _numbers_of(table, item, field)
        else:
            words[field] = read_words(table.columns[item.column])
    notices = add_tokens(numbers, {field: item.column or "a number" for field, item in mapping.items()})
    unit = options.loss_unit or (mapping["loss"].loss_unit if "loss" in mapping else "") or DEFAULT_LOSS
    _convert_losses(numbers, unit)
    return Values(
        rows=table.rows,
        numbers=numbers,
        words=words,
        mapping=mapping,
        table=table,
        loss_unit=DEFAULT_LOSS if unit in NATS_PER_TOKEN else unit,
        loss_unit_read=unit,
        notices=tuple(notices),
    )


def _numbers_of(table: RawTable, item: ColumnMapping, field: str) -> Numbers:
    """The numbers of a column, or the sum of several."""
    read = [
        read_numbers(table.columns[name], scale=item.scale, logarithm=item.logarithm, field=field)
        for name in item.parts or (item.column,)
    ]
    if len(read) == 1:
        return read[0]
    return Numbers(
        values=np.sum([numbers.values for numbers in read], axis=0),
        unreadable=np.any([numbers.unreadable for numbers in read], axis=0),
    )


def _convert_losses(numbers: dict[str, Numbers], unit: str) -> None:
    """Convert perplexities and bits per token to nats per token, with their standard errors; other units stay."""
    loss, spread = numbers.get("loss"), numbers.get("loss_se")
    if loss is None or unit not in ("perplexity", "bits_per_token"):
        return
    if unit == "perplexity":
        with np.errstate(divide="ignore", invalid="ignore"):
            # A perplexity of 1 or less gives no positive loss, and its row is dropped later. The standard error of a
            # logarithm is, to first order, the relative one.
            nats, per = np.log(np.where(loss.values > 0, loss.values, 1.0)), 1.0 / loss.values
            nats = np.where(np.isnan(loss.values), np.nan, nats)
    else:
        nats, per = loss.values * np.log(2.0), np.full(len(loss.values), np.log(2.0))
    numbers["loss"] = Numbers(values=nats, unreadable=loss.unreadable)
    if spread is not None:
        numbers["loss_se"] = Numbers(values=spread.values * per, unreadable=spread.unreadable)


def drop_bad_values(values: Values, exclusions: Exclusions, *, optima: bool) -> None:
    """Drop rows whose loss, or two of N, D and C, are missing, unreadable, not finite or not positive."""
    good = {field: _good(values, field) for field in ("N", "D", "C", "loss")}
    bad = {field: ~good[field] & ~_empty(values, field) for field in good}
    pair = good["N"] & good["D"]
    counted = good["N"].astype(int) + good["D"] + good["C"]
    # {field: rows in which it is at fault}, in the order in which the reason names them. C does not matter where N and
    # D are good; a missing field does not matter where the two others are good.
    faults = {field: bad[field] for field in ("N", "D")}
    faults["C"] = bad["C"] & ~pair
    for field in ("N", "D", "C"):
        faults[field] |= (counted < 2) & ~good[field] & (field in values.numbers)
    if not optima:
        faults["loss"] = ~good["loss"]
    wrong = np.logical_or.reduce(list(faults.values()))
    reasons = {
        i: "; ".join(_complaint(values, field, i) for field, mask in faults.items() if mask[i])
        for i in np.flatnonzero(wrong).tolist()
    }
    exclusions.drop(wrong, reasons, "bad_value")


def without_bad_options(values: Values, exclusions: Exclusions) -> Values:
    """`values` without impossible budgets, standard errors and other optional numbers; their rows stay.

    Each column with such cells has a notice.
    """
    numbers, notices = dict(values.numbers), list(values.notices)
    for field in _OPTIONAL:
        if field not in numbers:
            continue
        bad = exclusions.keep & ~_good(values, field) & ~_empty(values, field)
        if not bad.any():
            continue
        first = int(np.argmax(bad))
        text = (
            f"{values.mapping[field].column or field}: {int(bad.sum())} of {values.rows} rows hold no possible "
            f"{field} (row {exclusions.row[first]}: {_complaint(values, field, first)}): the value is not used, "
            "its row is"
        )
        notices.append(Notice(code="value_not_used", message=text))
        old = numbers[field]
        numbers[field] = Numbers(values=np.where(bad, np.nan, old.values), unreadable=old.unreadable & ~bad)
    return replace(values, numbers=numbers, notices=tuple(notices))


def _good(values: Values, field: str) -> Mask:
    numbers = values.number(field)
    return np.asarray((numbers >= 1 / MOST_QUANTITY) & (numbers <= MOST_QUANTITY))


def _empty(values: Values, field: str) -> Mask:
    if field not in values.numbers:
        return np.ones(values.rows, dtype=bool)
    return np.asarray(np.isnan(values.numbers[field].values) & ~values.numbers[field].unreadable)


def _complaint(values: Values, field: str, i: int) -> str:
    """What is wrong with one cell, with what it holds."""
    name = f"{field} ({WORDS[field]})" if field in WORDS else field
    column = values.mapping[field].column if field in values.mapping else ""
    if column not in values.table.columns:
        return f"{name} is missing"
    cell = values.table.columns[column][i]
    text = str(cell).strip()
    if cell is None or is_empty_cell(text):
        return f"{name} is missing"
    if text.lower() == "nan":
        return f"{name} is NaN"
    if values.numbers[field].unreadable[i]:
        return f"{name}: expected a number such as 5.76e23, 70B or 1.4T, got {quoted(text)}"
    shown = text if len(text) <= 40 else quoted(text, most=40)
    if field == "loss" and values.loss_unit_read == "perplexity":
        return f"loss: expected a finite perplexity above 1, got {shown}"
    if field == "C" and float(values.number(field)[i]) < 0:
        return f"{name}: expected a positive finite number, got {shown}: an integer of 64 bits that overflowed?"
    if 0 < float(values.number(field)[i]) < np.inf:
        ends = f"{format_number(1 / MOST_QUANTITY)} to {format_number(MOST_QUANTITY)}"
        return f"{name}: expected a number from {ends}, got {shown}"
    return f"{name}: expected a positive finite number, got {shown}"


@dataclass(frozen=True, kw_only=True, eq=False)
class NDC:
    """N, D and C of every row, (rows,); NaN in rows that were dropped."""

    N: Array
    """Parameters."""
    D: Array
    """Tokens."""
    C: Array
    """FLOPs: those of the column where they can be training FLOPs, else 6 N D."""
    notices: tuple[Notice, ...]
    """What is wrong with the FLOPs of the file."""
    flops_check: FlopsCheck
    """Where C comes from."""


def fill_missing_of_ndc(values: Values, exclusions: Exclusions, options: ReadOptions) -> NDC:
    """N, D and C with the missing one filled in by C = 6 N D, after the check of C / 6ND.

    Raises InputError where a column mixes units, or counts in thousands or millions.
    """
    N, D, C = (np.where(exclusions.keep, values.number(field), np.nan) for field in ("N", "D", "C"))
    for field, column in (("N", N), ("D", D)):
        refuse_mixed_units(f"{field} ({WORDS[field]})", column, exclusions.row)
    C = np.where(np.isinf(C), np.nan, C)
    both = exclusions.keep & ~np.isnan(N) & ~np.isnan(D)
    N = np.where(exclusions.keep & np.isnan(N), C / (6.0 * D), N)
    D = np.where(exclusions.keep & np.isnan(D), C / (6.0 * N), D)
    known = exclusions.keep & ~np.isnan(N) & ~np.isnan(D)
    scaled = {field_named(name, "--scale") for name in options.scale}
    notices: tuple[Notice, ...] = ()
    check = FlopsCheck(source="six_nd")
    if "C" in values.numbers and not both.any():
        check = FlopsCheck(source="column")
    elif "C" in values.numbers and not np.isnan(C[both]).all():
        refuse_other_units(N[both], D[both], C[both])
        exact = options.flops_convention is not None and not options.flops_convention.startswith("six_n")
        checked = check_flops(N[both], D[both], C[both], exclusions.row[both], exact_convention=exact)
        C[both], notices, check = checked.C, checked.notices, checked.check
    else:
        C = np.where(both, 6.0 * N * D, C)
        if "C" in values.numbers and both.any():
            text = f"the FLOPs column {values.mapping['C'].column!r} holds no number in the rows used: C = 6ND in all"
            notices = (Notice(code="flops_filled", message=text),)
    if check.source == "six_nd" or not both.any():  # else the FLOPs of the file prove the units of N and D
        refuse_small_counts(N[known], D[known], scaled)
    return NDC(N=N, D=D, C=C, notices=notices, flops_check=check)


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What the numbers count, and what of it was stated."""

    params: str
    """What N counts."""
    flops: str
    """What C counts."""
    stated: frozenset[str]
    """Names of what the options or a column's name state; the rest are defaults."""


def conventions(values: Values, options: ReadOptions, flops_source: str) -> Conventions:
    """The conventions that were stated, that names of columns mean, or that C was computed by; else the defaults."""
    names = ("params_convention", "flops_convention", "loss_unit", "schedule")
    stated = {name for name in names if getattr(options, name) is not None}
    params = options.params_convention
    if params is None and "N" in values.mapping and WITHOUT_EMBEDDINGS.search(values.mapping["N"].column):
        params = "non_embedding"
        stated.add("params_convention")
    if params is None and "N" in values.mapping and _without_inputs(values.mapping["N"].parts):
        params = "matmul"
        stated.add("params_convention")
    flops = options.flops_convention or DEFAULT_FLOPS
    if flops_source == "six_nd":
        flops = DEFAULT_FLOPS  # C was computed as 6 N D, whatever the column that is not used counts
        stated.add("flops_convention")
    if "loss" in values.mapping and values.mapping["loss"].loss_unit:
        stated.add("loss_unit")
    return Conventions(params=params or DEFAULT_PARAMS, flops=flops, stated=frozenset(stated))


def _without_inputs(parts: tuple[str, ...]) -> bool:
    """Whether the parts that N is the sum of include the output head and no embedding at the input."""
    return any(_HEAD.search(name) for name in parts) and not any(_INPUT.search(name) for name in parts)
