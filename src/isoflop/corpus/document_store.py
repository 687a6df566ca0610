"""Documents in one file on the disk, with records of their places, hashes and lines; memory holds none of the text."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from isoflop.corpus.records import Buckets, RecordFile, Records

MIN_LINE_CHARACTERS = 60
"""Length from which lines may not repeat. A shorter line may: a closing bracket, `See Wormil.`, an import. Longer
repeats are mostly copies, of licences for one: 0.06 % of the default text's bytes, 2.5 % of Python sources'."""

DOCUMENT = np.dtype([("start", "<u8"), ("length", "<u8"), ("digest", "<u8"), ("domain", "<u4")])
"""The place of a document in the store, its 64-bit hash as it was read, and the number of its domain."""
KEYED = np.dtype([("key", "<u8"), ("document", "<u8")])
"""A hash, and the number of the document that it is from."""
_TOGETHER = 2**15  # documents and lines whose records become arrays at once


def hash64(data: bytes) -> int:
    """64 bits of BLAKE2b: among 1e7 documents the probability of any collision is 3e-6."""
    return int.from_bytes(hash_bytes(data), "little")


def hash_bytes(data: bytes) -> bytes:
    """`hash64` as 8 bytes, little-endian."""
    return hashlib.blake2b(data, digest_size=8).digest()


def line_hashes(lines: list[str]) -> list[bytes]:
    """Hashes of the lines that may not repeat: those of at least MIN_LINE_CHARACTERS."""
    return [hash_bytes(line.encode()) for line in lines if len(line) >= MIN_LINE_CHARACTERS]


class DocumentStore:
    """Documents appended to a file in `folder`, with what finding repeats among them needs."""

    def __init__(self, folder: Path, *, keep_repeated_lines: bool = False) -> None:
        self.folder = folder
        self.path = folder / "documents.spool"
        self.keeps_lines = keep_repeated_lines
        self._file: BinaryIO = self.path.open("wb")
        self._position = 0
        self._rows: list[tuple[int, int, int, int]] = []
        self._lines: list[bytes] = []
        self._lines_each: list[int] = []
        self.documents = RecordFile(folder / "documents", DOCUMENT)
        """One record for each document, in the order in which they were added."""
        self.by_digest = Buckets(folder, "digests", KEYED)
        self.by_line = Buckets(folder, "lines", KEYED)
        self.dropped: Counter[str] = Counter(
            duplicate_documents=0, duplicate_lines=0, duplicate_line_bytes=0, empty_documents=0
        )

    def add(self, text: str, domain: int) -> int:
        """Add one document. Returns its bytes.

        Each line end becomes a newline, and trailing blanks are removed; a document of blanks only is dropped.
        """
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = list(map(str.rstrip, text.split("\n")))
        whole = "\n".join(lines).strip("\n").encode()
        if not whole.strip():
            self.dropped["empty_documents"] += 1
            return 0
        self._rows.append((self._position, len(whole), hash64(whole), domain))
        if not self.keeps_lines:
            hashes = line_hashes(lines)
            self._lines += hashes
            self._lines_each.append(len(hashes))
        self._file.write(whole)
        self._position += len(whole)
        if len(self._rows) + len(self._lines) >= _TOGETHER:
            self._record()
        return len(whole)

    @property
    def bytes(self) -> int:
        """Bytes of all documents that were added, copies included."""
        return self._position

    def _record(self) -> None:
        rows: Records = np.array(self._rows, dtype=DOCUMENT)
        numbers = np.arange(self.documents.count, self.documents.count + len(rows), dtype=np.uint64)
        self.documents.add(rows)
        self.by_digest.add(_keyed(rows["digest"], numbers))
        if self._lines:
            self.by_line.add(_keyed(np.frombuffer(b"".join(self._lines), "<u8"), np.repeat(numbers, self._lines_each)))
        self._rows, self._lines, self._lines_each = [], [], []

    def close(self) -> None:
        """Write what is buffered; no document may be added afterwards."""
        if self._rows:
            self._record()
        self._file.close()


def _keyed(keys: NDArray[np.uint64], documents: NDArray[np.uint64]) -> Records:
    records: Records = np.empty(len(keys), dtype=KEYED)
    records["key"], records["document"] = keys, documents
    return records


class StoredText:
    """Read access to a closed store: documents by place."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)

    def __getitem__(self, place: tuple[int, int]) -> bytes:
        """The bytes of the document at (start, length)."""
        start, length = place
        data = os.pread(self._descriptor, length, start)
        while len(data) < length:  # one call reads at most 2 GiB
            more = os.pread(self._descriptor, length - len(data), start + len(data))
            assert more, "the store is as long as its records state"
            data += more
        return data

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
