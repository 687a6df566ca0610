"""CSV and TSV as spreadsheets, trackers and scripts write them: byte order marks, comments, `sep=;`; by columns.

Cells of large tables are kept as arrays of short words, a fifth of what lists of strings take.
"""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from isoflop.errors import InputError
from isoflop.observations.parsing import Cells, Words

_COMMENTS = ("#", "//")
_DELIMITERS = ",;\t|"
_PREAMBLE = 200  # lines in which a header has to stand
_SAMPLED = 20  # rows after the header that show which sign separates the cells
_BLOCK = 16384  # rows that are lists of strings at a time
_WIDEST = 40  # characters up to which a column is an array of words of one width
_LISTED = 5
_Block = tuple[str, ...] | Words
"""Cells of one column in some rows that follow each other."""
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def open_text(file: Path) -> TextIO:
    """`file` as lines of text, decompressed where it is gzipped or called so; UTF-8, or as its byte order mark says."""
    with file.open("rb") as start:
        packed = start.read(2) == b"\x1f\x8b" or file.name.lower().endswith(".gz")
    with gzip.open(file) if packed else file.open("rb") as start:
        first = start.read(3)
    encoding = next((name for mark, name in _MARKS.items() if first.startswith(mark)), "utf-8")
    if packed:
        return gzip.open(file, "rt", encoding=encoding, newline="")
    return file.open(encoding=encoding, newline="")


def read_delimited(file: Path, delimiter: str | None) -> tuple[dict[str, Cells], int, list[str]]:
    """({name: cells}, number of rows, what was found besides the table); `delimiter` None: as the file says.

    Raises InputError for columns of one name and for rows longer than the header.
    """
    with open_text(file) as lines:
        return _read(file, lines, delimiter)


def _read(file: Path, lines: TextIO, delimiter: str | None) -> tuple[dict[str, Cells], int, list[str]]:
    table = DelimitedBlocks(file, lines, delimiter)
    columns, rows = _columns(table)
    columns.pop("", None)  # the index that pandas writes
    if not rows:
        columns = {}
    return columns, rows, table.remarks()


class DelimitedBlocks:
    """A table in `lines`, some thousand rows at a time: `header`, then `blocks()`, then `remarks()`.

    Raises InputError as `read_delimited` does.
    """

    def __init__(self, file: Path, lines: TextIO, delimiter: str | None = None) -> None:
        self._file = file
        self._remarks: list[str] = []
        head = [line.rstrip("\r\n") for line in islice(lines, _PREAMBLE)]
        at, stated = _before_header(head, self._remarks)
        self.delimiter = stated or delimiter or _delimiter(head[at:])
        """What separates the cells."""
        self._body = _Body(chain((f"{line}\n" for line in head[at:]), lines), at)
        self._reader = csv.reader(self._body, delimiter=self.delimiter)
        self.header = [name.strip() for name in next(self._reader, [])]
        """Names of the columns."""
        self._body.past_header(self.delimiter, len(self.header))
        twice = sorted({name for name in self.header if name and self.header.count(name) > 1})
        if twice:
            raise InputError(
                f"{file}: expected a name for each column, got {', '.join(map(repr, twice))} more than once"
            )

    def blocks(self) -> Iterator[list[tuple[str, ...]]]:
        """The cells of each column, in blocks of rows; cells that a row lacks at its end are empty."""
        width, rows = len(self.header), 0
        while block := list(islice(self._reader, _BLOCK)):
            block = block if all(block) else [row for row in block if row]
            if set(map(len, block)) - {width}:
                for number, row in enumerate(block, start=rows + 1):
                    if len(row) > width:
                        raise InputError(
                            f"{self._file}: row {number}: expected {width} cells as in the header, got {len(row)}; is "
                            "the delimiter a comma, semicolon or tab, and the first line of the table its header?"
                        )
                block = [row + [""] * (width - len(row)) for row in block]
            rows += len(block)
            if block:
                yield list(zip(*block, strict=True))

    def remarks(self) -> list[str]:
        """What was found besides the table, once it was read."""
        comments = self._body.comments
        if not comments:
            return self._remarks
        some = ", ".join(map(str, comments[:_LISTED]))
        more = f" and {len(comments) - _LISTED} more" if len(comments) > _LISTED else ""
        one = len(comments) == 1
        text = f"line{'' if one else 's'} {some}{more} {'is a comment' if one else 'are comments'}: not read"
        return [*self._remarks, text]


