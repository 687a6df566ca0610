import math
from dataclasses import replace

import numpy as np
import pytest

from compare.drawn_comparisons import BASE, GRID, Condition
from isoflop.compare import Side, compare_runs
from isoflop.compare.result import Multiplier, SetVerdict
from isoflop.laws import ChinchillaLaw


def verdict(floor: float) -> SetVerdict:
    """B is the baseline but for its floor."""
    b = ChinchillaLaw(E=floor, A=BASE.A, B=BASE.B, alpha=BASE.alpha, beta=BASE.beta)
    sides = Condition(name="", b=b, cells=GRID, seeds=2, sd=1e-4).drawn(np.random.default_rng(0))
    return compare_runs(*sides).sets[0]


def test_a_loss_that_a_never_had_and_needs_too_much_for_is_out_of_reach() -> None:
    far = verdict(BASE.E - 0.8)
    assert not far.reachable
    assert far.multiplier is None
    assert far.verdict == "better"
    assert {cell.reach for cell in far.cells} >= {"never"}
    assert all(cell.multiplier is None for cell in far.cells if cell.reach == "never")


def test_a_loss_a_little_beyond_a_has_an_extrapolated_multiplier() -> None:
    near = verdict(BASE.E - 0.02)
    last = max(near.cells, key=lambda cell: cell.flops or 0.0)
    assert near.reachable
    assert last.reach == "extrapolated"
    assert last.multiplier is not None
    assert 1 < last.multiplier < 3
    # Beyond the losses of A the form of the law adds to the interval.
    assert width(last) > max(width(cell) for cell in near.cells if cell.reach == "measured")


def width(cell: Multiplier) -> float:
    assert cell.interval is not None
    return math.log(cell.interval[1] / cell.interval[0])


def test_a_median_beyond_the_losses_of_a_has_an_error_of_form() -> None:
    sides = Condition(name="", b=replace(BASE, E=BASE.E - 0.05), cells=GRID, sd=1e-4).drawn(np.random.default_rng(0))
    a = replace(sides[0], runs=tuple(run for run in sides[0].runs if (run.params or 0) < 3e8))
    b = replace(sides[1], runs=tuple(run for run in sides[1].runs if (run.params or 0) > 1.5e8))
    found = compare_runs(a, b).sets[0]
    assert found.own_law is not None
    assert found.parts["form"] > 0


def test_a_change_of_the_floor_grows_with_compute_and_has_the_multiplier_of_each_cell() -> None:
    found = verdict(BASE.E - 0.05)
    assert found.constant is False
    assert found.trend == "grows"
    for cell, (N, D) in zip(found.cells, sorted(GRID), strict=True):
        gamma = BASE.alpha * BASE.beta / (BASE.alpha + BASE.beta)
        above = float(BASE.loss(N, D)) - BASE.E
        truth = -math.log((above - 0.05) / above) / gamma
        assert cell.multiplier is not None
        assert math.log(cell.multiplier) == pytest.approx(truth, abs=0.02)


def test_a_side_of_one_cell_of_equal_losses_is_reached() -> None:
    sides = Condition(name="", b=BASE, seeds=4).drawn(np.random.default_rng(0))
    assert isinstance(sides[0], Side)
    assert compare_runs(*sides).sets[0].reachable
