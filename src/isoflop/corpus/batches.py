"""Batches as a pure function of (seed, position): any batch size and any sharding read the same order.

>>> batches = TokenBatches(np.arange(9), seq_len=2, seed=0)
>>> batches.windows, batches.sequences(0, 4).shape
(4, (4, 3))
>>> sorted(batches.sequences(0, 4)[:, 0].tolist())
[0, 2, 4, 6]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError


def windows_of(tokens: NDArray[np.integer], seq_len: int) -> NDArray[np.integer]:
    """All windows of `tokens` in order: a view of shape (windows, seq_len + 1), each overlapping the next by one token.

    The first seq_len tokens of a window are inputs, the last seq_len its targets: every token but the very first
    is a target exactly once (except a rest shorter than seq_len). Raises InputError below seq_len + 1 tokens.

    >>> windows_of(np.arange(6), 2).tolist()
    [[0, 1, 2], [2, 3, 4]]
    """
    if seq_len < 1:
        raise InputError(f"seq_len: expected at least 1, got {seq_len}")
    flat = np.asarray(tokens)  # a memmap's own indexing is several times slower than a plain array's
    count = (len(flat) - 1) // seq_len
    if count < 1:
        raise InputError(
            f"corpus: expected at least {seq_len + 1} tokens for a sequence of {seq_len}, got {len(flat)}; "
            "use more text or a smaller --seq-len"
        )
    step = flat.strides[0]
    return np.lib.stride_tricks.as_strided(flat, (count, seq_len + 1), (seq_len * step, step), writeable=False)


class TokenBatches:
    """An endless shuffled order of the windows of a token file: each epoch is a new permutation of all of them."""

    def __init__(self, tokens: NDArray[np.integer], seq_len: int, seed: int, vocab_size: int | None = None) -> None:
        """Batches of `tokens`, one-dimensional (a memory map too), of ids below `vocab_size` where that is stated.

        Raises InputError when they hold no whole window.
        """
        self._windows = windows_of(tokens, seq_len)
        self._seed = seed
        self._vocab_size = vocab_size
        self._cached: tuple[int, NDArray[np.int64]] | None = None

    @property
    def windows(self) -> int:
        """Sequences in one epoch."""
        return len(self._windows)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if self._cached is None or self._cached[0] != epoch:
            # The permutation sorts raw Philox words instead of calling Generator.permutation: NumPy promises equal
            # streams of its bit generators across versions, but not equal results of Generator's methods (NEP 19).
            key = np.array([self._seed % 2**64, epoch], dtype=np.uint64)
            words = np.random.Philox(key=key).random_raw(self.windows)
            self._cached = (epoch, np.argsort(words, kind="stable"))
        return self._cached[1]

    def sequences(self, first: int, count: int) -> NDArray[np.int64]:
        """The sequences number first to first + count - 1, int64 of shape (count, seq_len + 1).

        Raises InputError for an id beyond the vocabulary, which would index past the embedding.
        """
        if first < 0 or count < 0:
            raise InputError(f"sequences: expected first and count of at least 0, got {first} and {count}")
        out = np.empty((count, self._windows.shape[1]), dtype=np.int64)
        done = 0
        while done < count:
            epoch, offset = divmod(first + done, self.windows)
            rows = self._order(epoch)[offset : offset + count - done]
            out[done : done + len(rows)] = self._windows[rows]
            done += len(rows)
        if self._vocab_size is not None and count and (largest := int(out.max())) >= self._vocab_size:
            raise InputError(
                f"corpus: token id {largest} among the training tokens, and the vocabulary has {self._vocab_size}; "
                "delete the folder of the corpus and build it again"
            )
        return out