def _before_header(head: list[str], remarks: list[str]) -> tuple[int, str]:
    """(index of the header's line, the delimiter that a `sep=` line states or ""); the header loses its own `#`."""
    stated, comments, at = "", 0, 0
    for at, line in enumerate(head):
        text = line.strip().strip('"')
        if text.lower().startswith("sep=") and len(text) <= 5 and not stated:
            stated = text[4:] or "\t"
            remarks.append(f"line {at + 1} states the delimiter: {text!r}")
        elif text.startswith(_COMMENTS):
            comments += 1
        elif text:
            break
    if comments and _is_header(head[at - 1], head[at], stated):
        head[at - 1] = head[at - 1].strip().lstrip("#/ ")
        at, comments = at - 1, comments - 1
        remarks.append(f"line {at + 1} is a comment that names the columns: read as the header")
    if comments:
        remarks.append(f"{comments} comment line{'s' if comments > 1 else ''} above the header: not read")
    return at, stated


def _is_header(comment: str, first: str, stated: str) -> bool:
    """Whether a comment names the columns of numbers in the line after it, as numpy.savetxt writes it."""
    if not comment.strip().startswith(_COMMENTS):
        return False
    text = comment.strip().lstrip("#/ ")
    delimiter = stated or _delimiter([text, first])  # decimal commas alone part the row, and not the names
    names, cells = text.split(delimiter), first.split(delimiter)
    # a cell such as 1.2B is a number too; names hardly begin with a digit
    return len(names) == len(cells) > 1 and any(map(_begins_a_number, cells)) and not any(map(_is_number, names))


def _begins_a_number(cell: str) -> bool:
    return re.match(r"\s*[\"']?[~+-]?\.?\d", cell) is not None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _delimiter(lines: Sequence[str]) -> str:
    """The sign that separates header and rows into equally many cells; a comma where none does.

    Semicolons and tabs in files called .csv come from spreadsheets, some of which write numbers with a decimal comma.
    """
    some = [line for line in lines if line.strip() and not line.strip().startswith(_COMMENTS)][: _SAMPLED + 1]
    if not some:
        return ","
    best, most = ",", (0.0, 1)
    for mark in _DELIMITERS:
        widths = [len(row) for row in csv.reader(some, delimiter=mark)]
        share = sum(width == widths[0] for width in widths) / len(widths)
        if widths[0] > 1 and (share, 1) > most:
            best, most = mark, (share, 1)
    return best if most[0] > 0 else next((mark for mark in _DELIMITERS if mark in some[0]), ",")


class _Body:
    """The lines of a table without comments, whose numbers are recorded; a quoted cell may span several lines."""

    def __init__(self, lines: Iterable[str], before: int) -> None:
        self.comments: list[int] = []
        self._lines = lines
        self._number = before
        self._width: tuple[str, int] | None = None
        self._rows_start_so = False

    def past_header(self, delimiter: str, width: int) -> None:
        """Treat later lines that start like comments as comments, unless the first row starts so too."""
        self._width = delimiter, width

    def __iter__(self) -> Iterator[str]:
        quoted, first = False, True
        for line in self._lines:
            self._number += 1
            if not quoted and self._width is not None and line.strip():
                if line.lstrip(" ").startswith(_COMMENTS):
                    self._rows_start_so |= first and line.count(self._width[0]) == self._width[1] - 1 > 0
                    if not self._rows_start_so:
                        self.comments.append(self._number)
                        continue
                first = False
            if '"' in line:
                quoted ^= line.count('"') % 2 == 1
            yield line


def _columns(table: DelimitedBlocks) -> tuple[dict[str, Cells], int]:
    rows = 0
    parts: list[list[_Block]] = [[] for _ in table.header]
    for block in table.blocks():
        rows += len(block[0])
        for part, cells in zip(parts, block, strict=True):
            part.append(cells)
            if len(part) > 1:
                part[-2:] = map(_compact, part[-2:])
    columns = {}
    for name, part in zip(table.header, parts, strict=True):
        columns[name] = _joined(part)
        part.clear()
    return columns, rows


def _compact(cells: _Block) -> _Block:
    """Words as an array of one width, a fifth of the memory; long ones stay as they are."""
    if isinstance(cells, np.ndarray) or len(max(cells, key=len)) > _WIDEST:
        return cells
    return np.array(cells, dtype=str)


def _joined(parts: list[_Block]) -> Cells:
    if len(parts) < 2:
        return parts[0] if parts else ()
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return list(chain.from_iterable(part.tolist() if isinstance(part, np.ndarray) else part for part in parts))
