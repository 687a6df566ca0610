import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.fit.size.bend import POWER_LAW_FLOPS, PUBLIC_BEND, ComputeDesign, public_bend


@given(
    st.lists(st.floats(30, 60), min_size=3, max_size=12, unique=True).filter(lambda x: np.ptp(x) > 0.5),
    st.floats(-0.05, 0.05),
    st.floats(0.2, 0.8),
)
def test_a_bent_line_is_its_straight_fit_and_what_lies_beyond_it(log_flops, bend, slope):
    x = np.array(log_flops)
    weights = np.ones(len(x))
    bent = 3.0 + slope * x + bend * (x - 45) ** 2
    straight = np.polynomial.Polynomial.fit(x, bent, 1)
    at = np.array([x.min(), x.max(), x.max() + 2.3])
    beyond = ComputeDesign.of(x, weights).beyond_line(at)
    # The line through the weighted moments is not least squares unless the design is symmetric: hold it there.
    symmetric = np.concatenate([x, x.min() + x.max() - x])
    exact = ComputeDesign.of(symmetric, np.ones(len(symmetric))).beyond_line(at)
    line = np.polynomial.Polynomial.fit(symmetric, bend * symmetric**2, 1)
    assert exact * bend == pytest.approx(bend * at**2 - line(at), abs=1e-9)
    assert beyond * bend == pytest.approx(bent_at(at, bend, slope) - straight(at), abs=1e-8)


def bent_at(x, bend, slope):
    return 3.0 + slope * x + bend * (x - 45) ** 2


def test_rows_that_count_more_pull_the_line() -> None:
    x = np.log([1e18, 1e19, 1e20, 1e21])
    late = ComputeDesign.of(x, np.array([0.01, 0.01, 1.0, 1.0]))
    even = ComputeDesign.of(x, np.ones(4))
    ten_times = np.log(1e22)
    assert 0 < late.beyond_line(ten_times) < even.beyond_line(ten_times)


def test_below_the_compute_of_laws_the_prior_says_less() -> None:
    assert public_bend(POWER_LAW_FLOPS) == public_bend(1e24) == PUBLIC_BEND
    below = public_bend(POWER_LAW_FLOPS / 100)
    assert below.sd == pytest.approx(3 * PUBLIC_BEND.sd)
    assert below.mean == pytest.approx(PUBLIC_BEND.mean / 3)
