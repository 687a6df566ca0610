"""How much of the validation text stands in the training text: the share of its 13-grams of words.

Thirteen words is the span by which GPT-3 looked for test text in training text (Brown et al. 2020, Appendix C).
Words are what white space separates; a gram lies inside one document. Grams are compared by 64-bit hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

GRAM_WORDS = 13
# An odd multiplier (Knuth's, as in his MMIX generator): word hashes are polynomials in it modulo 2**64.
_BASE = 6364136223846793005
_INVERSE = pow(_BASE, -1, 2**64)
_SPACE = np.zeros(256, dtype=bool)
_SPACE[[9, 10, 11, 12, 13, 32]] = True


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)


def gram_hashes(documents: Sequence[bytes]) -> NDArray[np.uint64]:
    """A hash for each 13 consecutive words of each document, in order; empty when all documents are shorter.

    >>> a, b = gram_hashes([b"a b c d e f g h i j k l m"]), gram_hashes([b"a b c d e f g h i j k l  m n"])
    >>> len(a), len(b), bool(a[0] == b[0])
    (1, 2, True)
    """
    text = np.frombuffer(b"\n".join(documents) + b"\n", dtype=np.uint8)
    space = _SPACE[text]
    edges = np.flatnonzero(np.diff(space.astype(np.int8), prepend=1))
    starts, ends = edges[::2], edges[1::2]
    if len(starts) < GRAM_WORDS:
        return np.empty(0, dtype=np.uint64)
    # The hash of text[a:b] is (prefix[b] - prefix[a]) / base**a: no loop over words.
    prefix = np.zeros(len(text) + 1, dtype=np.uint64)
    np.cumsum((text.astype(np.uint64) + np.uint64(1)) * _powers(_BASE, len(text)), out=prefix[1:])
    words = (prefix[ends] - prefix[starts]) * _powers(_INVERSE, len(text))[starts]
    words = (words ^ (words >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(32)
    count = len(words) - GRAM_WORDS + 1
    grams = np.zeros(count, dtype=np.uint64)
    for place in range(GRAM_WORDS):
        grams = grams * np.uint64(_BASE) + words[place : place + count]
    document = np.searchsorted(np.cumsum([len(d) + 1 for d in documents]), starts, side="right")
    inside: NDArray[np.uint64] = grams[document[:count] == document[GRAM_WORDS - 1 :]]
    return inside


class Overlap:
    """Counts which validation grams come up in training text that is shown to it piece by piece."""

    def __init__(self, validation: Mapping[str, Sequence[NDArray[np.uint64]]]) -> None:
        """`validation` holds the gram hashes of each domain, in one or more arrays."""
        none = np.empty(0, dtype=np.uint64)
        self._validation = {name: np.concatenate([none, *parts]) for name, parts in validation.items()}
        self._wanted = np.unique(np.concatenate([none, *self._validation.values()]))
        self._seen = np.zeros(len(self._wanted), dtype=bool)

    def see(self, documents: Sequence[bytes]) -> None:
        """Look through training documents."""
        if not len(self._wanted):
            return
        grams = gram_hashes(documents)
        places = np.minimum(np.searchsorted(self._wanted, grams), len(self._wanted) - 1)
        self._seen[places[self._wanted[places] == grams]] = True

    def shares(self) -> dict[str, float | None]:
        """Share of each domain's grams that training text held; None where a domain has no gram."""
        known = self._wanted[self._seen]
        return {
            name: float(np.isin(grams, known).mean()) if len(grams) else None
            for name, grams in self._validation.items()
        }
