"""How much of a text is new: the share of its grams that are different ones, from a sample that does not grow.

Kept are the hashes below a threshold, which is halved whenever there are too many: a sample of the different grams,
with how often each came (Flajolet 1990, adaptive sampling).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_KEPT = 2**20  # a share of one half is known to .0005


class Repeats:
    """Counts how often grams come that are shown to it piece by piece."""

    def __init__(self, most_kept: int = _MOST_KEPT) -> None:
        self._most = most_kept
        self._below = 2**64
        self._hashes = np.empty(0, dtype=np.uint64)
        self._times = np.empty(0, dtype=np.int64)
        self._waiting: list[NDArray[np.uint64]] = []
        self._waiting_count = 0

    def see(self, grams: NDArray[np.uint64]) -> None:
        """Take a few more."""
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
            kept = _mixed(self._hashes) < np.uint64(self._below)
            self._hashes, self._times = self._hashes[kept], self._times[kept]

    def different(self) -> float | None:
        """Different grams over all grams, 0 to 1; None without any."""
        self._merge()
        return len(self._hashes) / int(self._times.sum()) if len(self._hashes) else None


def _mixed(grams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes whose high bits depend on all of them; those of grams are polynomials, even in the low ones only."""
    mixed: NDArray[np.uint64] = (grams ^ (grams >> np.uint64(31))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(29))
