"""Documents of text files. Nothing is guessed: what cannot be read is a problem with its place in the file.

Text is UTF-8, or UTF-16 and UTF-32 with their byte order mark. A reader yields the documents of one file and writes
what is wrong into a ReadingLog, so that all problems of all files are reported at once.
"""

from __future__ import annotations

import json
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import ModuleType

from isoflop.codec import Json
from isoflop.corpus.binary import BROKEN, open_utf8, what_to_do
from isoflop.corpus.documents import ReadingLog, separated
from isoflop.corpus.record_text import CHAT_KEYS, TEXT_KEYS, NoTextKey, text_of
from isoflop.errors import InputError, Notice

BLOCK_BYTES = 4 * 2**20
"""Files longer than this become several documents, cut at line ends, so that memory does not grow with a file."""
_LONGEST_LINE = 2**28
_MISSING_LISTED = 20
_HEAD_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the text is inside files."""

    text_key: str | None = None
    """The key of records, with dots into nested ones; None: the first of TEXT_KEYS, or a conversation."""
    separator: str | None = None
    """Text that ends a document inside a file; None: only the end of the file does."""


USUAL = Layout()


def _block_end(block: bytes) -> int:
    """Where to cut a block that is not the last: after its last line, else between two characters."""
    cut = block.rfind(b"\n") + 1
    if cut == 0:
        cut = len(block)
        while cut > len(block) - 4 and block[cut - 1] & 0xC0 == 0x80:
            cut -= 1
        if block[cut - 1] >= 0xC0:
            cut -= 1
    return cut


def _full(file: BufferedReader, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the file."""
    data = file.read(size)
    while 0 < len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


def _text_blocks(path: Path, log: ReadingLog) -> Iterator[str]:
    offset, mark = 0, 0
    head = rest = b""
    try:
        with open_utf8(path) as file:
            while True:
                read = _full(file, BLOCK_BYTES)
                block = rest + read
                head = head or block[:_HEAD_BYTES]
                last = len(read) < BLOCK_BYTES
                cut = len(block) if last else _block_end(block)
                # A byte order mark is no text, and only the first block can start with one.
                mark = 3 if offset == 0 and block.startswith(b"\xef\xbb\xbf") else 0
                text = block[mark:cut].decode()
                if "\0" in text:
                    at = offset + block.index(0)
                    log.problem(f"{path}: expected text, got a NUL byte at offset {at}; {what_to_do(path, head)}")
                    return
                yield text
                if last:
                    return
                offset, rest = offset + cut, block[cut:]
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-8"):
            place = f"byte 0x{error.object[error.start]:02x} at offset {offset + mark + error.start}"
            log.problem(f"{path}: expected UTF-8, got {place}; {what_to_do(path, head)}")
        else:
            log.problem(f"{path}: begins with the mark of {error.encoding} and continues otherwise ({error.reason})")
    except BROKEN as error:
        what = getattr(error, "strerror", None) or error
        log.problem(f"{path}: {what}; make it readable, fetch it again or leave it out")


def read_text(path: Path, log: ReadingLog, layout: Layout = USUAL) -> Iterator[str]:
    """The documents of a text file without its byte order mark: one, several of 4 MiB, or those between separators.

    A compressed file is recognised by its name.
    """
    blocks = _text_blocks(path, log)
    if layout.separator is None:
        yield from blocks
    else:
        yield from separated(blocks, layout.separator, log, BLOCK_BYTES)


def read_python(path: Path, log: ReadingLog) -> Iterator[str]:
    """The text of a Python source in its declared encoding; one that cannot be decoded is left out with a notice."""
    try:
        with tokenize.open(path) as file:
            yield file.read()
    except (SyntaxError, UnicodeDecodeError, OSError) as error:
        log.notices.append(Notice(code="unreadable_file", message=f"{path.name}: left out ({error})."))


