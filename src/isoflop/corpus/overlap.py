"""Contamination: the share of the 13-grams of words of the validation text that stand in the training text.

Thirteen words is the span by which GPT-3 looked for test text in training text (Brown et al. 2020, Appendix C).
White space separates words; a gram lies within one document. Grams are compared by 64-bit hashes: all of them for up to
8 MiB of validation text; with more text a sample, chosen by the words they begin with, so that memory does not grow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.units import percent

GRAM_WORDS = 13
# An odd multiplier (Knuth's, as in his MMIX generator): word hashes are polynomials in it modulo 2**64.
_BASE = 6364136223846793005
_INVERSE = pow(_BASE, -1, 2**64)
_SPACE = np.zeros(256, dtype=bool)
_SPACE[[9, 10, 11, 12, 13, 32]] = True
_WHOLE_BYTES = 8 * 2**20  # of validation text: 1.5 million grams, 12 MB of hashes
_ANCHOR_WORDS = 3  # with one, a common word would take all grams that begin with it into the sample or out of it
_FILTER_BITS = 24
_MOST_STORED = 2**20  # a share of one half is known to .0005
_MANY, _ALL = 0.5, 0.995  # from half on, the loss does not measure new text; what prints as 100 % measures none

_powers: dict[int, NDArray[np.uint64]] = {}


def _powers_of(base: int, count: int) -> NDArray[np.uint64]:
    """base**0 to base**(count - 1) modulo 2**64, (count,); the longest array so far is cached."""
    known = _powers.get(base)
    if known is None or len(known) < count:
        factors = np.full(max(count, 2**20), base, dtype=np.uint64)
        factors[:1] = 1
        known = _powers[base] = np.cumprod(factors)
    return known[:count]


def sampled_one_in(validation_bytes: int) -> int:
    """The n of "one in n grams is compared" for so much validation text: 1, or a power of two.

    >>> sampled_one_in(750_000), sampled_one_in(30_000_000)
    (1, 4)
    """
    return 1 << max(0, -(-validation_bytes // _WHOLE_BYTES) - 1).bit_length()


def gram_hashes(documents: Sequence[bytes], one_in: int = 1) -> NDArray[np.uint64]:
    """Hashes of the 13-grams of words of each document in order, (grams,); empty if all documents are shorter.

    With `one_in`, a power of two, only grams that begin with one in so many triples of words.

    >>> a, b = gram_hashes([b"a b c d e f g h i j k l m"]), gram_hashes([b"a b c d e f g h i j k l  m n"])
    >>> len(a), len(b), bool(a[0] == b[0])
    (1, 2, True)
    """
    text = np.frombuffer(b"\n".join(documents) + b"\n", dtype=np.uint8)
    space = np.take(_SPACE, text)
    edges = np.flatnonzero(space[1:] != space[:-1]) + 1
    if not space[0]:
        edges = np.concatenate([np.zeros(1, dtype=edges.dtype), edges])
    starts, ends = edges[::2], edges[1::2]
    count = len(starts) - GRAM_WORDS + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    words = _word_hashes(text, starts, ends)
    words_to = np.searchsorted(starts, np.cumsum([len(d) + 1 for d in documents]))
    document = np.repeat(np.arange(len(documents)), np.diff(words_to, prepend=0))
    inside = document[:count] == document[GRAM_WORDS - 1 :]
    if one_in > 1:
        anchors = words[:count].copy()
        for place in range(1, _ANCHOR_WORDS):
            anchors = anchors * np.uint64(_BASE) + words[place : place + count]
        inside &= (anchors >> np.uint64(40)) % np.uint64(one_in) == 0
    chosen = np.flatnonzero(inside)
    grams = np.zeros(len(chosen), dtype=np.uint64)
    for place in range(GRAM_WORDS):
        grams *= np.uint64(_BASE)
        grams += words[chosen + place]
    return grams


def _word_hashes(text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.uint64]:
    # A word's hash is a polynomial in its bytes. With prefix sums of byte * base**position, that of text[a:b] is
    # (prefix[b] - prefix[a]) / base**a modulo 2**64: no loop over words. The last lines mix its bits (SplitMix64).
    prefix = np.empty(len(text) + 1, dtype=np.uint64)
    prefix[0] = 0
    prefix[1:] = text
    prefix[1:] += np.uint64(1)
    prefix[1:] *= _powers_of(_BASE, len(text))
    np.cumsum(prefix, out=prefix)
    words: NDArray[np.uint64] = (prefix[ends] - prefix[starts]) * _powers_of(_INVERSE, len(text))[starts]
    words = (words ^ (words >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(32)
    return words


def overlap_notices(shares: Mapping[str, float | None]) -> list[Notice]:
    """`validation_in_training` for domains of which half or more was seen in training; `shares` are by domain.

    Raises RefusedError `validation_is_training` where that is all of it: a loss on such text says nothing.
    """
    seen = {name: share or 0.0 for name, share in shares.items()}
    whole = [name for name, share in seen.items() if share >= _ALL]
    if whole:
        raise RefusedError(
            "validation_is_training",
            f"{', '.join(whole)}: all of the validation text (its {GRAM_WORDS}-grams of words) stands in the training "
            "text too, so its loss would measure memory; the text holds copies of itself: give each text once, or "
            "leave this path out",
        )
    many = [f"{name} {percent(share, 0)}" for name, share in seen.items() if share >= _MANY]
    if not many:
        return []
    message = (
        f"much of the validation text (its {GRAM_WORDS}-grams of words) stands in the training text too: "
        f"{', '.join(many)}; its loss measures memory as well: give each text once"
    )
    return [Notice(code="validation_in_training", message=message)]


class Repeats:
    """The share of grams that are distinct, in text that is passed in pieces, from a sample of bounded size.

    The hashes below a threshold are stored, and the threshold is halved whenever there are too many: a sample of the
    distinct grams, with the count of each (Flajolet 1990, adaptive sampling).
    """

    def __init__(self, most_stored: int = _MOST_STORED) -> None:
        self._most = most_stored
        self._below = 2**64
        self._hashes = np.empty(0, dtype=np.uint64)
        self._times = np.empty(0, dtype=np.int64)
        self._waiting: list[NDArray[np.uint64]] = []
        self._waiting_count = 0

    def see(self, grams: NDArray[np.uint64]) -> None:
        """Count grams, by their hashes."""
        if self._below < 2**64:
            grams = grams[_mixed(grams) < np.uint64(self._below)]
        self._waiting.append(grams)
        self._waiting_count += len(grams)
        if self._waiting_count >= self._most:
            self._merge()

    def _merge(self) -> None:
        new = np.concatenate([self._hashes, *self._waiting])
        times = np.concatenate([self._times, np.ones(self._waiting_count, dtype=np.int64)])
        self._waiting, self._waiting_count = [], 0
        self._hashes, place = np.unique(new, return_inverse=True)
        self._times = np.bincount(place, weights=times, minlength=len(self._hashes)).astype(np.int64)
        while len(self._hashes) > self._most:
            self._below //= 2
            inside = _mixed(self._hashes) < np.uint64(self._below)
            self._hashes, self._times = self._hashes[inside], self._times[inside]

    def different(self) -> float | None:
        """Distinct grams over all grams, 0 to 1; None without any."""
        self._merge()
        return len(self._hashes) / int(self._times.sum()) if len(self._hashes) else None


def _mixed(grams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes whose high bits depend on all bits of the input, unlike those of the polynomials that hash grams."""
    mixed: NDArray[np.uint64] = (grams ^ (grams >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(29))


class Overlap:
    """Counts which validation grams occur in training text, which is passed in pieces."""

    def __init__(self, validation: Mapping[str, Sequence[NDArray[np.uint64]]], one_in: int = 1) -> None:
        """`validation` holds the gram hashes of each domain, in one or more arrays, made with the same `one_in`."""
        none = np.empty(0, dtype=np.uint64)
        self._one_in = one_in
        self._validation = {name: np.concatenate([none, *parts]) for name, parts in validation.items()}
        self._grams = np.unique(np.concatenate([none, *self._validation.values()]))
        self._seen = np.zeros(len(self._grams), dtype=bool)
        # Most training grams are not in the validation text: a table of their high bits rules them out quickly.
        self._maybe = np.zeros(2**_FILTER_BITS, dtype=bool)
        self._maybe[self._grams >> np.uint64(64 - _FILTER_BITS)] = True
        self.repeats = Repeats()
        """Repeats within the training text."""

    def see(self, documents: Sequence[bytes]) -> None:
        """Count the grams of training documents."""
        grams = gram_hashes(documents, self._one_in)
        self.repeats.see(grams)
        grams = grams[self._maybe[grams >> np.uint64(64 - _FILTER_BITS)]]
        if not len(grams):
            return
        places = np.minimum(np.searchsorted(self._grams, grams), len(self._grams) - 1)
        self._seen[places[self._grams[places] == grams]] = True

    def shares(self) -> dict[str, float | None]:
        """Share of each domain's grams that training text held; None where a domain has no gram."""
        known = self._grams[self._seen]
        return {
            name: float(np.isin(grams, known).mean()) if len(grams) else None
            for name, grams in self._validation.items()
        }
