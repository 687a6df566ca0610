"""Which documents are for validation, and in which order the others are trained on.

Both are functions of the documents' hashes alone: the order in which files were given changes nothing, and a document
that was for validation stays there when more text arrives.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.corpus.gather import Spool, SpoolText, hash64
from isoflop.errors import InputError

MIN_VALIDATION_BYTES = 4096
"""A domain's validation text at least: a few sequences of 1,024 tokens. Below it the mean loss is mostly noise."""
MIN_DOMAIN_BYTES = 4 * MIN_VALIDATION_BYTES
"""A domain's text at least: less than this cannot give both sides."""
_SMALLEST_PIECE = 2048


@dataclass(frozen=True, kw_only=True)
class Documents:
    """Places and hashes of documents in the spool, in arrays of one length."""

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    digest: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.start)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Documents:
        """The chosen documents, in the order chosen."""
        return Documents(start=self.start[chosen], length=self.length[chosen], digest=self.digest[chosen])

    @property
    def bytes(self) -> int:
        """Bytes of all documents."""
        return int(self.length.sum())


def documents_of(spool: Spool, domain: int) -> Documents:
    """The documents of one domain."""
    chosen = np.array(spool.domain, dtype=np.int64) == domain
    return Documents(
        start=np.array(spool.start, dtype=np.int64)[chosen],
        length=np.array(spool.length, dtype=np.int64)[chosen],
        digest=np.array(spool.digest, dtype=np.uint64)[chosen],
    )


def _cuts(text: bytes, longest: int) -> list[int]:
    """Where to cut `text` into pieces of at most about `longest` bytes: after a line, else a word, else a character."""
    cuts = [0]
    while len(text) - cuts[-1] > longest:
        first = cuts[-1] + longest // 2
        last = cuts[-1] + longest
        end = text.rfind(b"\n", first, last) + 1 or text.rfind(b" ", first, last) + 1 or last
        while end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
        cuts.append(end)
    return [*cuts, len(text)]


def cut_long(documents: Documents, text: SpoolText, val_fraction: float) -> Documents:
    """Documents with those above a quarter of the validation share cut into pieces, each a document of its own.

    Without this a domain of one book would fall on one side whole. Pieces are at least 2 KiB.
    """
    longest = max(_SMALLEST_PIECE, int(documents.bytes * val_fraction / 4))
    long = documents.length > longest
    if not long.any():
        return documents
    starts: list[int] = []
    lengths: list[int] = []
    digests: list[int] = []
    for start, length in zip(documents.start[long].tolist(), documents.length[long].tolist(), strict=True):
        whole = text[start, length]
        cuts = _cuts(whole, longest)
        for a, b in itertools.pairwise(cuts):
            starts.append(start + a)
            lengths.append(b - a)
            digests.append(hash64(whole[a:b]))
    rest = documents.take(~long)
    return Documents(
        start=np.concatenate([rest.start, np.array(starts, dtype=np.int64)]),
        length=np.concatenate([rest.length, np.array(lengths, dtype=np.int64)]),
        digest=np.concatenate([rest.digest, np.array(digests, dtype=np.uint64)]),
    )


def split(documents: Documents, val_fraction: float) -> tuple[Documents, Documents]:
    """(training, validation) of one domain, each in the order of the hashes.

    Validation are the documents whose hash lies in the lowest `val_fraction` of all 64-bit numbers, and the next ones
    up to 4 KiB where that is less. Raises InputError when the domain has under 16 KiB of text.
    """
    if documents.bytes < MIN_DOMAIN_BYTES:
        raise InputError(
            f"expected at least {MIN_DOMAIN_BYTES:,} bytes of text after duplicates were dropped, "
            f"got {documents.bytes:,}; give more text, or put it into one folder with the rest"
        )
    ordered = documents.take(np.argsort(documents.digest, kind="stable"))
    by_hash = int(np.searchsorted(ordered.digest, np.uint64(int(val_fraction * 2.0**64))))
    enough = int(np.searchsorted(np.cumsum(ordered.length), MIN_VALIDATION_BYTES)) + 1
    count = max(by_hash, enough)
    places = np.arange(len(ordered))
    return ordered.take(places[count:]), ordered.take(places[:count])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input moves half of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def shuffled(parts: list[Documents], seed: int) -> Documents:
    """All documents of `parts` in an order that the seed and the hashes decide."""
    everything = Documents(
        start=np.concatenate([part.start for part in parts]),
        length=np.concatenate([part.length for part in parts]),
        digest=np.concatenate([part.digest for part in parts]),
    )
    salt = _mixed(np.array([(seed + 1) * 0x9E3779B97F4A7C15 % 2**64], dtype=np.uint64))
    return everything.take(np.argsort(_mixed(everything.digest ^ salt), kind="stable"))
