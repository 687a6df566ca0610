"""The one table that every fit takes: (N, D, C, loss) of finished runs, checked once, exclusions counted and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoflop.errors import InputError, Notice
from isoflop.observations.columns import match_columns
from isoflop.units import format_quantity, parse_quantity

Array = NDArray[np.float64]

# FLOP counts of one model differ by up to 1.9 between conventions; beyond that a unit or a column is likely wrong.
_SIX_ND_FACTOR = 2.0


@dataclass(frozen=True, kw_only=True)
class DroppedRow:
    """A row that no fit sees."""

    row: int
    """Number of the row in its source, the first data row being 1."""
    reason: str
    """One sentence, with the value that led to it."""
    run_id: str = ""
    """Its run, where one was given."""

    def as_json(self) -> dict[str, Any]:
        """{row, reason, run_id}."""
        return {"row": self.row, "reason": self.reason, "run_id": self.run_id}


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """Runs in columns of equal length. Build with `from_rows`, `from_arrays` or `read_observations`."""

    N: Array
    """Parameters, in `params_convention`."""
    D: Array
    """Training tokens seen."""
    C: Array
    """Training FLOPs spent, in `flops_convention`: the fact, not the wish."""
    loss: Array
    """Loss, in `loss_unit`."""
    loss_se: Array | None = None
    """Standard error of each loss, where known."""
    budget: Array
    """FLOPs that the run was designed for: the wish. NaN where there was none."""
    unique_tokens: Array | None = None
    """Distinct tokens that D was drawn from, where known for every row."""
    run_id: tuple[str, ...]
    """Rows of one run share its id; everything resamples by it."""
    is_final: NDArray[np.bool_]
    """False for checkpoints before the run's end."""
    row: NDArray[np.int64]
    """Number of each row in its source, the first data row being 1."""
    rows_read: int
    """Rows of the source, dropped ones included."""
    dropped: tuple[DroppedRow, ...] = ()
    """What was left out, and why."""
    notices: tuple[Notice, ...] = ()
    """What looked odd and was kept."""
    params_convention: str = "total"
    """What N counts."""
    flops_convention: str = "six_n"
    """What C counts."""
    loss_unit: str = "nats_per_token"
    """Unit of the losses."""

    def __post_init__(self) -> None:
        lengths = {
            len(column) for column in (self.N, self.D, self.C, self.loss, self.budget, self.run_id, self.is_final)
        }
        if len(lengths) != 1:
            raise InputError(f"observations: expected columns of equal length, got lengths {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.N)

    @classmethod
    def from_arrays(
        cls,
        *,
        loss: ArrayLike,
        N: ArrayLike,
        D: ArrayLike | None = None,
        C: ArrayLike | None = None,
        budget: ArrayLike | None = None,
        run_id: Sequence[str] | None = None,
        params_convention: str = "total",
        flops_convention: str = "six_n",
        loss_unit: str = "nats_per_token",
    ) -> Observations:
        """Observations from columns, with D or C left out meaning C = 6 N D. Checks as `from_rows` does."""
        columns: dict[str, Any] = {"N": N, "D": D, "C": C, "loss": loss, "budget": budget, "run_id": run_id}
        given = {key: list(np.asarray(value)) for key, value in columns.items() if value is not None}
        lengths = {key: len(value) for key, value in given.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"observations: expected columns of equal length, got {lengths}")
        rows = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
        return cls.from_rows(
            rows, params_convention=params_convention, flops_convention=flops_convention, loss_unit=loss_unit
        )

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Mapping[str, Any]],
        *,
        params_convention: str = "total",
        flops_convention: str = "six_n",
        loss_unit: str = "nats_per_token",
        columns: Mapping[str, str] | None = None,
    ) -> Observations:
        """Observations from dicts under any of the names in observations/columns.py; quantities may be text ("70B").

        Two of N, D and C suffice: C = 6 N D fills the third, in float64. Rows with missing, unreadable, non-finite or
        non-positive values are dropped and listed; so are all but the best learning rate of a cell (same N and D).
        Raises InputError for no rows, and where loss, or two of N, D and C, have no column.
        """
        if not rows:
            raise InputError("observations: expected at least one row, got none")
        names = dict(columns) if columns else match_columns(dict.fromkeys(key for row in rows for key in row))
        if "loss" not in names or len(names.keys() & {"N", "D", "C"}) < 2:
            seen = ", ".join(dict.fromkeys(str(key) for row in rows for key in row))
            raise InputError(f"observations: expected columns for loss and two of N, D and C (C = 6ND), got {seen}")
        kept: list[dict[str, Any]] = []
        dropped: list[DroppedRow] = []
        for number, row in enumerate(rows, start=1):
            values = {field: row.get(column) for field, column in names.items()}
            run = "" if values.get("run_id") is None else str(values["run_id"])
            try:
                kept.append({**_numbers(values), "run_id": run or f"row-{number}", "row": number})
            except InputError as error:
                dropped.append(DroppedRow(row=number, reason=str(error), run_id=run))
        kept, worse = _best_of_cells(kept)
        dropped = sorted(dropped + worse, key=lambda item: item.row)

        def column(field: str, missing: float = np.nan) -> Array:
            return np.array([row.get(field, missing) for row in kept], dtype=np.float64)

        spread = column("loss_se")
        made = cls(
            N=column("N"),
            D=column("D"),
            C=column("C"),
            loss=column("loss"),
            loss_se=spread if len(kept) and np.all(np.isfinite(spread)) else None,
            budget=column("budget"),
            run_id=tuple(row["run_id"] for row in kept),
            is_final=np.array([row.get("is_final", True) for row in kept], dtype=bool),
            row=np.array([row["row"] for row in kept], dtype=np.int64),
            rows_read=len(rows),
            dropped=tuple(dropped),
            params_convention=params_convention,
            flops_convention=flops_convention,
            loss_unit=loss_unit,
        )
        return replace(made, notices=_oddities(made))

    def select(self, keep: ArrayLike, reason: str | None = None) -> Observations:
        """The rows where the mask `keep` is true; with a reason the others are added to `dropped`."""
        mask = np.asarray(keep, dtype=bool)
        gone = [
            DroppedRow(row=int(self.row[i]), reason=reason or "", run_id=self.run_id[i]) for i in np.flatnonzero(~mask)
        ]
        return replace(
            self,
            N=self.N[mask],
            D=self.D[mask],
            C=self.C[mask],
            loss=self.loss[mask],
            loss_se=None if self.loss_se is None else self.loss_se[mask],
            budget=self.budget[mask],
            unique_tokens=None if self.unique_tokens is None else self.unique_tokens[mask],
            run_id=tuple(name for name, kept in zip(self.run_id, mask, strict=True) if kept),
            is_final=self.is_final[mask],
            row=self.row[mask],
            dropped=tuple(sorted([*self.dropped, *gone], key=lambda item: item.row)) if reason else self.dropped,
        )

    def finals(self) -> Observations:
        """The ends of runs: what the parametric and isoFLOP fits take."""
        if np.all(self.is_final):
            return self
        return self.select(self.is_final, "a checkpoint before the end of its run")

    def as_json(self) -> dict[str, Any]:
        """The `observations` object of `fit --json`: counts, exclusions, conventions."""
        return {
            "rows_read": self.rows_read,
            "rows_used": len(self),
            "dropped": [item.as_json() for item in self.dropped],
            "params_convention": self.params_convention,
            "flops_convention": self.flops_convention,
            "loss_unit": self.loss_unit,
            "notices": [notice.as_json() for notice in self.notices],
        }


