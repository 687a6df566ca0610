"""The levels of looks against a simulation of their error by SciPy's t and other random numbers."""

import numpy as np
import pytest
from scipy.stats import t

from isoflop.compare.looks import Looks, error_when_raised


def false_share(looks: Looks, limit: float, seed: int, paths: int = 40_000) -> float:
    """Share of paths without a difference in which any look finds one."""
    gaps = np.random.default_rng(seed).standard_normal((paths, looks.last))
    found = np.zeros(paths, dtype=bool)
    for n in looks.pairs:
        mean, sd = gaps[:, :n].mean(axis=1), gaps[:, :n].std(axis=1, ddof=1)
        found |= 2 * t.sf(np.abs(mean) / sd * np.sqrt(n), n - 1) < limit
    return float(found.mean())


@pytest.mark.parametrize(("last", "step"), [(3, 1), (8, 1), (8, 4), (16, 1), (32, 2)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_equal_recipes_are_called_different_as_often_as_the_level_says(last, step, level):
    looks = Looks(level=level, last=last, step=step)
    share = false_share(looks, 1 - looks.each, seed=last)
    # each look is rounded up to a thousandth, which costs up to a thousandth a look
    assert share == pytest.approx(1 - level, abs=3 * np.sqrt(level * (1 - level) / 40_000) + 0.006)
    assert share < 1 - level + 0.006


def test_each_look_at_the_level_of_the_whole_would_find_differences_twice_as_often():
    assert false_share(Looks(level=0.9, last=8), 0.1, seed=1) > 0.2


def test_the_looks():
    assert Looks(level=0.9, last=8).pairs == (3, 4, 5, 6, 7, 8)
    assert Looks(level=0.9, last=2).pairs == (2,)
    assert Looks(level=0.9, last=1).pairs == (1,)
    assert Looks(level=0.9, last=10, step=4).pairs == (4, 8, 10)
    assert Looks(level=0.9, last=3).each == 0.9


def test_more_looks_must_each_be_surer():
    levels = [Looks(level=0.9, last=last).each for last in (3, 4, 8, 16, 32)]
    assert levels == sorted(levels)
    assert len(set(levels)) == 5


def test_pairs_that_are_raised_after_looks_cost_error():
    assert error_when_raised(0.9, (8,)) == pytest.approx(0.1, abs=0.003)
    raised = error_when_raised(0.9, (8, 16))
    assert 0.11 < raised < 0.15
    assert error_when_raised(0.9, (4, 8, 16, 32)) > raised
