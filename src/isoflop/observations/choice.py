"""Which column is read for which field: what was stated first, then what the names say and the cells bear out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.observations.cells import read_numbers, read_scale, read_words
from isoflop.observations.columns import QUANTITIES, WORDS, Candidate, candidates, field_named
from isoflop.observations.exclusions import numbered
from isoflop.observations.reading import Reading
from isoflop.observations.sources import RawTable
from isoflop.observations.where import unknown_column
from isoflop.units import parse_quantity

_HEAD = 1000  # cells that tell what a column holds, where any of them is filled
_SAME_END = 0.05  # scatter of ln(last step) below which runs are of one length


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One field's column and how to read it."""

    column: str
    """Its name; empty for a number that holds for every row."""
    logarithm: str = ""
    """`log10`, `log2` or `ln` where the cells are logarithms."""
    scale: float = 1.0
    """Units of one that a plain number counts."""
    loss_unit: str = ""
    """Of a loss whose name says so."""
    constant: float | None = None
    """The number that holds for every row."""

    def as_json(self) -> dict[str, Any]:
        """{column}, in words for a number that holds for every row, and what is set of {constant, logarithm, scale}."""
        shown: dict[str, Any] = {"column": self.column}
        if self.constant is not None:
            shown = {"column": f"{self.constant:g} in every row", "constant": self.constant}
        shown |= {"logarithm": self.logarithm} if self.logarithm else {}
        return shown | ({"scale": self.scale} if self.scale != 1.0 else {})


def choose_columns(table: RawTable, reading: Reading) -> tuple[dict[str, Choice], tuple[Notice, ...]]:
    """({field: its column}, what else could have been read).

    Raises InputError where loss, or two of N, D and C, have no column, where several columns could be the loss, and
    for columns and scales that cannot be.
    """
    stated = _stated(table, reading)
    named = {field: found for field, found in candidates(table.columns).items() if field not in stated}
    taken = {choice.column for choice in stated.values() if choice.constant is None}
    chosen, notices, open_bases = dict(stated), [], []
    for field, found in named.items():
        free = [item for item in found if item.column not in taken]
        open_bases += [item.column for item in free if item.logarithm == "log"]
        readable = [item for item in free if item.logarithm != "log"]
        fit = [item for item in readable if _bears_out(table, field, item)]
        if field in ("N", "D", "loss") or (field == "C" and not {"N", "D"} <= chosen.keys()):
            fit = fit or readable[:1]  # then every row is left out, with the words that stand there
        if field == "loss":
            fit = _one_loss(table, fit, required=not reading.optima)
        if fit:
            chosen[field] = _choice(fit[0])
        if field in ("N", "D", "C") and len(fit) > 1:
            others = ", ".join(repr(item.column) for item in fit[1:])
            text = f"{WORDS[field]} are read from {fit[0].column!r}, and {others} could be meant too: --column decides"
            notices.append(Notice(code="several_columns", message=text))
    if "C" not in chosen and "budget" in chosen and not {"N", "D"} <= chosen.keys():
        chosen["C"] = chosen["budget"]
    for name, given in reading.scale.items():
        _apply_scale(chosen, field_named(name, "--scale"), given, f"--scale {name}={given}")
    _require(table, chosen, open_bases, reading)
    return chosen, tuple(notices)


def _stated(table: RawTable, reading: Reading) -> dict[str, Choice]:
    chosen = {}
    known = {item.column: item for found in candidates(table.columns).values() for item in found}
    for name, column in reading.columns.items():
        field = field_named(name, "--column")
        if column in table.columns:
            item = known.get(column, Candidate(column=column))
            if item.logarithm == "log":
                item = replace(item, logarithm="")  # stated as it is: --scale gives the base
            chosen[field] = _choice(item)
            continue
        try:
            chosen[field] = Choice(column="", constant=parse_quantity(column))
        except InputError as error:
            missing = unknown_column(column, table)
            raise InputError(f"--column {name}={column}: expected a column or a number; {missing}") from error
        if field not in QUANTITIES:
            raise InputError(f"--column {name}={column}: {unknown_column(column, table)}")
    return chosen


def _choice(item: Candidate) -> Choice:
    return Choice(column=item.column, logarithm=item.logarithm, scale=item.scale, loss_unit=item.loss_unit)


def _bears_out(table: RawTable, field: str, item: Candidate) -> bool:
    """Whether a column of numbers holds any: names such as `param_count` are also given to words."""
    if field not in QUANTITIES:
        return True
    cells = table.columns[item.column]
    for part in (cells[:_HEAD], cells):
        numbers = read_numbers(part, field=field)
        unreadable = int(numbers.unreadable.sum())
        filled = int((~np.isnan(numbers.values)).sum())
        if filled or unreadable:
            return filled > unreadable
    return False


