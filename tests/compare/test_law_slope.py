import math
from pathlib import Path

import numpy as np
import pytest

from compare.drawn_comparisons import BASE, GRID, ONE, SLOPE, Condition, shifted
from isoflop.compare import CompareOptions, FinalRun, LawSlope, Side, StatedSlope, compare_runs
from isoflop.compare.law_slope import local_slopes, read_slope
from isoflop.errors import InputError
from isoflop.laws import ChinchillaLaw

LAW = LawSlope(law=BASE, source="the true law")


@pytest.mark.parametrize("data", [True, False])
def test_local_slopes_are_those_of_the_losses(data: bool) -> None:
    N, D = np.array([1e8, 1e9]), np.array([2e9, 5e10])
    step = 1e-5
    by_size, by_tokens = (0.0, 1.0) if data else (float(BASE.a), float(BASE.b))
    ends = [np.log(BASE.loss(N * math.exp(s * by_size), D * math.exp(s * by_tokens))) for s in (-step, step)]
    assert local_slopes(LAW, N, D, data, 10).best == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)


def test_a_law_tells_the_slope_of_one_cell() -> None:
    sides = Condition(name="", b=shifted(tokens=1.05), cells=ONE, seeds=4).drawn(np.random.default_rng(0))
    by_law = compare_runs(*sides, CompareOptions(axis="data", slope=LAW)).sets[0]
    by_number = compare_runs(*sides, CompareOptions(axis="data", slope=SLOPE)).sets[0]
    assert by_law.multiplier == pytest.approx(by_number.multiplier, rel=1e-9)
    assert "the true law" in by_law.reason


def test_the_draws_of_a_law_widen_the_interval() -> None:
    factor = np.exp(np.linspace(-0.5, 0.5, 99))
    E, alpha, beta = (value * np.ones(99) for value in (BASE.E, BASE.alpha, BASE.beta))
    drawn = ChinchillaLaw(E=E, A=BASE.A * factor, B=BASE.B * factor, alpha=alpha, beta=beta)
    sides = Condition(name="", b=shifted(tokens=1.3), cells=GRID).drawn(np.random.default_rng(0))
    sure, unsure = (
        compare_runs(*sides, CompareOptions(axis="data", slope=LawSlope(law=BASE, draws=draws, source="x"))).sets[0]
        for draws in (None, drawn)
    )
    assert sure.interval is not None
    assert unsure.interval is not None
    assert unsure.interval[1] - unsure.interval[0] > 1.5 * (sure.interval[1] - sure.interval[0])


def test_a_slope_is_a_number_a_law_or_a_fit(tmp_path: Path) -> None:
    number, law = read_slope("0.048"), read_slope("hoffmann2022-3")
    assert isinstance(number, StatedSlope)
    assert number.per_log == 0.048
    assert isinstance(law, LawSlope)
    assert float(law.law.alpha) == pytest.approx(0.34, abs=0.01)
    with pytest.raises(InputError, match="no published law is called"):
        read_slope("hofman")
    with pytest.raises(InputError, match="a number above 0"):
        read_slope("-1")


def test_a_law_needs_sizes_and_tokens() -> None:
    side = Side(name="a", runs=tuple(FinalRun(name=str(k), losses={"val": 3.0 + k}, steps=100.0) for k in range(2)))
    with pytest.raises(InputError, match="needs the sizes and tokens"):
        compare_runs(side, side, CompareOptions(slope=LAW))
