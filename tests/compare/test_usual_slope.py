"""Runs of nearly one length without a slope of their own: the gap at equal lengths, and how sure it is."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isoflop.compare import CompareOptions, FinalRun, SetVerdict, Side, compare_runs
from isoflop.compare.usual_slope import AT_ANY_LENGTH, AT_TWENTY, FALLS


def side(name: str, loss: float, steps: float, runs: int = 10, sd: float = 0.0004, **known: float) -> Side:
    """Runs whose ln losses scatter about ln `loss` by exactly `sd`."""
    away = np.linspace(-1, 1, runs)
    losses = loss * np.exp(sd * away / away.std(ddof=1))
    made = [FinalRun(name=f"{name}{each}", losses={"val": each}, steps=steps, **known) for each in losses.tolist()]
    return Side(name=name, runs=tuple(made))


def answer(a: Side, b: Side, **asked: float) -> SetVerdict:
    return compare_runs(a, b, CompareOptions(**asked)).sets[0]  # type: ignore[arg-type]


def test_a_loss_reached_sooner_is_a_gain() -> None:
    """As low a loss in .74 % fewer steps."""
    found = answer(side("a", 3.279, 3375), side("b", 3.279, 3350))
    assert found.gap == pytest.approx(0)
    assert found.gap_at_equal_length == pytest.approx(AT_ANY_LENGTH * math.log(3375 / 3350))
    assert found.multiplier == pytest.approx(3375 / 3350)
    sharp = answer(side("a", 3.279, 3375, sd=0.0001), side("b", 3.279, 3350, sd=0.0001))
    assert sharp.verdict == "better"


def test_nothing_is_added_where_lengths_are_equal() -> None:
    found = answer(side("a", 3.279, 3375), side("b", 3.270, 3375))
    assert found.gap_at_equal_length is None
    assert found.gap == pytest.approx(math.log(3.279 / 3.270))
    # Along the frontier, where compute is multiplied.
    assert found.multiplier == pytest.approx(math.exp(found.gap / AT_TWENTY))


def test_tokens_per_parameter_are_used_where_they_are_known() -> None:
    a, b = (side(name, loss, 1e3, params=1e8, tokens=8e9) for name, loss in (("a", 3.0), ("b", 2.99)))
    found = compare_runs(a, b, CompareOptions(axis="data")).sets[0]
    assert found.slope_used is not None
    assert found.slope_used.value == pytest.approx(AT_TWENTY * 4**-FALLS)
    assert found.slope_used.interval is not None
    assert found.slope_used.interval[1] / found.slope_used.interval[0] > 4


def test_exchanged_sides_give_the_inverse() -> None:
    a, b = side("a", 3.279, 3375), side("b", 3.277, 3350)
    one, other = answer(a, b), answer(b, a)
    assert one.multiplier is not None
    assert other.multiplier is not None
    assert one.multiplier * other.multiplier == pytest.approx(1, abs=1e-12)
    assert one.probability_above_1 == pytest.approx(1 - (other.probability_above_1 or 0), abs=1e-3)


def test_the_error_of_the_slope_is_in_the_gap_at_equal_length() -> None:
    """Without noise the gap is as sure as the slope: a factor of 2.7 either way at 90 %."""
    found = answer(side("a", 3.279, 3375, sd=1e-9), side("b", 3.279, 3350, sd=1e-9))
    low, high = found.gap_at_equal_length_interval or (0.0, 0.0)
    assert high / low == pytest.approx(math.exp(2 * 1.645 * 0.6), rel=0.05)


def test_lengths_that_differ_are_said() -> None:
    found = compare_runs(side("a", 3.279, 3375), side("b", 3.279, 3350))
    (steps,) = [each for each in found.audit if each.what == "steps"]
    assert (steps.a, steps.b, steps.equal) == ("3375", "3350", False)
    assert "usual_slope" in [notice.code for notice in found.notices]
