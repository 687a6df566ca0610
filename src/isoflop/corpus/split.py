"""Which documents are for validation, and in which order the others are trained on.

Both are functions of the documents' hashes alone: the order of files changes nothing, and a document of the validation
set stays in it when more text is added. Hashes are sorted on the disk, one bucket at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isoflop.corpus.deduplicate import UniqueDocuments
from isoflop.corpus.document_store import StoredText, hash64
from isoflop.corpus.mixture import kept_shares
from isoflop.corpus.records import Buckets, RecordFile, Records
from isoflop.errors import InputError

MIN_VALIDATION_BYTES = 4096
"""Least validation text of a domain: a few sequences of 1,024 tokens. With less, the mean loss is mostly noise."""
MIN_DOMAIN_BYTES = 4 * MIN_VALIDATION_BYTES
"""Least text of a domain: less is not enough for both sides."""
_KEPT_SEED = 2**63
"""Decides which documents a mixture leaves out, whatever the seed of their order: beyond the seeds of studies."""
_SMALLEST_PIECE, _LARGEST_PIECE = 2048, 2**24

PLACE = np.dtype([("key", "<u8"), ("start", "<u8"), ("length", "<u8")])
"""A hash that decides the order, and the place of a document in the store."""


@dataclass(kw_only=True)
class Part:
    """The validation or training documents of one domain, or the training documents of all, as records of PLACE."""

    records: RecordFile | Buckets
    bytes: int = 0
    documents: int = 0

    def add(self, records: Records) -> None:
        """Add records of PLACE."""
        self.records.add(records)
        self.bytes += int(records["length"].sum())
        self.documents += len(records)

    def places(self) -> Iterator[tuple[int, int]]:
        """(start, length) of each document, in order."""
        parts = self.records.in_order() if isinstance(self.records, Buckets) else self.records
        for records in parts:
            yield from zip(records["start"].tolist(), records["length"].tolist(), strict=True)


def places_of(start: NDArray[np.uint64], length: NDArray[np.uint64], key: NDArray[np.uint64]) -> Records:
    """Records of PLACE."""
    records: Records = np.empty(len(start), dtype=PLACE)
    records["key"], records["start"], records["length"] = key, start, length
    return records


def _cuts(text: bytes, longest: int) -> list[int]:
    """Where to cut `text` into pieces of about `longest` bytes at most: after a line, else a word, else a character."""
    cuts = [0]
    while len(text) - cuts[-1] > longest:
        first = cuts[-1] + longest // 2
        last = cuts[-1] + longest
        end = text.rfind(b"\n", first, last) + 1 or text.rfind(b" ", first, last) + 1 or last
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
        cuts.append(end)
    return [*cuts, len(text)]


def longest_document(domain_bytes: int, val_fraction: float) -> int:
    """Bytes above which the documents of a domain are cut: a quarter of the validation share, 2 KiB to 16 MiB.

    Otherwise a domain that is one book would be on one side as a whole.
    """
    return min(max(_SMALLEST_PIECE, int(domain_bytes * val_fraction / 4)), _LARGEST_PIECE)


def cut_long(records: Records, text: StoredText, longest: int) -> Records:
    """Documents as records of PLACE; those of more than `longest` bytes become several documents."""
    long = records["length"] > longest
    whole = places_of(*(records[name][~long] for name in ("start", "length", "digest")))
    if not long.any():
        return whole
    pieces: list[tuple[int, int, int]] = []
    for start, length in zip(records["start"][long].tolist(), records["length"][long].tolist(), strict=True):
        document = text[start, length]
        pieces += [(hash64(document[a:b]), start + a, b - a) for a, b in itertools.pairwise(_cuts(document, longest))]
    return np.concatenate([whole, np.array(pieces, dtype=PLACE)])


def check_enough(domain_bytes: int) -> None:
    """Raises InputError where a domain has under 16 KiB of text."""
    if domain_bytes < MIN_DOMAIN_BYTES:
        raise InputError(
            f"expected at least {MIN_DOMAIN_BYTES:,} bytes of text after duplicates were dropped, "
            f"got {domain_bytes:,}; give more text, or put it into one folder with the rest"
        )


def split(
    documents: Buckets, val_fraction: float, validation: Part, train: Part, seed: int, kept: float = 1.0
) -> tuple[int, int]:
    """Distributes the documents of one domain to `validation`, in the order of the hashes, and `train`.

    Of those for training only the share `kept` is taken; of two shares the larger has all documents of the smaller.

    Validation has the documents whose hash is in the lowest `val_fraction` of all 64-bit numbers, and the next ones up
    to 4 KiB where these are less. Returns the (documents, bytes) of training, whose order `seed` and the hashes decide.
    """
    below = np.uint64(int(val_fraction * 2.0**64))
    before, count, size = 0, 0, 0  # bytes of the buckets so far; documents and bytes of training
    for records in documents.in_order():
        ahead = before + np.cumsum(records["length"], dtype=np.uint64) - records["length"]
        chosen = (records["key"] < below) | (ahead < MIN_VALIDATION_BYTES)
        before = int(ahead[-1] + records["length"][-1])
        validation.add(records[chosen])
        rest = records[~chosen]
        if kept < 1:
            rest = rest[shuffled(rest["key"], _KEPT_SEED) < np.uint64(int(kept * 2.0**64))]
        rest["key"] = shuffled(rest["key"], seed)
        train.add(rest)
        count, size = count + len(rest), size + int(rest["length"].sum())
    return count, size


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input moves half of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def shuffled(digests: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Keys by whose order documents with these hashes are trained on."""
    salt = _mixed(np.array([(seed + 1) * 0x9E3779B97F4A7C15 % 2**64], dtype=np.uint64))
    return _mixed(digests ^ salt)


