"""From a table as it was written to the observations that fits take."""

from __future__ import annotations

from dataclasses import replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError, Notice, quoted
from isoflop.observations.column_mapping import choose_columns, number_columns
from isoflop.observations.columns import WORDS
from isoflop.observations.decimal_marks import with_points
from isoflop.observations.exclusions import Exclusions, Labels
from isoflop.observations.falling_rates import find_falling
from isoflop.observations.file_formats import RawTable
from isoflop.observations.options import DEFAULT_LOSS, Reading
from isoflop.observations.parsing import Mask
from isoflop.observations.repeats import drop_repeats
from isoflop.observations.row_filter import rows_where
from isoflop.observations.runs import (
    checkpoint_notices,
    drop_unfinished,
    drop_untrained,
    find_finals,
    find_runs,
    find_schedule,
)
from isoflop.observations.table import Observations, unnamed_run
from isoflop.observations.unit_checks import odd_numbers
from isoflop.observations.values import (
    Triple,
    Values,
    conventions,
    drop_bad_values,
    fill_third,
    read_values,
    without_bad_options,
)

_MOST_NAME = 300
"""Characters of a column's name. The patterns that read names take a time that grows faster than a name."""


def observe(table: RawTable, reading: Reading) -> Observations:
    """The observations in `table`, read as `reading` says.

    Raises InputError for a table without rows, for columns that are missing, ambiguous or in mixed units, and for
    whatever `reading` names that is not there; RefusedError where there are no tokens and all runs end at one step.
    """
    if not table.rows:
        raise InputError("observations: expected at least one row, got none")
    if long := [name for name in table.columns if len(name) > _MOST_NAME]:
        raise InputError(
            f"column {quoted(long[0])}: expected names of at most {_MOST_NAME} characters; is the first line a header?"
        )
    rows_read, said_of_file = table.rows, table.notices
    table = with_points(table, number_columns(table, reading), reading.decimal)
    keep = rows_where(table, reading.where) if reading.where else np.ones(table.rows, dtype=bool)
    row = np.flatnonzero(keep) + 1
    if not keep.all():
        columns = {name: list(compress(cells, keep.tolist())) for name, cells in table.columns.items()}
        table = RawTable(columns={**columns}, rows=len(row))
    chosen, notices = choose_columns(table, reading)
    values = read_values(table, chosen, reading)
    out = Exclusions(row=row, run=values.word("run_id"), keep=np.ones(table.rows, dtype=bool))
    said_of_runs = drop_unfinished(values, out)
    drop_bad_values(values, out, optima=reading.optima)
    values = without_bad_options(values, out)
    triple = fill_third(values, out, reading)
    found = [*said_of_file, *notices, *values.notices, *triple.notices]
    schedule, said = find_schedule(values, reading)
    drop_untrained(values, out)
    found += [*said_of_runs, *said]
    run, run_column, said = find_runs(values, triple.N)
    found += said
    early, said = find_falling(values, run, triple.N, triple.D, out.keep, reading)
    found += said
    if early.any() and schedule == "unknown":
        schedule = "matched"  # the rows that are left end a schedule each
    final = find_finals(values, run, out, triple.D, schedule) & ~early
    counts, said = drop_repeats(values, triple, run, final, out, reading)
    found += [*said, *checkpoint_notices(run[out.keep], final[out.keep], schedule)]
    known = conventions(values, reading, triple.summary["source"])
    made_table = _assembled(values, triple, run, out, final, counts)
    found += _unknown_tokens(made_table)
    if not reading.optima:
        nats = values.loss_unit_read == DEFAULT_LOSS and reading.loss_unit is None
        found += odd_numbers(made_table.N, made_table.D, made_table.loss, perplexity_possible=nats)
    return replace(
        made_table,
        params_convention=known.params,
        flops_convention=known.flops,
        loss_unit=values.loss_unit,
        rows_read=rows_read,
        filtered=rows_read - len(row),
        notices=tuple(found),
        stated=known.stated,
        schedule=schedule,
        source={
            "columns": {
                WORDS.get(field, field): (replace(choice, column=run_column) if field == "run_id" else choice).as_json()
                for field, choice in chosen.items()
                if field != "run_id" or run_column
            },
            "loss_unit_read": values.loss_unit_read,
            "flops_check": triple.summary,
        },
    )


def _assembled(
    values: Values, triple: Triple, run: NDArray[Any], out: Exclusions, final: Mask, counts: Labels
) -> Observations:
    """The rows that are left, in the order of the source."""
    keep, row = out.keep, out.row[out.keep]
    names = run[keep]
    spread, unique = values.number("loss_se")[keep], values.different_tokens(triple.D)[keep]
    return Observations(
        N=triple.N[keep],
        D=triple.D[keep],
        C=triple.C[keep],
        loss=values.number("loss")[keep],
        loss_se=spread if len(row) and np.all(np.isfinite(spread)) else None,
        budget=values.number("budget")[keep],
        unique_tokens=unique if np.any(unique > 0) else None,
        run_id=tuple(name or unnamed_run(number) for name, number in zip(names.tolist(), row.tolist(), strict=True)),
        is_final=final[keep],
        row=row,
        kept_counts=counts[keep],
        rows_read=values.rows,
        dropped=tuple(sorted(out.dropped, key=lambda item: item.row)),
    )


def _unknown_tokens(made: Observations) -> list[Notice]:
    """A notice where some rows state how many different tokens they saw and others do not."""
    if made.unique_tokens is None or not np.isnan(made.unique_tokens).any():
        return []
    text = (
        f"{int(np.isnan(made.unique_tokens).sum())} of {len(made)} rows do not state how many different tokens they "
        "saw, and others do: these rows are taken for fresh text"
    )
    return [Notice(code="unique_tokens_missing", message=text)]
