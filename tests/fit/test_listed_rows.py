"""All rows of a table are listed one by one, but for very large ones."""

import numpy as np

from isoflop.fit.listed_rows import MOST_LISTED, listed_rows


def test_all_rows_of_most_tables():
    assert listed_rows(245, np.zeros(245)).tolist() == list(range(245))


def test_some_of_a_very_large_one_and_those_furthest_off():
    off = np.random.default_rng(0).standard_normal(10 * MOST_LISTED)
    off[[7, 100_001]] = 50, -60
    listed = listed_rows(len(off), off)
    assert {7, 100_001} <= set(listed.tolist())
    assert len(listed) <= MOST_LISTED
    assert np.all(np.diff(listed) > 0)
    assert len(listed_rows(len(off))) < MOST_LISTED
