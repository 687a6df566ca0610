import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.corpus import TokenBatches, windows_of
from isoflop.errors import InputError

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 40), st.integers(0, 11))
"""(seq_len, windows, tokens left over)"""


def tokens_for(seq_len: int, windows: int, rest: int) -> np.ndarray:
    return np.arange(windows * seq_len + 1 + rest % seq_len, dtype=np.uint16)


@given(SIZES, st.integers(0, 2**63), st.integers(0, 5))
def test_every_epoch_holds_every_window_once(sizes, seed, epoch):
    seq_len, windows, rest = sizes
    batches = TokenBatches(tokens_for(seq_len, windows, rest), seq_len, seed)
    assert batches.windows == windows
    read = batches.sequences(epoch * windows, windows)
    assert sorted(read[:, 0].tolist()) == [i * seq_len for i in range(windows)]
    assert (read == read[:, :1] + np.arange(seq_len + 1)).all()


@given(SIZES, st.integers(0, 99), st.integers(0, 90), st.lists(st.integers(1, 9), min_size=1, max_size=8))
@settings(deadline=None)
def test_batches_of_any_size_read_the_same_order(sizes, seed, first, counts):
    seq_len, windows, rest = sizes
    tokens = tokens_for(seq_len, windows, rest)
    whole = TokenBatches(tokens, seq_len, seed).sequences(first, sum(counts))
    stepwise = TokenBatches(tokens, seq_len, seed)
    parts, at = [], first
    for count in counts:
        parts.append(stepwise.sequences(at, count))
        at += count
    assert whole.dtype == np.int64
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    # Two shards that take turns see what one reader sees.
    one, two = TokenBatches(tokens, seq_len, seed), TokenBatches(tokens, seq_len, seed)
    turns = [(one if i % 2 else two).sequences(first + i, 1) for i in range(sum(counts))]
    np.testing.assert_array_equal(np.concatenate(turns), whole)


def test_order_is_pinned_and_differs_by_seed_and_epoch():
    tokens = np.arange(101, dtype=np.uint16)
    batches = TokenBatches(tokens, 10, seed=7)
    # Philox by (7, 0), frozen: a change here means that runs on disk cannot be resumed.
    assert batches.sequences(0, 10)[:, 0].tolist() == PINNED_ORDER
    assert batches.sequences(10, 10)[:, 0].tolist() != PINNED_ORDER
    assert TokenBatches(tokens, 10, seed=8).sequences(0, 10)[:, 0].tolist() != PINNED_ORDER


PINNED_ORDER = [80, 40, 10, 60, 30, 20, 70, 50, 90, 0]


def test_too_few_tokens_and_bad_positions():
    with pytest.raises(InputError, match="expected at least 9 tokens for a sequence of 8, got 8"):
        TokenBatches(np.arange(8), 8, 0)
    with pytest.raises(InputError, match="first and count"):
        TokenBatches(np.arange(9), 8, 0).sequences(-1, 2)


def test_windows_are_a_view_in_order():
    tokens = np.arange(10, dtype=np.uint16)
    windows = windows_of(tokens, 3)
    assert windows.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    assert np.shares_memory(windows, tokens)
