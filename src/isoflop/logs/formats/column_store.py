"""Columns of a table while its file is read, and after: a number takes eight bytes and a word four."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.errors import Notice, quoted
from isoflop.logs.points import Points
from isoflop.observations.columns import candidates
from isoflop.observations.parsing import Cells, is_empty_cell, read_numbers

WORDS = ("run_id", "status", "failed", "is_final", "failure_reason", "schedule", "seed")
"""Fields whose cells are names and words even where they look like numbers."""


@dataclass(kw_only=True, eq=False)
class Column:
    """One column of a table: numbers, or words."""

    name: str
    points: Points | None
    """Its numbers; None for a column of words."""
    codes: Labels = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Of a column of words: the index into `words` for each row, -1 where a cell is empty; (rows,)."""
    words: tuple[str, ...] = ()
    """The distinct words of the column."""
    unreadable: int = 0
    """Cells of a column of numbers that hold none."""
    example: str = ""
    """One of those."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableColumns:
    """A table."""

    rows: int
    columns: dict[str, Column]
    notices: tuple[Notice, ...]

    def numbers(self) -> dict[str, Points]:
        """{name: its numbers}, of the columns that hold numbers."""
        return {name: column.points for name, column in self.columns.items() if column.points is not None}


class GrowingColumns:
    """Columns while their file is read."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._parts: dict[str, list[tuple[Labels, Array]]] = {}
        self._coded: dict[str, tuple[dict[str, int], list[tuple[Labels, Labels]]]] = {}
        self._unreadable: dict[str, tuple[int, str]] = {}
        self._is_words: dict[str, bool] = {}
        self.rows = 0

    def add(self, columns: Mapping[str, Cells], rows: int) -> None:
        """Adds a block of rows; a column that it lacks is empty there."""
        for name, cells in columns.items():
            if name:
                self._add(name, cells)
        self.rows += rows

    def drop_last(self) -> None:
        """Forgets the last row."""
        self.rows -= 1

    def done(self, notices: Iterable[Notice]) -> TableColumns:
        """The table."""
        columns: dict[str, Column] = {}
        for name, words in self._is_words.items():
            columns[name] = self._word_column(name) if words else self._number_column(name)
        odd = [column for column in columns.values() if column.unreadable]
        more = [
            Notice(
                code="unreadable_cells",
                message=f"{column.name}: {column.unreadable} cells are no numbers: {quoted(column.example, 30)}",
            )
            for column in odd
        ]
        return TableColumns(rows=self.rows, columns=columns, notices=(*notices, *more))

    def _add(self, name: str, cells: Cells) -> None:
        if name not in self._is_words:
            self._is_words[name] = bool(fields_of(name) & set(WORDS))
        if not self._is_words[name]:
            done = _numbers(cells, name)
            if done is None and name not in self._parts:
                self._is_words[name] = True
            elif done is not None:
                rows, values, bad, example = done
                self._parts.setdefault(name, []).append((rows + self.rows, values))
                count, first = self._unreadable.get(name, (0, example))
                self._unreadable[name] = count + bad, first or example
                return
            else:
                count, first = self._unreadable.get(name, (0, ""))
                self._unreadable[name] = count + len(cells), first or str(cells[0])
                return
        known, parts = self._coded.setdefault(name, ({}, []))
        at: list[int] = []
        codes: list[int] = []
        for i, cell in enumerate(cells.tolist() if isinstance(cells, np.ndarray) else cells):
            word = _word(cell)
            if word:
                at.append(i + self.rows)
                codes.append(known.setdefault(word, len(known)))
        parts.append((np.array(at, dtype=np.int64), np.array(codes, dtype=np.int64)))

    def _number_column(self, name: str) -> Column:
        parts = self._parts.get(name, [])
        rows = np.concatenate([part for part, _ in parts]) if parts else np.zeros(0, dtype=np.int64)
        values = np.concatenate([part for _, part in parts]) if parts else np.zeros(0)
        inside = rows < self.rows
        bad, example = self._unreadable.get(name, (0, ""))
        points = Points(rows=rows[inside], values=values[inside])
        return Column(name=name, points=points, unreadable=bad, example=example)

    def _word_column(self, name: str) -> Column:
        known, parts = self._coded.get(name, ({}, []))
        codes = np.full(self.rows, -1, dtype=np.int64)
        for rows, found in parts:
            inside = rows < self.rows
            codes[rows[inside]] = found[inside]
        return Column(name=name, points=None, codes=codes, words=tuple(known))


def fields_of(name: str) -> set[str]:
    """The fields of a table that a column called `name` may hold."""
    return set(candidates([name]))


def _word(cell: object) -> str:
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    return str(cell).strip()


def _numbers(cells: Cells, name: str) -> tuple[Labels, Array, int, str] | None:
    """(rows, values, unreadable cells, one of them) of a block of one column; None where most cells are no numbers."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iuf":
        return np.arange(len(cells), dtype=np.int64), cells.astype(np.float64), 0, ""
    listed = cells.tolist() if isinstance(cells, np.ndarray) else cells
    kinds = set(map(type, listed))
    if bool not in kinds and type(None) not in kinds:
        try:
            return np.arange(len(listed), dtype=np.int64), np.array(listed, dtype=np.float64), 0, ""
        except (ValueError, TypeError, OverflowError):
            pass
    if kinds == {str}:
        rows = np.flatnonzero(np.array(listed, dtype=str) != "")
    else:
        rows = np.array([i for i, cell in enumerate(listed) if cell is not None and cell != ""], dtype=np.int64)
    some = [listed[i] for i in rows.tolist()]
    if bool not in kinds:
        try:
            return rows, np.array(some, dtype=np.float64), 0, ""
        except (ValueError, TypeError, OverflowError):
            pass
    texts = [cell if isinstance(cell, str) else repr(cell) if isinstance(cell, bool) else cell for cell in some]
    present = [i for i, cell in enumerate(texts) if not (isinstance(cell, str) and is_empty_cell(cell))]
    field_name = next(iter(fields_of(name)), "")
    found = read_numbers([texts[i] for i in present], field=field_name)
    if found.unreadable.sum() * 2 > len(present):
        return None
    good = ~found.unreadable
    bad = np.flatnonzero(found.unreadable)
    example = str(texts[present[int(bad[0])]]) if len(bad) else ""
    return rows[np.array(present, dtype=np.int64)[good]], found.values[good], len(bad), example
