import numpy as np
import pytest

from isoflop.compare.best_of import expected_best, shrunk


@pytest.mark.parametrize("variants", [1, 3, 20])
def test_the_best_of_equal_variants_is_expected_to_look_this_good(variants: int) -> None:
    drawn = np.random.default_rng(0).standard_normal((40000, variants)).max(axis=1).mean()
    assert expected_best(variants) == pytest.approx(drawn, abs=0.02)


def test_a_gain_shrinks_to_none_and_not_past_it() -> None:
    assert shrunk(0.1, 0.02, 1) == pytest.approx(0.1)
    assert 0 < shrunk(0.1, 0.02, 10) < 0.1
    assert shrunk(0.01, 0.02, 10) == 0
    assert shrunk(-0.1, 0.02, 10) == -shrunk(0.1, 0.02, 10)
