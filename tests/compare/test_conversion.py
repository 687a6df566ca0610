import numpy as np
import pytest

from isoflop.compare.conversion import Conversion, pinned_multiplier


def test_a_pinned_floor_carries_the_answer() -> None:
    """((L_A - E) / (L_B - E))^(1 / alpha): compute falls to a power of what is above the floor."""
    loss_a, loss_b, alpha = 3.1, 3.02, 0.154
    for E in (1.0, 1.69, 2.2):
        held = pinned_multiplier(loss_a, loss_b, E, alpha)
        assert float(held) == pytest.approx(((loss_a - E) / (loss_b - E)) ** (1 / alpha), rel=1e-12)
        # The same from the law: what A needs for B's loss over what it spent for its own.
        spent = [((loss - E) / 40.0) ** (-1 / alpha) for loss in (loss_a, loss_b)]
        assert float(held) == pytest.approx(spent[1] / spent[0], rel=1e-12)


def test_a_loss_under_the_floor_is_reached_with_nothing() -> None:
    found = pinned_multiplier([3.0, 3.0, 1.5], [2.0, 1.6, 1.4], 1.7, 0.2)
    assert np.isfinite(found).tolist() == [True, False, False]


def test_the_slope_is_the_derivative_of_the_multiplier() -> None:
    floor, exponent = np.array([1.7, 0.0]), np.array([0.15, 0.05])
    conversion = Conversion(
        floor=floor, exponent=exponent, floors=floor[None], exponents=exponent[None], source="a test"
    )
    at, step = np.log(np.array([3.0, 2.8])), 1e-6
    by_step = conversion.log_multiplier(at + step, at - step) / (2 * step)
    assert conversion.per_gap(at) == pytest.approx(by_step, rel=1e-8)
    assert conversion.log_multiplier(at, at + 0.02) == pytest.approx(-conversion.log_multiplier(at + 0.02, at))