def parsed(data: str | bytes) -> Json:
    """The JSON value in UTF-8 `data`. Raises ValueError that says what is wrong with it."""
    try:
        value: Json = json.loads(data if isinstance(data, str) else data.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8, got byte 0x{data[error.start]:02x} at offset {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read (nested too deeply)") from error
    except ValueError as error:  # a whole number of more digits than Python reads
        raise ValueError(f"not JSON that can be read ({error})") from error
    return value


class RecordTexts:
    """Takes the texts out of the records of one file, and collects what is wrong with them for the log."""

    def __init__(self, path: Path, log: ReadingLog, layout: Layout, remedy: str) -> None:
        self._path, self._log, self._layout, self._remedy = path, log, layout, remedy
        self._missing: list[str] = []
        self._missing_count = self._present = 0

    def of(self, record: Json, place: str) -> Iterator[str]:
        """The documents of one record, none where it is null or a problem."""
        try:
            text, chat = text_of(record, self._layout.text_key)
        except NoTextKey as error:
            self._missing_count += 1
            if len(self._missing) < _MISSING_LISTED:
                self._missing.append(f"{self._path} {place}: {str(error).replace('{remedy}', self._remedy)}")
            return
        except ValueError as error:
            self.wrong(place, error)
            return
        self._present += 1
        self._log.chats += chat
        if text is None:
            self._log.null_rows[self._path.name] += 1
        elif self._layout.separator is None:
            yield text
        else:
            yield from separated([text], self._layout.separator, self._log, max(1, len(text)))

    def wrong(self, place: str, error: ValueError) -> None:
        """Log a record that cannot be read."""
        self._log.problem(f"{self._path} {place}: {error}; {self._remedy}")

    def done(self) -> None:
        """Log the records without the key: one problem for a file that never has it, else one for each record."""
        if self._missing and not self._present:
            del self._missing[1:]
            self._missing_count = 1
        for message in self._missing:
            self._log.problem(message)
        self._log.count += self._missing_count - len(self._missing)


def read_jsonl(path: Path, log: ReadingLog, layout: Layout = USUAL) -> Iterator[str]:
    """The texts of a file of JSON lines (compressed too), one document a line; blank lines are passed over."""
    number = 0
    texts = RecordTexts(path, log, layout, "fix or delete the line")
    try:
        with open_utf8(path) as file:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    log.problem(f"{path} line {number}: expected JSON lines, got a line of over 256 MiB")
                    break
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if not line.strip():
                    continue
                try:
                    record = parsed(line.strip())
                except ValueError as error:
                    texts.wrong(f"line {number}", error)
                    continue
                yield from texts.of(record, f"line {number}")
    except UnicodeDecodeError as error:
        log.problem(f"{path}: begins with the mark of {error.encoding} and continues otherwise ({error.reason})")
    except BROKEN as error:
        log.problem(f"{path} after line {number}: {error}; fetch the file again or leave it out")
    texts.done()


def read_parquet(path: Path, log: ReadingLog, layout: Layout = USUAL) -> Iterator[str]:
    """The texts of a Parquet file, one document a row: of the column `text` or `content`, the one that was named, or
    conversations. Empty cells are passed over.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ModuleNotFoundError as error:
        raise InputError(f"{path}: Parquet needs pyarrow: pip install 'isoflop[tables]'") from error
    texts = RecordTexts(path, log, layout, "leave the row out")
    try:
        table = parquet.ParquetFile(path)
        names = table.schema_arrow.names
        column = _column(names, layout.text_key)
        if column is None:
            expected = " or ".join(TEXT_KEYS) if layout.text_key is None else layout.text_key
            log.problem(
                f"{path}: expected a column {expected}, got {', '.join(names)}; rename the column, or name it with "
                "--text-key"
            )
            return
        kind = table.schema_arrow.field(column).type
        if not _holds_text(pa, kind):
            log.problem(f"{path}: expected text in column {column}, got {kind}; convert it to strings")
            return
        number = 0
        for batch in table.iter_batches(batch_size=1024, columns=[column]):
            for value in batch.column(0).to_pylist():
                number += 1
                yield from texts.of({column: value}, f"row {number}")
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        log.problem(f"{path}: not a Parquet file that can be read ({error}); write it again or leave it out")
    texts.done()


def _column(names: list[str], key: str | None) -> str | None:
    """The column that holds the text, or the record that it is nested in."""
    wanted = (*TEXT_KEYS, *CHAT_KEYS) if key is None else (key, key.split(".")[0])
    return next((name for name in wanted if name in names), None)


def _holds_text(pa: ModuleType, kind: object) -> bool:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    nested = pa.types.is_struct(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(text or nested or pa.types.is_dictionary(kind))
