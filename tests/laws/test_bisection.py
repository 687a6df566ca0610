"""Brackets of known places, and the tolerance that is promised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.laws.bisection import bisect, bracket


@given(place=st.floats(-5, 5), tolerance=st.floats(1e-12, 1.0), parts=st.integers(2, 40))
def test_a_bracket_holds_the_place_and_is_no_wider_than_promised(place: float, tolerance: float, parts: int) -> None:
    low, high = bracket(lambda x: x < place, -6.0, 7.0, tolerance=tolerance, parts=parts)
    assert low <= place + 1e-14
    assert place <= high + 1e-14
    assert high - low <= tolerance * (1 + 1e-9) + 4e-15


def test_intervals_are_narrowed_each_by_itself() -> None:
    places = np.array([[0.25], [2.5]]) + np.arange(3)
    middles = bisect(lambda x: x < places, np.zeros((2, 1)), 10.0, tolerance=1e-10)
    assert middles.shape == (2, 3)
    assert np.abs(middles - places).max() <= 1e-10


def test_below_the_spacing_of_floats_the_ends_are_neighbours() -> None:
    low, high = bracket(lambda x: x < 50.1, 0.0, 100.0, tolerance=1e-30)
    assert float(high) == np.nextafter(float(low), np.inf) == 50.1


@pytest.mark.parametrize("parts", [2, 32])
def test_without_a_change_inside_an_outer_part_comes_back(parts: int) -> None:
    assert bracket(lambda x: x < -1, 0.0, 1.0, tolerance=1e-3, parts=parts)[0] == 0
    assert bracket(lambda x: x < 9, 0.0, 1.0, tolerance=1e-3, parts=parts)[1] == 1
