"""What repeats among documents: copies of a whole document, and long lines that stood in an earlier one.

The first document of a text stays, and so does the first document's line. Both are found by sorting hashes on the
disk, so that memory does not grow with the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isoflop.corpus.gather import DOCUMENT, MIN_LINE_CHARACTERS, Spool, SpoolText, hash_bytes
from isoflop.corpus.records import Buckets, RecordFile, Records
from isoflop.errors import Notice
from isoflop.units import format_bytes

_SHOWN_CHARACTERS = 60
_REPEAT = np.dtype([("key", "<u8"), ("line", "<u8")])
"""The number of a document, and the hash of a line that an earlier one has."""


@dataclass(kw_only=True)
class Kept:
    """The documents that stay."""

    documents: RecordFile
    """A record of gather.DOCUMENT each, in the order in which they were read; lengths are those of what stays."""
    bytes_of: Counter[int] = field(default_factory=Counter)
    """{number of a domain: bytes that stay}."""
    commonest: tuple[str, int] | None = None
    """(the line that was dropped from the most documents, from how many); None where none was."""


class _Flags:
    """A bit a document: 1 TB of text in documents of 2 kB take 60 MB."""

    def __init__(self, count: int) -> None:
        self._bits = np.zeros(count // 8 + 1, dtype=np.uint8)

    def set(self, numbers: NDArray[np.uint64]) -> None:
        np.bitwise_or.at(self._bits, numbers >> np.uint64(3), np.uint8(1) << (numbers & np.uint64(7)).astype(np.uint8))

    def __getitem__(self, numbers: NDArray[np.uint64]) -> NDArray[np.bool_]:
        bits = self._bits[numbers >> np.uint64(3)] >> (numbers & np.uint64(7)).astype(np.uint8)
        chosen: NDArray[np.bool_] = (bits & np.uint8(1)).astype(bool)
        return chosen


def deduplicate(spool: Spool) -> Kept:
    """The documents of `spool` without copies and, unless it keeps them, without lines of earlier documents.

    Counts what goes in `spool.dropped`. Documents that lose lines are written anew, after all others in the spool.
    """
    copies = _Flags(spool.documents.count)
    for records in spool.by_digest.in_order():
        again = records["document"][1:][records["key"][1:] == records["key"][:-1]]
        copies.set(again)
        spool.dropped["duplicate_documents"] += len(again)
    repeats = Buckets(spool.folder, "repeats", _REPEAT, span=max(1, spool.documents.count))
    commonest = _find_repeats(spool, copies, repeats)
    kept = Kept(documents=RecordFile(spool.folder / "kept", DOCUMENT))
    text = SpoolText(spool.path)
    try:
        _write_kept(spool, text, copies, repeats, kept)
        if commonest is not None:
            kept.commonest = _line_of(spool, text, *commonest)
    finally:
        text.close()
    return kept


def _find_repeats(spool: Spool, copies: _Flags, repeats: Buckets) -> tuple[int, int, int] | None:
    """Adds to `repeats` what each document has to lose.

    Returns (hash, number of the first document that has it, how many more have it) of the line that goes most often.
    """
    commonest: tuple[int, int, int] | None = None
    for records in spool.by_line.in_order():
        first = np.flatnonzero(np.diff(records["key"], prepend=records["key"][:1] ^ np.uint64(1)))
        group = np.repeat(np.arange(len(first)), np.diff(first, append=len(records)))
        earliest = records["document"][first][group]
        # Sorted by line, then by document, as a stable sort leaves them: repeats inside a document are neighbours.
        again = np.flatnonzero((records["document"] != earliest) & ~copies[records["document"]])
        if not len(again):
            continue
        pairs, groups = records[again], group[again]
        fresh = np.ones(len(pairs), dtype=bool)
        fresh[1:] = (pairs["document"][1:] != pairs["document"][:-1]) | (groups[1:] != groups[:-1])
        pairs, groups = pairs[fresh], groups[fresh]
        found: Records = np.empty(len(pairs), dtype=_REPEAT)
        found["key"], found["line"] = pairs["document"], pairs["key"]
        repeats.add(found)
        most = int(np.argmax(counts := np.bincount(groups)))
        if commonest is None or counts[most] > commonest[2]:
            commonest = int(records["key"][first[most]]), int(records["document"][first[most]]), int(counts[most])
    return commonest


def _write_kept(spool: Spool, text: SpoolText, copies: _Flags, repeats: Buckets, kept: Kept) -> None:
    number, position = 0, spool.path.stat().st_size
    following = _lines_to_drop(repeats)
    document, hashes = next(following, (-1, set()))
    with spool.path.open("ab") as file:
        for read in spool.documents:
            records = read.copy()  # those that wait in memory are the spool's own
            numbers = np.arange(number, number + len(records), dtype=np.uint64)
            stays = ~copies[numbers]
            while number <= document < number + len(records):
                record = records[document - number]
                shorter = _without(text[int(record["start"]), int(record["length"])], hashes, spool.dropped)
                stays[document - number] = bool(shorter)
                record["start"], record["length"] = position, len(shorter)
                file.write(shorter)
                position += len(shorter)
                document, hashes = next(following, (-1, set()))
            number += len(records)
            staying = records[stays]
            for domain in np.unique(staying["domain"]).tolist():
                kept.bytes_of[domain] += int(staying["length"][staying["domain"] == domain].sum())
            kept.documents.add(staying)


def _lines_to_drop(repeats: Buckets) -> Iterator[tuple[int, set[bytes]]]:
    """(number of a document, hashes of the lines that it loses), in the order of the documents."""
    for records in repeats.in_order():
        for part in np.split(records, np.flatnonzero(np.diff(records["key"])) + 1):
            yield int(part["key"][0]), {int(value).to_bytes(8, "little") for value in part["line"].tolist()}


def _without(whole: bytes, hashes: set[bytes], dropped: Counter[str]) -> bytes:
    """The document without the lines of `hashes`; empty where nothing but blanks is left."""
    lines = whole.decode().split("\n")
    kept = [line for line in lines if len(line) < MIN_LINE_CHARACTERS or hash_bytes(line.encode()) not in hashes]
    dropped["duplicate_lines"] += len(lines) - len(kept)
    data = "\n".join(kept).encode()
    dropped["duplicate_line_bytes"] += len(whole) - len(data) if kept else len(whole) + 1
    data = data.strip(b"\n")
    if data.strip():
        return data
    dropped["empty_documents"] += 1
    return b""


def _line_of(spool: Spool, text: SpoolText, hashed: int, document: int, times: int) -> tuple[str, int]:
    """(the line with that hash in the document of that number, `times`)."""
    place = _record_of(spool.documents, document)
    lines = text[int(place["start"]), int(place["length"])].decode().split("\n")
    wanted = hashed.to_bytes(8, "little")
    return next(line for line in lines if hash_bytes(line.encode()) == wanted), times


def _record_of(documents: RecordFile, number: int) -> Records:
    for records in documents:
        if number < len(records):
            found: Records = records[number]
            return found
        number -= len(records)
    raise AssertionError("a line comes from a document that was read")


def repeated_lines_notice(spool: Spool, kept: Kept) -> list[Notice]:
    """`repeated_lines` where lines went: how many, and the one that went most often."""
    if kept.commonest is None:
        return []
    line, times = kept.commonest
    shown = line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}..."
    lost, whole = spool.dropped["duplicate_line_bytes"], spool.bytes
    message = (
        f"{spool.dropped['duplicate_lines']:,} lines of {MIN_LINE_CHARACTERS} characters or more that stand in an "
        f"earlier document were dropped ({format_bytes(lost)}, {lost / whole:.1%} of the text), most often, "
        f"{times:,} times, {shown!r}; --keep-repeated-lines keeps them"
    )
    return [Notice(code="repeated_lines", message=message)]
