"""Files -> documents. Text is UTF-8, nothing is guessed: what cannot be read is a problem with its place in the file.

A reader yields the documents of one file and appends what is wrong to a ReadingLog, so that all problems of all files
are told at once.
"""

from __future__ import annotations

import gzip
import json
import tokenize
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import Any

from isoflop.errors import InputError, Notice

TEXT_SUFFIXES = (".txt", ".text", ".md", ".rst")
JSONL_SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
PARQUET_SUFFIXES = (".parquet",)
TEXT_KEYS = ("text", "content")
"""Where a JSON line or a table keeps its text; the first of them that is there."""
BLOCK_BYTES = 4 * 2**20
"""Files longer than this become several documents, cut at line ends, so that memory does not grow with a file."""
_MOST_TOLD = 20


@dataclass
class ReadingLog:
    """What readers met. Problems end the build; notices travel into corpus.json."""

    problems: list[str] = field(default_factory=list)
    """The first 20, each with its file and place."""
    count: int = 0
    """How many problems there were in all."""
    notices: list[Notice] = field(default_factory=list)

    def problem(self, message: str) -> None:
        """Note one thing that must be mended."""
        self.count += 1
        if len(self.problems) < _MOST_TOLD:
            self.problems.append(message)

    def check(self) -> None:
        """Raise one InputError that lists the problems, if there were any."""
        if not self.problems:
            return
        more = [f"and {self.count - len(self.problems)} more"] if self.count > len(self.problems) else []
        raise InputError.gathered("text", [*self.problems, *more])


Reader = Callable[[Path, ReadingLog], Iterator[str]]


def _undecodable(path: Path, offset: int, byte: int) -> str:
    return (
        f"{path}: expected UTF-8, got byte 0x{byte:02x} at offset {offset}; "
        "convert it, e.g. `iconv -f latin1 -t utf-8`, or leave the file out"
    )


def _block_end(block: bytes) -> int:
    """Where to cut a block that is not a file's last: after its last line, else between two characters."""
    cut = block.rfind(b"\n") + 1
    if cut == 0:
        cut = len(block)
        while cut > len(block) - 4 and block[cut - 1] & 0xC0 == 0x80:
            cut -= 1
        if block[cut - 1] >= 0xC0:
            cut -= 1
    return cut


def read_text(path: Path, log: ReadingLog) -> Iterator[str]:
    """The text of a UTF-8 file (a byte-order mark is dropped): one document, or several of 4 MiB."""
    offset = 0
    rest = b""
    try:
        with path.open("rb") as file:
            while True:
                read = file.read(BLOCK_BYTES)
                block = rest + read
                last = len(read) < BLOCK_BYTES
                cut = len(block) if last else _block_end(block)
                # A byte-order mark is no text, and only the first block can start with one.
                mark = 3 if offset == 0 and block.startswith(b"\xef\xbb\xbf") else 0
                yield block[mark:cut].decode()
                if last:
                    return
                offset, rest = offset + cut, block[cut:]
    except UnicodeDecodeError as error:
        log.problem(_undecodable(path, offset + mark + error.start, error.object[error.start]))
    except OSError as error:
        log.problem(f"{path}: {error.strerror or error}; make it readable or leave it out")


def read_python(path: Path, log: ReadingLog) -> Iterator[str]:
    """The text of a Python source in its declared encoding; one that cannot be decoded is left out with a notice."""
    try:
        with tokenize.open(path) as file:
            yield file.read()
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        log.notices.append(Notice(code="unreadable_file", message=f"{path.name}: left out ({error})."))


def _text_of(line: bytes) -> str:
    """The document on one JSON line; ValueError says what is wrong with it."""
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, got byte 0x{line[error.start]:02x} at offset {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read (nested too deeply)") from error
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")
    for key in TEXT_KEYS:
        if key in value:
            text = value[key]
            if not isinstance(text, str):
                raise ValueError(f"{key!r}: expected text, got {type(text).__name__}")
            if any("\ud800" <= c <= "\udfff" for c in text):
                raise ValueError(f"{key!r} holds half of a surrogate pair")
            return text
    raise ValueError(f"no key {' or '.join(map(repr, TEXT_KEYS))}")


def _open(path: Path) -> BufferedIOBase:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def read_jsonl(path: Path, log: ReadingLog) -> Iterator[str]:
    """The texts of a file of JSON lines (.gz too), one document a line; blank lines are passed over."""
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    text = _text_of(line.strip())
                except ValueError as error:
                    log.problem(f"{path} line {number}: {error}; mend or delete the line")
                    continue
                yield text
    except (EOFError, OSError, zlib.error) as error:
        log.problem(f"{path} after line {number}: {error}; fetch the file again or leave it out")


def read_parquet(path: Path, log: ReadingLog) -> Iterator[str]:
    """The texts of a Parquet file's column `text` or `content`, one document a row; empty cells are passed over."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ModuleNotFoundError as error:
        raise InputError(f"{path}: Parquet needs pyarrow: pip install 'isoflop[tables]'") from error
    try:
        table: Any = parquet.ParquetFile(path)
        column = next((key for key in TEXT_KEYS if key in table.schema_arrow.names), None)
        if column is None:
            found = ", ".join(table.schema_arrow.names)
            log.problem(f"{path}: expected a column {' or '.join(TEXT_KEYS)}, got {found}; rename the column")
            return
        kind = table.schema_arrow.field(column).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            log.problem(f"{path}: expected text in column {column}, got {kind}; convert it to strings")
            return
        for batch in table.iter_batches(batch_size=1024, columns=[column]):
            yield from (text for text in batch.column(0).to_pylist() if text is not None)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        log.problem(f"{path}: not a Parquet file that can be read ({error}); write it again or leave it out")


_READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    (TEXT_SUFFIXES, read_text),
    (JSONL_SUFFIXES, read_jsonl),
    (PARQUET_SUFFIXES, read_parquet),
)
READABLE = (*TEXT_SUFFIXES, *JSONL_SUFFIXES, *PARQUET_SUFFIXES)
"""File name endings that `--text` takes."""


def reader_of(path: Path) -> Reader | None:
    """The reader for a file's name; None for a kind of file that holds no text for us."""
    name = path.name.lower()
    return next((reader for suffixes, reader in _READERS if name.endswith(suffixes)), None)
