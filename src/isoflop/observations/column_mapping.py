"""Which column is read for which field: what was stated first, then what the names mean and the cells confirm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.observations.columns import QUANTITIES, WORDS, Candidate, ColumnMapping, candidates, field_named
from isoflop.observations.exclusions import numbered
from isoflop.observations.file_flops import budget_for_flops, drop_rate, reference_of, tokens_of, unread_flops
from isoflop.observations.file_formats import RawTable
from isoflop.observations.flops_evidence import (
    Option,
    is_no_tokens,
    is_small,
    settle_params,
    settle_tokens,
    several_columns,
)
from isoflop.observations.loss_choice import one_loss
from isoflop.observations.options import ReadOptions
from isoflop.observations.parsing import read_numbers, read_scale, read_words
from isoflop.observations.row_filter import unknown_column
from isoflop.observations.token_sources import token_source
from isoflop.units import parse_quantity

_HEAD = 1000  # cells that tell what a column holds, where any of them is filled
_SAME_END = 0.05  # scatter of ln(last step) below which runs are of one length


def map_columns(table: RawTable, options: ReadOptions) -> tuple[dict[str, ColumnMapping], tuple[Notice, ...]]:
    """({field: its column}, notices of what else could have been read).

    Raises InputError for columns and scales that cannot be, where loss, or two of N, D and C, have no column, and where
    several columns could be the loss.
    """
    stated = _stated(table, options)
    named = {field: items for field, items in candidates(table.columns).items() if field not in stated}
    taken = {item.column for item in stated.values() if item.constant is None}
    mapping, notices, open_bases = dict(stated), list[Notice](), list[str]()
    fits: dict[str, list[Candidate]] = {}
    for field, items in named.items():
        free = [item for item in items if item.column not in taken]
        # A logarithm of unknown base is not read: it is named in the error if its field stays without a column.
        open_bases += [item.column for item in free if item.logarithm == "log"]
        readable = [item for item in free if item.logarithm != "log"]
        fit = [item for item in readable if _holds_numbers(table, field, item)]
        if field in ("N", "D", "loss") or (field == "C" and not {"N", "D"} <= named.keys() | stated.keys()):
            # A column of words is read all the same: then every row is dropped with the words as its reason.
            fit = fit or [item for item in readable if not item.one_letter][:1]
        if field == "loss":
            fit, more = one_loss(table, fit, required=not options.optima)
            notices += more
        fits[field] = fit
        if fit:
            mapping[field] = _mapping_of(fit[0])
    notices += drop_rate(table, mapping)
    notices += _settle_by_flops(table, mapping, fits)
    notices += unread_flops(table, mapping)
    if "C" not in mapping and "budget" in mapping and mapping["budget"].constant is None:
        more = budget_for_flops(table, mapping)
        if more or not ("N" in mapping and ("D" in mapping or _has_token_source(mapping))):
            mapping["C"] = mapping["budget"]
        notices += more
    for name, scale in options.scale.items():
        _apply_scale(mapping, field_named(name, "--scale"), scale, f"--scale {name}={scale}")
    _require_fields(table, mapping, open_bases, options)
    return mapping, tuple(notices)


def number_columns(table: RawTable, options: ReadOptions) -> list[str]:
    """The columns that may hold numbers of some field, by their names or because the options say so."""
    named = {item.column for field, items in candidates(table.columns).items() if field in QUANTITIES for item in items}
    named |= set(options.columns.values())
    return [name for name in table.columns if name in named]


def _stated(table: RawTable, options: ReadOptions) -> dict[str, ColumnMapping]:
    """The columns that --column names."""
    mapping = {}
    known = {item.column: item for items in candidates(table.columns).values() for item in items}
    for name, column in options.columns.items():
        field = field_named(name, "--column")
        if column in table.columns:
            item = known.get(column, Candidate(column=column))
            if item.logarithm == "log":
                item = replace(item, logarithm="")  # taken as plain numbers: --scale states the base
            mapping[field] = _mapping_of(item)
            continue
        try:
            mapping[field] = ColumnMapping(column="", constant=parse_quantity(column))
        except InputError as error:
            missing = unknown_column(column, table)
            raise InputError(f"--column {name}={column}: expected a column or a number; {missing}") from error
        if field not in QUANTITIES:
            raise InputError(f"--column {name}={column}: {unknown_column(column, table)}")
    return mapping


def _mapping_of(item: Candidate) -> ColumnMapping:
    return ColumnMapping(column=item.column, logarithm=item.logarithm, scale=item.scale, loss_unit=item.loss_unit)


def _holds_numbers(table: RawTable, field: str, item: Candidate) -> bool:
    """Whether a column of a quantity holds numbers: names such as `param_count` also stand above words."""
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


def _settle_by_flops(
    table: RawTable, mapping: dict[str, ColumnMapping], fits: dict[str, list[Candidate]]
) -> list[Notice]:
    """Put into `mapping` the columns of N and D that agree with the file's FLOPs; returns what else may be meant."""
    reference = reference_of(table, mapping)
    params = _candidate(mapping["N"]) if "N" in mapping and mapping["N"].constant is None else None
    tokens = settle_tokens(table, fits.get("D", []), params, reference)
    notices = list[Notice]()
    if "D" in fits and params is not None and tokens:
        odd = next((item for item in tokens[:1] if is_no_tokens(table, params, item, reference)), None)
        if odd is not None or (tokens[0].one_letter and _has_token_source(mapping) and is_small(table, tokens[0])):
            odd = odd or tokens[0]
            tokens = tokens[1:]
            mapping.pop("D")
            text = (
                f"{odd.column!r} is not read as tokens: it holds small whole numbers, as a width does, and the file's "
                "other columns give other tokens; --column tokens=... decides otherwise"
            )
            notices.append(Notice(code="letter_not_read", message=text))
    if "D" in fits and tokens:
        mapping["D"] = _mapping_of(tokens[0])
    D = tokens_of(table, mapping)
    if "N" in fits or ("N" not in mapping and D is not None):
        option, more = settle_params(table, fits.get("N", []), D, reference)
        notices += more
        if option is not None:
            mapping["N"] = _added(option)
    for field in ("D", "C"):
        items = tokens if field == "D" else fits.get(field, [])
        if len(items) > 1:
            notices.append(several_columns(WORDS[field], items))
    return notices


