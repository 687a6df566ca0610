import math

import numpy as np
import pytest
from scipy import stats

from isoflop.compare import FinalRun, Side, noise_floor
from isoflop.compare.noise import pairs_needed, smallest_gain
from isoflop.errors import RefusedError


def side(name: str, losses: list[float], tokens: float = 2e9) -> Side:
    runs = [FinalRun(name=f"{name}{k}", losses={"val": x}, params=1e8, tokens=tokens) for k, x in enumerate(losses)]
    return Side(name=name, runs=tuple(runs))


def test_the_noise_is_pooled_over_recipes_sizes_and_lengths() -> None:
    groups = [[3.0, 3.002, 3.004], [2.9, 2.903], [2.5, 2.501, 2.5, 2.502]]
    floor = noise_floor([side(str(k), losses, 1e9 * (k + 1)) for k, losses in enumerate([*groups, [3.1]])])
    squares = sum(np.var(group, ddof=1) * (len(group) - 1) for group in groups)
    assert floor.sd == pytest.approx(math.sqrt(squares / 6))
    assert (floor.runs, floor.recipes, floor.degrees) == (9, 3, 6)
    ends = [math.sqrt(squares / stats.chi2.ppf(share, 6)) for share in (0.95, 0.05)]
    assert floor.interval == pytest.approx(tuple(ends))


def test_the_smallest_gain_is_found_in_four_of_five_attempts() -> None:
    """At 5 % one-sided, by simulation."""
    gain, sd, pairs = smallest_gain(0.001, math.inf, 4), 0.001, 4
    assert gain == pytest.approx((1.644854 + 0.841621) * sd * math.sqrt(2 / pairs), rel=1e-6)
    found = np.random.default_rng(0).normal(gain, sd * math.sqrt(2 / pairs), 20000) > 1.644854 * sd * math.sqrt(
        2 / pairs
    )
    assert np.mean(found) == pytest.approx(0.8, abs=0.01)
    assert smallest_gain(0.001, 4, 4) > gain


def test_pairs_needed_follow_the_formula() -> None:
    assert pairs_needed(0.001, 0.0005) == math.ceil(2 * (1.644854 + 0.841621) ** 2 * 4)
    assert pairs_needed(0.001, 0.1) == 1
    assert pairs_needed(0.001, 0.0) is None


def test_runs_that_do_not_repeat_have_no_noise_floor() -> None:
    with pytest.raises(RefusedError, match="no two runs share recipe, size and length"):
        noise_floor([side("a", [3.0]), side("b", [2.9])])
