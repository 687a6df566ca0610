"""Repeats among documents: copies of a whole document, and long lines that stand in an earlier one.

The first of equal documents stays, and a line stays in the first document that has it. Both are found by sorting
hashes on the disk, so that memory does not grow with the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isoflop.corpus.document_store import DOCUMENT, MIN_LINE_CHARACTERS, DocumentStore, StoredText, hash_bytes
from isoflop.corpus.records import Buckets, RecordFile, Records
from isoflop.errors import Notice
from isoflop.units import format_bytes, percent

_SHOWN_CHARACTERS = 60
_REPEAT = np.dtype([("key", "<u8"), ("line", "<u8")])
"""The number of a document, and the hash of a line that an earlier one has."""


@dataclass(kw_only=True)
class UniqueDocuments:
    """The documents that stay, each once."""

    documents: RecordFile
    """Records of DOCUMENT in the order in which they were read; lengths are those of the text that stays."""
    bytes_of: Counter[int] = field(default_factory=Counter)
    """{number of a domain: bytes of its text that stay}."""
    commonest: tuple[str, int] | None = None
    """(the line that was dropped from most documents, from how many); None where no line was."""


class _Flags:
    """One bit for each document: 1 TB of text in documents of 2 kB takes 60 MB."""

    def __init__(self, count: int) -> None:
        self._bits = np.zeros(count // 8 + 1, dtype=np.uint8)

    def set(self, numbers: NDArray[np.uint64]) -> None:
        np.bitwise_or.at(self._bits, numbers >> np.uint64(3), np.uint8(1) << (numbers & np.uint64(7)).astype(np.uint8))

    def __getitem__(self, numbers: NDArray[np.uint64]) -> NDArray[np.bool_]:
        bits = self._bits[numbers >> np.uint64(3)] >> (numbers & np.uint64(7)).astype(np.uint8)
        chosen: NDArray[np.bool_] = (bits & np.uint8(1)).astype(bool)
        return chosen


def deduplicate(store: DocumentStore) -> UniqueDocuments:
    """The documents of `store` without copies and, unless it keeps them, without lines of earlier documents.

    Counts what is dropped in `store.dropped`. Documents that lose lines are appended to the store in their short form.
    """
    copies = _Flags(store.documents.count)
    for records in store.by_digest.in_order():
        # Sorted by hash, equal documents are neighbours, the first of them in front.
        repeated = records["document"][1:][records["key"][1:] == records["key"][:-1]]
        copies.set(repeated)
        store.dropped["duplicate_documents"] += len(repeated)
    repeats = Buckets(store.folder, "repeats", _REPEAT, span=max(1, store.documents.count))
    commonest = _find_repeats(store, copies, repeats)
    unique = UniqueDocuments(documents=RecordFile(store.folder / "kept", DOCUMENT))
    text = StoredText(store.path)
    try:
        _write_unique(store, text, copies, repeats, unique)
        if commonest is not None:
            unique.commonest = _line_of(store, text, *commonest)
    finally:
        text.close()
    return unique


def _find_repeats(store: DocumentStore, copies: _Flags, repeats: Buckets) -> tuple[int, int, int] | None:
    """Adds to `repeats` the lines that each document loses.

    Returns (hash, number of the first document that has it, how many more have it) of the most repeated line.
    """
    commonest: tuple[int, int, int] | None = None
    for records in store.by_line.in_order():
        # One group for each hash of a line; XOR with 1 makes the first record differ from its "predecessor".
        first = np.flatnonzero(np.diff(records["key"], prepend=records["key"][:1] ^ np.uint64(1)))
        group = np.repeat(np.arange(len(first)), np.diff(first, append=len(records)))
        earliest = records["document"][first][group]
        later = np.flatnonzero((records["document"] != earliest) & ~copies[records["document"]])
        if not len(later):
            continue
        # A stable sort left them in the order of documents: repeats inside one document are neighbours, and one of
        # them is enough.
        pairs, groups = records[later], group[later]
        fresh = np.ones(len(pairs), dtype=bool)
        fresh[1:] = (pairs["document"][1:] != pairs["document"][:-1]) | (groups[1:] != groups[:-1])
        pairs, groups = pairs[fresh], groups[fresh]
        lost: Records = np.empty(len(pairs), dtype=_REPEAT)
        lost["key"], lost["line"] = pairs["document"], pairs["key"]
        repeats.add(lost)
        most = int(np.argmax(counts := np.bincount(groups)))
        if commonest is None or counts[most] > commonest[2]:
            commonest = int(records["key"][first[most]]), int(records["document"][first[most]]), int(counts[most])
    return commonest


def _write_unique(
    store: DocumentStore, text: StoredText, copies: _Flags, repeats: Buckets, unique: UniqueDocuments
) -> None:
    number, position = 0, store.path.stat().st_size
    following = _lines_to_drop(repeats)
    document, hashes = next(following, (-1, set()))
    with store.path.open("ab") as file:
        for read in store.documents:
            records = read.copy()  # records that wait in memory belong to the store
            numbers = np.arange(number, number + len(records), dtype=np.uint64)
            stays = ~copies[numbers]
            while number <= document < number + len(records):
                record = records[document - number]
                shorter = _without(text[int(record["start"]), int(record["length"])], hashes, store.dropped)
                stays[document - number] = bool(shorter)
                record["start"], record["length"] = position, len(shorter)
                file.write(shorter)
                position += len(shorter)
                document, hashes = next(following, (-1, set()))
            number += len(records)
            staying = records[stays]
            for domain in np.unique(staying["domain"]).tolist():
                unique.bytes_of[domain] += int(staying["length"][staying["domain"] == domain].sum())
            unique.documents.add(staying)


def _lines_to_drop(repeats: Buckets) -> Iterator[tuple[int, set[bytes]]]:
    """(number of a document, hashes of the lines that it loses), in the order of documents."""
    for records in repeats.in_order():
        for part in np.split(records, np.flatnonzero(np.diff(records["key"])) + 1):
            yield int(part["key"][0]), {int(value).to_bytes(8, "little") for value in part["line"].tolist()}


def _without(whole: bytes, hashes: set[bytes], dropped: Counter[str]) -> bytes:
    """The document without the lines of `hashes`; empty where only blanks remain."""
    lines = whole.decode().split("\n")
    staying = [line for line in lines if len(line) < MIN_LINE_CHARACTERS or hash_bytes(line.encode()) not in hashes]
    dropped["duplicate_lines"] += len(lines) - len(staying)
    data = "\n".join(staying).encode()
    # each line counts with its line end; a document that loses all of them has one fewer than lines
    dropped["duplicate_line_bytes"] += len(whole) - len(data) if staying else len(whole) + 1
    data = data.strip(b"\n")
    if data.strip():
        return data
    dropped["empty_documents"] += 1
    return b""


def _line_of(store: DocumentStore, text: StoredText, hashed: int, document: int, times: int) -> tuple[str, int]:
    """(the line with that hash in the document of that number, `times`)."""
    place = _record_of(store.documents, document)
    lines = text[int(place["start"]), int(place["length"])].decode().split("\n")
    wanted = hashed.to_bytes(8, "little")
    return next(line for line in lines if hash_bytes(line.encode()) == wanted), times


def _record_of(documents: RecordFile, number: int) -> Records:
    for records in documents:
        if number < len(records):
            record: Records = records[number]
            return record
        number -= len(records)
    raise AssertionError("a line comes from a document that was read")


def repeated_lines_notice(store: DocumentStore, unique: UniqueDocuments) -> list[Notice]:
    """The notice `repeated_lines` where lines were dropped: how many, and the most frequent one."""
    if unique.commonest is None:
        return []
    line, times = unique.commonest
    shown = line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}..."
    lost, whole = store.dropped["duplicate_line_bytes"], store.bytes
    message = (
        f"{store.dropped['duplicate_lines']:,} lines of {MIN_LINE_CHARACTERS} characters or more that stand in an "
        f"earlier document were dropped ({format_bytes(lost)}, {percent(lost / whole)} of the text), most often, "
        f"{times:,} times, {shown!r}; --keep-repeated-lines keeps them"
    )
    return [Notice(code="repeated_lines", message=message)]