def _number(value: Any, what: str) -> float:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InputError(f"{what} is missing")
    try:
        return parse_quantity(value if isinstance(value, str) else float(value), what)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: expected a number, got {value!r}") from error


def _optional(value: Any, what: str) -> float | None:
    """A number, or None where the cell is empty or NaN: budgets and standard errors may be missing."""
    if value is None or (isinstance(value, str) and value.strip().lower() in ("", "nan", "none")):
        return None
    if not isinstance(value, str) and np.isnan(float(value)):
        return None
    return _number(value, what)


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Floats of one row, the third of N, D and C filled in. Raises InputError with all that is wrong with the row."""
    problems: list[str] = []
    row: dict[str, Any] = {}
    present = [key for key in ("N", "D", "C") if key in values]
    # Where all three have columns one of them may still be empty in this row.
    empty = [key for key in present if values[key] is None or values[key] == ""]
    needed = [key for key in present if key not in empty] if len(present) - len(empty) >= 2 else present
    for key in [*needed, "loss"]:
        try:
            row[key] = _number(values[key], key)
        except InputError as error:
            problems.append(str(error))
    for key in ("budget", "loss_se", "peak_lr"):
        try:
            number = _optional(values.get(key), key)
        except InputError as error:
            problems.append(str(error))
            continue
        if number is not None:
            row[key] = number
    if problems:
        raise InputError("; ".join(problems))
    if "C" not in row:
        row["C"] = 6.0 * row["N"] * row["D"]
    elif "D" not in row:
        row["D"] = row["C"] / (6.0 * row["N"])
    elif "N" not in row:
        row["N"] = row["C"] / (6.0 * row["D"])
    final = values.get("is_final")
    row["is_final"] = True if final is None else str(final).strip().lower() not in ("false", "0", "no", "0.0")
    row["seed"] = values.get("seed")
    return row


def _best_of_cells(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[DroppedRow]]:
    """Of each cell (same N, D and end) keep the learning rate with the best mean loss, and of that one row a seed.

    Different seeds at the best rate are replicates and all stay. Without a rate or a seed the best row stays.
    """
    cells: dict[tuple[str, str, bool], list[dict[str, Any]]] = {}
    for row in rows:
        cells.setdefault((f"{row['N']:.9g}", f"{row['D']:.9g}", row["is_final"]), []).append(row)
    kept, dropped = [], []
    for cell in cells.values():
        rates: dict[Any, list[dict[str, Any]]] = {}
        for row in cell:
            rates.setdefault(row.get("peak_lr"), []).append(row)
        best_rate = min(rates, key=lambda rate: float(np.mean([row["loss"] for row in rates[rate]])))
        winners: dict[str, dict[str, Any]] = {}
        for row in sorted(rates[best_rate], key=lambda item: (item["loss"], item["row"])):
            winners.setdefault(str(row.get("seed")), row)
        winning_rows = {row["row"] for row in winners.values()}
        best = min(winners.values(), key=lambda item: item["loss"])
        for row in cell:
            if row["row"] in winning_rows:
                kept.append(row)
                continue
            what = "another learning rate" if row.get("peak_lr") != best_rate else "a duplicate"
            beside = f"loss {row['loss']:.6g}, kept {best['loss']:.6g}"
            reason = f"{what} of the cell of row {best['row']} (same N and D): {beside}"
            dropped.append(DroppedRow(row=row["row"], reason=reason, run_id=row["run_id"]))
    return sorted(kept, key=lambda row: int(row["row"])), dropped


def _oddities(table: Observations) -> tuple[Notice, ...]:
    if not len(table) or not table.flops_convention.startswith("six_n"):
        return ()
    ratio = table.C / (6.0 * table.N * table.D)
    far = (ratio > _SIX_ND_FACTOR) | (ratio < 1 / _SIX_ND_FACTOR)
    if not np.any(far):
        return ()
    text = (
        f"C / 6ND lies between {ratio.min():.3g} and {ratio.max():.3g}, beyond a factor of {_SIX_ND_FACTOR:g} in "
        f"{int(far.sum())} of {len(table)} rows: so do exact FLOPs of small models, and mixed units; "
        f"first such row N = {format_quantity(float(table.N[far][0]))}, D = {format_quantity(float(table.D[far][0]))}"
    )
    return (Notice(code="flops_far_from_6nd", message=text),)