def _one_loss(table: RawTable, found: list[Candidate], *, required: bool) -> list[Candidate]:
    """The one column that can be the loss, among those of the best kind of name."""
    if not found:
        return []
    kind = found[0].rank // 1000
    alike = [item for item in found if item.rank // 1000 == kind]
    first = read_numbers(table.columns[alike[0].column]).values
    differing = [
        item
        for item in alike[1:]
        if not np.array_equal(read_numbers(table.columns[item.column]).values, first, equal_nan=True)
    ]
    if differing and required:
        names = "".join(f"\n  --column 'loss={item.column}'" for item in alike)
        raise InputError(f"{len(alike)} columns could be the loss; choose one:{names}")
    return alike[:1] if not differing else []


def _apply_scale(chosen: dict[str, Choice], field: str, given: str | float, option: str) -> None:
    if field not in QUANTITIES:
        raise InputError(f"{option}: expected a field that holds numbers ({', '.join(QUANTITIES)})")
    if field not in chosen:
        raise InputError(f"{option}: no column is read as {WORDS.get(field, field)}; name it with --column")
    factor, logarithm = read_scale(given, option)
    # a budget that also serves as C is one column, and has one unit
    shared = [name for name in ("C", "budget") if chosen.get(name) == chosen[field]] if field in ("C", "budget") else []
    for name in {field, *shared}:
        # what is stated replaces what the name says, or it would count twice
        old = chosen[name]
        scale = old.scale if logarithm else factor
        chosen[name] = replace(old, scale=scale, logarithm=logarithm or old.logarithm)


def _require(table: RawTable, chosen: Mapping[str, Choice], open_bases: list[str], reading: Reading) -> None:
    given = {field for field in ("N", "D", "C") if field in chosen}
    if "D" not in given and _makes_tokens(chosen):
        given.add("D")
    if len(given) >= 2 and ("loss" in chosen or reading.optima):
        return
    if given == {"N"} and {"loss", "run_id", "step"} <= chosen.keys():
        _refuse_one_length(table, chosen)
    missing = [] if "loss" in chosen or reading.optima else ["loss"]
    missing += [f"{WORDS[field]} ({field})" for field in ("N", "D", "C") if field not in given and len(given) < 2]
    shown = [field for field in ("N", "D", "C", "loss") if field in chosen]
    found = ", ".join(f"{WORDS.get(field, field)} = {chosen[field].column!r}" for field in shown)
    lines = [
        "expected columns for loss and two of N, D and C (C = 6ND): "
        f"none found for {', '.join(missing)}" + (f"; found {found}" if found else ""),
        f"  columns of the file: {', '.join(table.columns)}",
        "  name one with --column FIELD=COLUMN, e.g. --column loss=val_ce; or a number for all rows, e.g. "
        "--column tokens=130e9",
    ]
    if "step" in chosen and "D" not in given:
        column = chosen["step"].column
        lines.append(f"  tokens are steps times the tokens of a step: --column tokens={column} --scale tokens=TOKENS")
    if open_bases:
        lines.append(
            f"  {', '.join(open_bases)}: a logarithm whose base the name does not tell: --column params=COLUMN "
            "--scale params=log10 (or ln, log2)"
        )
    raise InputError("\n".join(lines))


def _refuse_one_length(table: RawTable, chosen: Mapping[str, Choice]) -> None:
    """Raise RefusedError where nothing tells the tokens, and all runs that have several rows end at one step."""
    steps = read_numbers(table.columns[chosen["step"].column], scale=chosen["step"].scale).values
    run = numbered(read_words(table.columns[chosen["run_id"].column]))
    rows = np.bincount(run)
    last = np.zeros(len(rows))
    np.maximum.at(last, run, np.where(np.isfinite(steps), steps, 0.0))
    if len(last) < 2 or rows.min() < 2 or last.min() <= 0 or np.std(np.log(last)) > _SAME_END:
        return
    step, ends = chosen["step"].column, " to ".join(dict.fromkeys(f"{end:,.0f}" for end in (last.min(), last.max())))
    raise RefusedError(
        "one_horizon",
        f"no column holds tokens or FLOPs, and all {len(last)} runs end at step {ends}: with as many tokens a step in "
        "each, all runs saw the same D: B and beta are not identified; add runs of other lengths, or, if each row is "
        f"the end of a run, say what a step counts: --column tokens={step} --scale tokens=TOKENS_OF_A_STEP",
    )


def _makes_tokens(chosen: Mapping[str, Choice]) -> bool:
    return "step" in chosen and "batch_tokens" in chosen