def _added(option: Option) -> ColumnMapping:
    if len(option.candidates) == 1:
        return _mapping_of(option.candidates[0])
    names = tuple(item.column for item in option.candidates)
    return ColumnMapping(column=" + ".join(names), parts=names)


def _candidate(choice: ColumnMapping) -> Candidate:
    return Candidate(column=choice.column, logarithm=choice.logarithm, scale=choice.scale)


def _apply_scale(mapping: dict[str, ColumnMapping], field: str, stated: str | float, option: str) -> None:
    """Put the unit or logarithm that --scale states into the mapping of `field`."""
    if field not in QUANTITIES:
        raise InputError(f"{option}: expected a field that holds numbers ({', '.join(QUANTITIES)})")
    if field not in mapping:
        raise InputError(f"{option}: no column is read as {WORDS.get(field, field)}; name it with --column")
    factor, logarithm = read_scale(stated, option)
    # A budget that also serves as C is one column, and has one unit.
    shared = (
        [name for name in ("C", "budget") if mapping.get(name) == mapping[field]] if field in ("C", "budget") else []
    )
    for name in {field, *shared}:
        # What is stated replaces the unit in the name, or it would count twice.
        old = mapping[name]
        scale = old.scale if logarithm else factor
        mapping[name] = replace(old, scale=scale, logarithm=logarithm or old.logarithm)


def _require_fields(
    table: RawTable, mapping: Mapping[str, ColumnMapping], open_bases: list[str], options: ReadOptions
) -> None:
    known = {field for field in ("N", "D", "C") if field in mapping}
    if "D" not in known and _has_token_source(mapping):
        known.add("D")
    if "tokens_per_param" in mapping and len(known) == 1:
        known |= {"N", "D"}
    if len(known) >= 2 and ("loss" in mapping or options.optima):
        return
    if known == {"N"} and {"loss", "run_id", "step"} <= mapping.keys():
        _refuse_one_length(table, mapping)
    missing = [] if "loss" in mapping or options.optima else ["loss"]
    missing += [f"{WORDS[field]} ({field})" for field in ("N", "D", "C") if field not in known and len(known) < 2]
    shown = [field for field in ("N", "D", "C", "loss") if field in mapping]
    columns = ", ".join(f"{WORDS.get(field, field)} = {mapping[field].column!r}" for field in shown)
    lines = [
        "expected columns for loss and two of N, D and C (C = 6ND): "
        f"none found for {', '.join(missing)}" + (f"; found {columns}" if columns else ""),
        f"  columns of the file: {', '.join(table.columns)}",
        "  name one with --column FIELD=COLUMN, e.g. --column loss=val_ce; or a number for all rows, e.g. "
        "--column tokens=130e9",
    ]
    if "step" in mapping and "D" not in known:
        column = mapping["step"].column
        lines.append(f"  tokens are steps times the tokens of a step: --column tokens={column} --scale tokens=TOKENS")
    if open_bases:
        lines.append(
            f"  {', '.join(open_bases)}: a logarithm whose base the name does not tell: --column params=COLUMN "
            "--scale params=log10 (or ln, log2)"
        )
    raise InputError("\n".join(lines))


def _refuse_one_length(table: RawTable, mapping: Mapping[str, ColumnMapping]) -> None:
    """Raise RefusedError where nothing tells the tokens, and all runs that have several rows end at one step."""
    steps = read_numbers(table.columns[mapping["step"].column], scale=mapping["step"].scale).values
    run = numbered(read_words(table.columns[mapping["run_id"].column]))
    rows = np.bincount(run)
    last = np.zeros(len(rows))
    np.maximum.at(last, run, np.where(np.isfinite(steps), steps, 0.0))
    if len(last) < 2 or rows.min() < 2 or last.min() <= 0 or np.std(np.log(last)) > _SAME_END:
        return
    step, ends = mapping["step"].column, " to ".join(dict.fromkeys(f"{end:,.0f}" for end in (last.min(), last.max())))
    raise RefusedError(
        "one_horizon",
        f"no column holds tokens or FLOPs, and all {len(last)} runs end at step {ends}: with as many tokens a step in "
        "each, all runs saw the same D: B and beta are not identified; add runs of other lengths, or, if each row is "
        f"the end of a run, say what a step counts: --column tokens={step} --scale tokens=TOKENS_OF_A_STEP",
    )


def _has_token_source(mapping: Mapping[str, ColumnMapping]) -> bool:
    return token_source(mapping.keys()) is not None
