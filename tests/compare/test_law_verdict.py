import math

import numpy as np
import pytest

from compare.drawn_comparisons import BASE, Condition, shifted
from isoflop.compare import CompareOptions, compare_runs
from isoflop.errors import RefusedError

SIZES = (5e7, 1e8, 2e8, 4e8, 8e8)
OF_A = tuple((n, ratio * n) for n in SIZES for ratio in (5, 20, 80))
OF_B = tuple((1.4 * n, ratio * n) for n in SIZES for ratio in (7, 30, 110))
BETTER = shifted(1.2, 1.2)
A, B = (Condition(name="", b=BETTER, cells=cells) for cells in (OF_A, OF_B))


def test_sweeps_of_other_sizes_are_compared_by_the_law_of_both() -> None:
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(40):
        verdict = compare_runs(A.drawn(rng)[0], B.drawn(rng)[1]).sets[0]
        assert verdict.interval is not None
        inside.append(verdict.interval[0] <= math.exp(B.truth()) <= verdict.interval[1])
        assert verdict.cells == ()
        assert "stands for the runs that were not made" in verdict.reason
    assert np.mean(inside) >= 0.8


def test_exchanged_sweeps_give_the_inverse_but_for_their_places() -> None:
    """The multiplier is that at B's places; by a law of common exponents it is nearly the same at A's."""
    rng = np.random.default_rng(3)
    a, b = A.drawn(rng)[0], B.drawn(rng)[1]
    one, other = compare_runs(a, b).sets[0], compare_runs(b, a).sets[0]
    assert one.multiplier is not None
    assert other.multiplier is not None
    assert one.multiplier * other.multiplier == pytest.approx(1, abs=0.02)


def test_time_needs_a_ratio_of_throughputs() -> None:
    rng = np.random.default_rng(3)
    a, b = A.drawn(rng)[0], B.drawn(rng)[1]
    with pytest.raises(RefusedError, match="ratio of throughputs"):
        compare_runs(a, b, CompareOptions(axis="time"))
    by_time = compare_runs(a, b, CompareOptions(axis="time", throughput_ratio=0.5)).sets[0]
    assert by_time.multiplier == pytest.approx(compare_runs(a, b).sets[0].multiplier / 2)


def test_two_sweeps_that_identify_no_law_are_refused() -> None:
    rng = np.random.default_rng(3)
    few = Condition(name="", b=BASE, cells=OF_B[:2])
    with pytest.raises(RefusedError, match="do not identify a law"):
        compare_runs(Condition(name="", b=BASE, cells=OF_A[:2]).drawn(rng)[0], few.drawn(rng)[1])
