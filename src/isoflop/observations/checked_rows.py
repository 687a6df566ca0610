"""From a table as it was written to rows that passed every check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from isoflop.arrays import Array, Labels, Mask
from isoflop.errors import InputError, Notice, quoted
from isoflop.observations.column_mapping import map_columns, number_columns
from isoflop.observations.columns import ColumnMapping
from isoflop.observations.conditions import condition_columns
from isoflop.observations.decimal_marks import with_points
from isoflop.observations.exclusions import Exclusions
from isoflop.observations.falling_rates import find_falling
from isoflop.observations.file_formats import RawTable
from isoflop.observations.options import DEFAULT_LOSS, ReadOptions
from isoflop.observations.parsing import Words
from isoflop.observations.repeats import drop_repeats
from isoflop.observations.row_filter import filter_rows
from isoflop.observations.runs import (
    checkpoint_notices,
    drop_unfinished,
    drop_untrained,
    find_finals,
    find_runs,
    find_schedule,
)
from isoflop.observations.unit_checks import implausible_values
from isoflop.observations.values import (
    NDC,
    Conventions,
    Values,
    conventions,
    drop_bad_values,
    fill_missing_of_ndc,
    read_values,
    without_bad_options,
)

_MOST_NAME = 300
"""Characters of a column's name. The patterns that read names take a time that grows faster than a name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckedRows:
    """All rows that were read, which of them a fit may use, and what the checks found. Arrays are (rows,)."""

    values: Values
    """The columns as numbers and words."""
    ndc: NDC
    """N, D and C of each row."""
    run: Words
    """The run of each row; empty where none is known."""
    run_column: str
    """The column that names runs; empty where none does."""
    unique_tokens: Array
    """Distinct tokens that each row saw; NaN where unknown."""
    is_final: Mask
    """False for checkpoints before the end of a run."""
    counts: Labels
    """How many rows of its design point each row stands for."""
    exclusions: Exclusions
    """Which rows stay, and why the others do not."""
    schedule: str
    """One of SCHEDULES."""
    conventions: Conventions
    """What N and C count."""
    conditions: Mapping[str, tuple[str, ...]]
    """{column that may tell conditions apart: its word in each row that stays}."""
    notices: tuple[Notice, ...]
    """What looked odd, and what was done about it."""
    filtered: int = 0
    """Rows that the row filter left out, which are not among these."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MappedTable:
    """A table of raw cells whose columns are known."""

    table: RawTable
    """The cells."""
    mapping: Mapping[str, ColumnMapping]
    """{field: its column}."""
    row: Labels
    """Number of each row in its source, the first data row being 1."""
    filtered: int = 0
    """Rows of the source that are not in the table."""
    unfinished: Mapping[int, str] = field(default_factory=dict)
    """{index of a row whose run is known to have failed or not to have ended: the reason}."""
    notices: tuple[Notice, ...] = ()
    """What was found on the way."""


def find_columns(table: RawTable, options: ReadOptions) -> MappedTable:
    """The rows of `table` that `options` ask for, and which column holds which field.

    Raises InputError for a table without rows, for columns that are missing, ambiguous or in mixed units, and for
    whatever `options` names that does not exist; RefusedError where there are no tokens and all runs end at one step.
    """
    if not table.rows:
        raise InputError("observations: expected at least one row, got none")
    if long := [name for name in table.columns if len(name) > _MOST_NAME]:
        raise InputError(
            f"column {quoted(long[0])}: expected names of at most {_MOST_NAME} characters; is the first line a header?"
        )
    file_notices, rows_read = table.notices, table.rows
    # Decimal marks are decided on all rows of the file, filters on cells whose marks are known.
    table = with_points(table, number_columns(table, options), options.decimal)
    keep = filter_rows(table, options.where) if options.where else np.ones(table.rows, dtype=bool)
    row = np.flatnonzero(keep) + 1
    if not keep.all():
        columns = {name: list(compress(cells, keep.tolist())) for name, cells in table.columns.items()}
        table = RawTable(columns={**columns}, rows=len(row))
    mapping, notices = map_columns(table, options)
    return MappedTable(
        table=table, mapping=mapping, row=row, filtered=rows_read - len(row), notices=(*file_notices, *notices)
    )


def check_rows(mapped: MappedTable, options: ReadOptions) -> CheckedRows:
    """The rows of a table whose columns are known, each checked.

    A row that fails a check is listed with its first reason.

    Raises InputError for columns in mixed units.
    """
    table = mapped.table
    values = read_values(table, mapped.mapping, options)
    exclusions = Exclusions(row=mapped.row, run=values.word("run_id"), keep=np.ones(table.rows, dtype=bool))
    # Unfinished runs come first: a run that failed has no loss because it failed.
    status_notices = drop_unfinished(values, exclusions, mapped.unfinished)
    drop_bad_values(values, exclusions, optima=options.optima)
    values = without_bad_options(values, exclusions)
    ndc = fill_missing_of_ndc(values, exclusions, options)
    notices = [*mapped.notices, *values.notices, *ndc.notices, *status_notices]
    schedule, more = find_schedule(values, options)
    notices += more
    drop_untrained(values, exclusions)
    run, run_column, more = find_runs(values, ndc.N)
    notices += more
    early, more = find_falling(values, run, ndc, exclusions.keep, options)
    notices += more
    if early.any() and schedule == "unknown":
        schedule = "matched"  # the rows that remain each end a schedule
    is_final = find_finals(values, run, exclusions, ndc.D, schedule) & ~early
    counts, more = drop_repeats(values, ndc, run, is_final, exclusions, options)
    keep, unique_tokens = exclusions.keep, values.distinct_tokens(ndc.D)
    notices += [*more, *checkpoint_notices(run[keep], is_final[keep], schedule), *_unknown_tokens(unique_tokens[keep])]
    if not options.optima:
        # A loss of 20 nats per token is a perplexity, unless somebody stated the unit.
        nats = values.loss_unit_read == DEFAULT_LOSS and options.loss_unit is None
        loss = values.number("loss")[keep]
        notices += implausible_values(ndc.N[keep], ndc.D[keep], loss, perplexity_possible=nats)
    return CheckedRows(
        values=values,
        ndc=ndc,
        run=run,
        run_column=run_column,
        unique_tokens=unique_tokens,
        is_final=is_final,
        counts=counts,
        exclusions=exclusions,
        schedule=schedule,
        conventions=conventions(values, options, ndc.flops_check.source),
        conditions=condition_columns(values, run, np.flatnonzero(keep)),
        notices=tuple(notices),
        filtered=mapped.filtered,
    )


def _unknown_tokens(unique_tokens: Array) -> list[Notice]:
    """A notice where some rows state how many different tokens they saw and others do not."""
    unknown = np.isnan(unique_tokens)
    if not np.any(unique_tokens > 0) or not unknown.any():
        return []
    text = (
        f"{int(unknown.sum())} of {len(unknown)} rows do not state how many different tokens they saw, and others do: "
        "these rows are taken for fresh text"
    )
    return [Notice(code="unique_tokens_missing", message=text)]
