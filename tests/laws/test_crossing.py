"""Roots of falling functions are those of scipy, for arrays of them at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from isoflop.laws.crossing import crossing


@given(
    root=st.lists(st.floats(-8, 8), min_size=1, max_size=5),
    steep=st.floats(0.05, 5),
    bent=st.floats(0, 2),
)
@settings(max_examples=60, deadline=None)
def test_roots_are_those_of_brent(root, steep, bent):
    at = np.asarray(root)

    def falling(x):
        return -steep * (x - at) - bent * np.sinh((x - at) / 3)

    found = crossing(falling, np.full(at.shape, -10.0), np.full(at.shape, 10.0), tolerance=1e-13)
    assert found == pytest.approx(at, abs=1e-12)
    brent = brentq(lambda x: float(-steep * (x - at[0]) - bent * np.sinh((x - at[0]) / 3)), -10, 10, xtol=1e-13)
    assert found[0] == pytest.approx(brent, abs=1e-12)


def test_it_asks_a_smooth_function_a_dozen_times():
    asked = []

    def falling(x):
        asked.append(1)
        return 1 - np.exp(0.3 * (x - np.asarray([-7.0, 0.1, 9.0])))

    crossing(falling, np.full(3, -12.0), np.full(3, 12.0), tolerance=1e-13)
    assert len(asked) <= 16


def test_a_jump_is_found_and_without_a_change_of_sign_the_nearer_end_comes_back():
    found = crossing(lambda x: np.where(x < 0.3, 1.0, -2.0), -10.0, 10.0, tolerance=1e-13)
    assert found == pytest.approx(0.3, abs=1e-12)
    assert crossing(lambda x: 100.0 - x, [0.0, 5.0], [10.0, 20.0], tolerance=1e-13).tolist() == [10.0, 20.0]
    assert crossing(lambda x: -1.0 - x, [0.0], [10.0], tolerance=1e-13).tolist() == [0.0]