def new_part(folder: Path, name: str, *, ordered: bool = False) -> Part:
    """An empty part with its records in `folder`; if `ordered`, they are read in the order of their keys."""
    return Part(records=Buckets(folder, name, PLACE) if ordered else RecordFile(folder / name, PLACE))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The documents of a corpus, by side."""

    train: Part
    validation: dict[str, Part]
    trained: list[tuple[int, int]]
    """(documents, bytes) of each domain in `train`."""


def divide(
    folder: Path,
    domains: Sequence[str],
    unique: UniqueDocuments,
    text: StoredText,
    val_fraction: float,
    seed: int,
    weights: Mapping[str, float],
) -> Parts:
    """Every document on its side, the training text of the domains in the ratio of `weights` where there are any.

    Raises InputError with the problems of all domains at once.
    """
    problems = []
    for number, domain in enumerate(domains):
        try:
            check_enough(unique.bytes_of[number])
        except InputError as error:
            problems.append(f"{domain}: {error}")
    if problems:
        raise InputError.gathered("corpus", problems)
    longest = [longest_document(unique.bytes_of[number], val_fraction) for number in range(len(domains))]
    pieces = [Buckets(folder, f"pieces-{number}", PLACE) for number in range(len(domains))]
    for records in unique.documents:
        for number in np.unique(records["domain"]).tolist():
            own = records[records["domain"] == number]
            pieces[number].add(cut_long(own, text, longest[number]))
    sizes = {domain: unique.bytes_of[number] for number, domain in enumerate(domains)}
    kept = kept_shares(sizes, weights) if weights else {}
    train = new_part(folder, "train", ordered=True)
    validation: dict[str, Part] = {}
    trained = []
    for number, domain in enumerate(domains):
        validation[domain] = new_part(folder, f"validation-{number}")
        trained.append(split(pieces[number], val_fraction, validation[domain], train, seed, kept.get(domain, 1.0)))
        pieces[number].clear()
    return Parts(train=train, validation=validation, trained=trained)
