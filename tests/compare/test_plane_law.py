import math

import numpy as np
import pytest

from compare.drawn_comparisons import Condition, outcome, shifted
from isoflop.compare import CompareOptions, compare_runs
from isoflop.compare.plane_law import fit_plane

SQUARE = tuple((n, d) for n in (1e8, 2e8) for d in (2e9, 4e9))


def test_the_slopes_and_their_errors_are_those_of_a_regression() -> None:
    rng = np.random.default_rng(0)
    N, D = (np.repeat([cell[k] for cell in SQUARE], 4) for k in (0, 1))
    is_a = np.tile([1.0, 0.0], 8)
    loss = np.exp(2.0 - 0.05 * np.log(N) - 0.07 * np.log(D) + 0.01 * is_a + 0.002 * rng.standard_normal(16))
    law = fit_plane(N, D, loss, is_a, 4000, 0)
    assert law is not None
    design = np.stack([is_a, 1 - is_a, -np.log(N), -np.log(D)], axis=1)
    best, squares, *_ = np.linalg.lstsq(design, np.log(loss), rcond=None)
    covariance = np.linalg.inv(design.T @ design) * squares[0] / 12
    assert (law.of_size, law.of_tokens) == pytest.approx(tuple(best[2:]), rel=1e-6)
    assert law.drawn.std(axis=0) == pytest.approx(np.sqrt(np.diag(covariance))[2:], rel=0.05)


def test_runs_on_a_line_tell_no_plane() -> None:
    N = np.repeat([1e8, 2e8, 4e8], 2)
    loss = 3.0 - 0.01 * np.arange(6)
    assert fit_plane(N, 20 * N, loss, np.tile([1.0, 0.0], 3), 100, 0) is None


@pytest.mark.parametrize("axis", ["data", "compute"])
def test_two_sizes_and_two_lengths_have_a_multiplier(axis: str) -> None:
    asked = CompareOptions(axis="data" if axis == "data" else "compute")
    of = Condition(name="", b=shifted(1.1, 1.1), cells=SQUARE, seeds=3, sd=0.001, options=asked)
    verdict = compare_runs(*of.drawn(np.random.default_rng(1)), asked).sets[0]
    assert verdict.multiplier == pytest.approx(math.exp(of.truth()), rel=0.04)
    assert "power laws" in verdict.reason
    assert 0.8 <= outcome(of, 60).inside <= 1


def test_one_number_of_tokens_has_the_slope_of_sizes() -> None:
    of = Condition(name="", b=shifted(1.1, 1.1), cells=tuple((n, 4e9) for n in (1e8, 2e8, 4e8)), seeds=3, sd=0.001)
    sides = of.drawn(np.random.default_rng(1))
    assert "along sizes at one number of tokens" in compare_runs(*sides).sets[0].reason
    assert "usual slope" in compare_runs(*sides, CompareOptions(axis="data")).sets[0].reason
