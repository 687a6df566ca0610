"""The one table that every fit takes: (N, D, C, loss) of runs, checked once, exclusions counted and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from isoflop.arrays import Array, Labels, Mask
from isoflop.errors import InputError, Notice
from isoflop.observations.checked_rows import CheckedRows, check_rows, find_columns
from isoflop.observations.columns import WORDS
from isoflop.observations.exclusions import DroppedRow, numbered
from isoflop.observations.file_formats import RawTable
from isoflop.observations.options import DEFAULT_FLOPS, DEFAULT_LOSS, DEFAULT_PARAMS, ReadOptions
from isoflop.observations.repeated_text import LEFT_TO_THEIR_FORM, repeated_rows
from isoflop.observations.results import RunOutcome, outcome_table
from isoflop.observations.runs import unnamed_run
from isoflop.observations.shared_settings import shared_settings
from isoflop.observations.summary import RepresentedRows, TableSource, TableSummary


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """Runs in columns of equal length: from `from_rows`, `from_arrays`, `from_results` or `read_observations`."""

    N: Array
    """Parameters, in `params_convention`."""
    D: Array
    """Training tokens seen."""
    C: Array
    """Training FLOPs spent, in `flops_convention`; not the target."""
    loss: Array
    """Loss, in `loss_unit`; NaN where rows are optima without one."""
    loss_se: Array | None = None
    """Standard error of each loss, where known."""
    budget: Array
    """Target FLOPs, which the run was designed for; NaN where there was none."""
    unique_tokens: Array | None = None
    """Distinct tokens that D was drawn from, NaN where unknown; None where unknown in all rows."""
    run_id: tuple[str, ...]
    """Rows of one run share its id; `row-7` where the source names no run."""
    trees: tuple[str, ...] = ()
    """Rows whose runs have steps in common share a name here, and are drawn together; by default that of the run."""
    is_final: Mask
    """False for checkpoints before the run's end."""
    row: Labels
    """Number of each row in its source, the first data row being 1."""
    kept_counts: Labels = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """How many rows of its design point (same N and D, other settings) each row represents; one each by default."""
    rows_read: int
    """Rows of the source, dropped and filtered ones included."""
    filtered: int = 0
    """Rows that the row filter left out."""
    dropped: tuple[DroppedRow, ...] = ()
    """Rows that were dropped for another reason, with the reason."""
    notices: tuple[Notice, ...] = ()
    """What looked odd, and what was done about it."""
    params_convention: str = DEFAULT_PARAMS
    """What N counts."""
    flops_convention: str = DEFAULT_FLOPS
    """What C counts."""
    loss_unit: str = DEFAULT_LOSS
    """Unit of the losses."""
    stated: frozenset[str] = frozenset()
    """Which of params_convention, flops_convention, loss_unit and schedule were stated; the others are defaults."""
    schedule: str = "unknown"
    """One of SCHEDULES."""
    conditions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """{column that may tell conditions apart: its word in each row}; columns of few values that hold no field."""
    source: TableSource | None = None
    """The columns that these were read from; None where they were computed."""

    def __post_init__(self) -> None:
        if not len(self.kept_counts):
            object.__setattr__(self, "kept_counts", np.ones(len(self.N), dtype=np.int64))
        if not self.trees:
            object.__setattr__(self, "trees", self.run_id)
        columns = (self.N, self.D, self.C, self.loss, self.budget, self.run_id, self.trees, self.is_final)
        lengths = {len(column) for column in (*columns, self.kept_counts)}
        if len(lengths) != 1:
            raise InputError(f"observations: expected columns of equal length, got lengths {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.N)

    @classmethod
    def from_arrays(
        cls,
        *,
        loss: ArrayLike | None = None,
        N: ArrayLike,
        D: ArrayLike | None = None,
        C: ArrayLike | None = None,
        budget: ArrayLike | None = None,
        run_id: Sequence[str] | None = None,
        params_convention: str | None = None,
        flops_convention: str | None = None,
        loss_unit: str | None = None,
        schedule: str | None = None,
        keep_all: bool = False,
        optima: bool = False,
    ) -> Observations:
        """Observations from columns of (rows,); C = 6 N D gives D or C. Checked as by `from_rows`."""
        fields = {"N": N, "D": D, "C": C, "loss": loss, "budget": budget, "run_id": run_id}
        columns = {name: np.asarray(value) for name, value in fields.items() if value is not None}
        shapes = {
            name: value.shape[0] if value.ndim == 1 else f"shape {value.shape}" for name, value in columns.items()
        }
        if len(set(shapes.values())) > 1 or any(value.ndim != 1 for value in columns.values()):
            raise InputError(f"observations: expected one-dimensional columns of equal length, got {shapes}")
        options = ReadOptions(
            params_convention=params_convention,
            flops_convention=flops_convention,
            loss_unit=loss_unit,
            schedule=schedule,
            keep_all=keep_all,
            optima=optima,
        )
        return cls.from_table(RawTable(columns={**columns}, rows=len(columns["N"])), options)

    @classmethod
    def from_rows(
        cls, rows: Sequence[Mapping[str, object]], options: ReadOptions | None = None, **stated: Any
    ) -> Observations:
        """Observations from dicts under any of the names in observations/columns.py; quantities may be text ("70B").

        `stated` are fields of `ReadOptions`, an alternative to it. Of N, D and C two suffice: C = 6 N D has the third.
        Rows with missing, unreadable, non-finite or non-positive values are dropped and listed; so are all but the best
        setting of a design point. Raises InputError for no rows, and where loss, or two of N, D and C, have no column.
        """
        if not rows:
            raise InputError("observations: expected at least one row, got none")
        return cls.from_table(RawTable.from_rows(rows), options or ReadOptions(**stated))

    @classmethod
    def from_results(
        cls,
        outcomes: Sequence[RunOutcome],
        *,
        params_convention: str,
        flops_convention: str,
        loss_unit: str = DEFAULT_LOSS,
        schedule: str = "matched",
    ) -> Observations:
        """Observations from runs of our own: no column is guessed; a run that did not end well is dropped, with why."""
        options = ReadOptions(
            params_convention=params_convention,
            flops_convention=flops_convention,
            loss_unit=loss_unit,
            schedule=schedule,
        )
        return cls._of(check_rows(outcome_table(outcomes), options))

    @classmethod
    def from_table(cls, table: RawTable, options: ReadOptions) -> Observations:
        """Observations from a table as it was written; raises as `from_rows` does."""
        return cls._of(check_rows(find_columns(table, options), options), table)

    @classmethod
    def _of(cls, checked: CheckedRows, table: RawTable | None = None) -> Observations:
        """The rows that passed, in the order of the source."""
        values, ndc, exclusions = checked.values, checked.ndc, checked.exclusions
        keep, row = exclusions.keep, exclusions.row[exclusions.keep]
        spread, unique = values.number("loss_se")[keep], checked.unique_tokens[keep]
        runs = tuple(
            name or unnamed_run(number) for name, number in zip(checked.run[keep].tolist(), row.tolist(), strict=True)
        )
        trees = values.word("tree")[keep].tolist()
        columns = dict(values.mapping)
        if "run_id" in columns:
            # Where the column that was chosen first names no runs, another or none is read instead.
            run_id = replace(columns.pop("run_id"), column=checked.run_column)
            columns |= {"run_id": run_id} if checked.run_column else {}
        return cls(
            N=ndc.N[keep],
            D=ndc.D[keep],
            C=ndc.C[keep],
            loss=values.number("loss")[keep],
            loss_se=spread if len(row) and np.all(np.isfinite(spread)) else None,
            budget=values.number("budget")[keep],
            unique_tokens=unique if np.any(unique > 0) else None,
            run_id=runs,
            trees=tuple(tree or run for tree, run in zip(trees, runs, strict=True)),
            is_final=checked.is_final[keep],
            row=row,
            kept_counts=checked.counts[keep],
            rows_read=values.rows + checked.filtered,
            filtered=checked.filtered,
            dropped=tuple(sorted(exclusions.dropped, key=lambda item: item.row)),
            notices=checked.notices,
            params_convention=checked.conventions.params,
            flops_convention=checked.conventions.flops,
            loss_unit=values.loss_unit,
            stated=checked.conventions.stated,
            schedule=checked.schedule,
            conditions=checked.conditions,
            source=TableSource(
                columns={WORDS.get(field, field): column for field, column in columns.items()},
                loss_unit_read=values.loss_unit_read,
                flops_check=ndc.flops_check,
                settings={} if table is None else shared_settings(table, row),
            ),
        )

    def select(self, keep: ArrayLike, reason: str | Mapping[int, str] | None = None, code: str = "") -> Observations:
        """The rows where the mask `keep` is true; with a reason, for all or by index, the others are listed."""
        mask = np.asarray(keep, dtype=bool)
        dropped = self.dropped
        if reason:
            out = np.flatnonzero(~mask).tolist()
            why = dict.fromkeys(out, reason) if isinstance(reason, str) else reason
            rows = [DroppedRow(row=int(self.row[i]), reason=why[i], run_id=self.run_id[i], code=code) for i in out]
            dropped = tuple(sorted([*dropped, *rows], key=lambda item: item.row))
        return replace(
            self,
            N=self.N[mask],
            D=self.D[mask],
            C=self.C[mask],
            loss=self.loss[mask],
            loss_se=None if self.loss_se is None else self.loss_se[mask],
            budget=self.budget[mask],
            unique_tokens=None if self.unique_tokens is None else self.unique_tokens[mask],
            run_id=tuple(name for name, stays in zip(self.run_id, mask.tolist(), strict=True) if stays),
            trees=tuple(name for name, stays in zip(self.trees, mask.tolist(), strict=True) if stays),
            is_final=self.is_final[mask],
            row=self.row[mask],
            kept_counts=self.kept_counts[mask],
            dropped=dropped,
            conditions={
                name: tuple(word for word, stays in zip(words, mask.tolist(), strict=True) if stays)
                for name, words in self.conditions.items()
            },
        )

    def finals(self) -> Observations:
        """The rows that are ends of runs, which the parametric and isoFLOP fits use."""
        if np.all(self.is_final):
            return self
        return self.select(self.is_final, "a checkpoint before the end of its run", "checkpoint")

    def fresh(self) -> Observations:
        """The rows of at most four epochs, which approaches 1 and 2 and the laws without repetition use.

        The others are listed, with a notice. Rows whose distinct tokens are unknown count as fresh.
        """
        if self.unique_tokens is None:
            return self
        repeated, notice = repeated_rows(self.D, self.unique_tokens)
        if notice is None:
            return self
        fresh = self.select(~repeated, LEFT_TO_THEIR_FORM, notice.code)
        return replace(fresh, notices=(*self.notices, notice))

    @cached_property
    def run_number(self) -> Labels:
        """A number for each row's run, from 0 without gaps, (rows,)."""
        return numbered(np.array(self.run_id, dtype=str)) if len(self) else np.zeros(0, dtype=np.int64)

    @cached_property
    def tree_number(self) -> Labels:
        """A number for each row's tree of runs with common steps, from 0 without gaps, (rows,)."""
        return numbered(np.array(self.trees, dtype=str)) if len(self) else np.zeros(0, dtype=np.int64)

    @cached_property
    def has_runs(self) -> bool:
        """Whether the source names a run for any row; else each row counts as a run of its own."""
        return any(name != unnamed_run(row) for name, row in zip(self.run_id, self.row.tolist(), strict=True))

    def summary(self) -> TableSummary:
        """Counts, exclusions, conventions, and what was read from where."""
        source = self.source
        named = ("params_convention", "flops_convention", "loss_unit", "schedule")
        return TableSummary(
            rows_read=self.rows_read,
            rows_used=len(self),
            filtered=self.filtered,
            runs=len(set(self.run_id)),
            dropped=self.dropped,
            cells=tuple(
                RepresentedRows(row=int(self.row[i]), rows=int(self.kept_counts[i]))
                for i in np.flatnonzero(self.kept_counts > 1).tolist()
            ),
            params_convention=self.params_convention,
            flops_convention=self.flops_convention,
            loss_unit=self.loss_unit,
            loss_unit_read="" if source is None else source.loss_unit_read,
            schedule=self.schedule,
            stated={name: name in self.stated for name in named},
            columns={} if source is None else source.columns,
            flops_check=None if source is None else source.flops_check,
            settings={} if source is None else source.settings,
            notices=self.notices,
        )
