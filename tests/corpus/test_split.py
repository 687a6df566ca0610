import io
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isoflop.corpus.gather import Spool
from isoflop.corpus.split import MIN_VALIDATION_BYTES, Documents, _cuts, shuffled, split


@given(st.text(max_size=300), st.integers(4, 60))
def test_pieces_are_short_whole_and_lose_nothing(text, longest):
    data = text.encode()
    cuts = _cuts(data, longest)
    pieces = [data[a:b] for a, b in pairwise(cuts)]
    assert b"".join(pieces) == data
    assert all(len(piece) <= longest + 3 for piece in pieces)
    for piece in pieces:
        piece.decode()


def made(count: int, length: int, seed: int = 0) -> Documents:
    draw = np.random.default_rng(seed)
    return Documents(
        start=np.arange(count) * length,
        length=np.full(count, length),
        digest=draw.integers(0, 2**64, size=count, dtype=np.uint64),
    )


def test_share_of_validation_is_the_fraction_and_never_too_little():
    train, val = split(made(50_000, 200), 0.03)
    assert abs(len(val) / 50_000 - 0.03) < 0.003
    assert len(train) + len(val) == 50_000
    _, few = split(made(40, 1000), 0.001)
    assert MIN_VALIDATION_BYTES <= few.bytes < MIN_VALIDATION_BYTES + 1000


def test_order_depends_on_hashes_and_seed_alone():
    documents = made(500, 10)
    backwards = documents.take(np.arange(500)[::-1])
    halves = [documents.take(np.arange(250, 500)), documents.take(np.arange(250))]
    orders = [shuffled(parts, 3).digest.tolist() for parts in ([documents], [backwards], halves)]
    assert orders[0] == orders[1] == orders[2]
    assert shuffled([documents], 4).digest.tolist() != orders[0]
    assert np.corrcoef(shuffled([documents], 3).start, np.arange(500))[0, 1] < 0.2


def test_a_line_may_repeat_inside_its_own_document():
    spool = Spool(io.BytesIO())
    refrain = "And so the river went on and on, and nobody on its banks could say where it went."
    spool.add(f"{refrain}\none\n{refrain}\r\n", 0)
    assert list(spool.length) == [2 * len(refrain) + 5]
    spool.add(f"two\n{refrain}\nthree", 0)
    assert spool.length[1] == len("two\nthree")
    spool.add(f"\n{refrain}   \n", 0)
    assert len(spool.length) == 2
    assert spool.dropped == {
        "duplicate_documents": 0,
        "duplicate_lines": 2,
        "duplicate_line_bytes": 2 * (len(refrain) + 1),
        "empty_documents": 1,
    }
