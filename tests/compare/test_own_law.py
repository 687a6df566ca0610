"""The law of A alone, solved at runs of B."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from compare.drawn_comparisons import BASE, GRID
from isoflop.compare import Axis, CompareOptions, FinalRun, Side, compare_runs
from isoflop.laws import ChinchillaLaw

LOWER = replace(BASE, E=BASE.E - 0.05)


def side(name: str, law: ChinchillaLaw, *, noise: float = 0.0, least: float = 0.0) -> Side:
    rng = np.random.default_rng(len(name))
    losses = [float(law.loss(N, D)) * math.exp(noise * rng.standard_normal()) for N, D in GRID]
    runs = [
        FinalRun(name=f"{name}{k}", losses={"val": loss}, params=N, tokens=D)
        for k, ((N, D), loss) in enumerate(zip(GRID, losses, strict=True))
        if least <= D
    ]
    return Side(name=name, runs=tuple(runs))


def exact(of_size: float, of_tokens: float) -> float:
    """Median of what BASE needs for the losses of LOWER, over what LOWER spent."""
    values = []
    for N, D in GRID:
        log_m = np.linspace(-1, 40, 400_001)
        reached = BASE.loss(N * np.exp(of_size * log_m), D * np.exp(of_tokens * log_m)) <= LOWER.loss(N, D)
        values.append(math.exp(log_m[int(np.argmax(reached))]) if reached.any() else math.inf)
    return float(np.median(values))


@pytest.mark.parametrize(("axis", "direction"), [("compute", (0.5, 0.5)), ("data", (0.0, 1.0))])
def test_without_noise_the_multiplier_is_the_median_over_the_runs(axis: Axis, direction: tuple[float, float]) -> None:
    found = compare_runs(side("a", BASE), side("bb", LOWER), CompareOptions(axis=axis)).sets[0]
    assert found.own_law is not None
    assert found.multiplier == pytest.approx(exact(*direction), rel=1e-3)
    assert found.own_law.runs == len(GRID)


def test_every_number_of_an_answer_is_by_that_law() -> None:
    found = compare_runs(side("a", BASE, noise=0.001), side("bb", LOWER, noise=0.001), CompareOptions(at=1e20))
    one = found.sets[0]
    assert one.constant is False
    assert one.own_law is not None
    assert (one.own_law.multiplier, one.own_law.interval) == (one.multiplier, one.interval)
    assert one.median == one.multiplier
    values = [cell.multiplier for cell in one.cells if cell.multiplier is not None]
    assert float(np.median(values)) == pytest.approx(one.multiplier, rel=1e-9)
    assert "by the law of A alone" in one.reason
    assert one.slope_used is not None
    assert "the law of A alone" in one.slope_used.source
    assert one.trend == "grows"
    assert found.saved is not None
    assert found.saved.multiplier is not None
    assert found.saved.multiplier > 1
    middle = one.pinned[1].multiplier
    assert middle == pytest.approx(one.multiplier, rel=0.02)


def test_recipes_that_share_floors_and_exponents_are_told_apart_by_cells() -> None:
    found = compare_runs(side("a", BASE, noise=0.001), side("bb", BASE, noise=0.001)).sets[0]
    assert found.constant is True
    assert found.own_law is None


def test_few_runs_of_the_baseline_keep_the_cells() -> None:
    few = Side(name="a", runs=side("a", BASE).runs[::2][:7])
    found = compare_runs(few, side("bb", LOWER)).sets[0]
    assert found.own_law is None
    assert found.multiplier is not None


def test_a_dearer_token_is_in_the_multiplier() -> None:
    """B spends 1.2 times the FLOPs a token, and A needs 1 / 1.2 as much of what B spent."""
    plain = compare_runs(side("a", BASE, noise=0.001), side("bb", LOWER, noise=0.001)).sets[0]
    runs = tuple(replace(run, flops=1.2 * (run.compute or 0.0)) for run in side("bb", LOWER, noise=0.001).runs)
    dearer = compare_runs(side("a", BASE, noise=0.001), Side(name="bb", runs=runs)).sets[0]
    assert plain.multiplier is not None
    assert dearer.multiplier == pytest.approx(plain.multiplier / 1.2, rel=1e-9)


def test_sweeps_without_a_common_cell_are_answered_by_that_law_too() -> None:
    moved = [(1.4 * N, 1.4 * D) for N, D in GRID]
    losses = [float(LOWER.loss(N, D)) for N, D in moved]
    runs = (
        FinalRun(name=f"b{k}", losses={"val": loss}, params=N, tokens=D)
        for k, ((N, D), loss) in enumerate(zip(moved, losses, strict=True))
    )
    found = compare_runs(side("a", BASE), Side(name="bb", runs=tuple(runs))).sets[0]
    assert not found.cells
    assert found.own_law is not None
    assert found.multiplier == found.own_law.multiplier


def test_runs_that_are_not_reached_are_counted() -> None:
    far = replace(BASE, E=BASE.E - 0.5)
    found = compare_runs(side("a", BASE, noise=0.001), side("bb", far, noise=0.001)).sets[0]
    assert not found.reachable
    assert found.runs_of_b == len(GRID)
    assert found.runs_not_reached is not None
    assert found.runs_not_reached >= sum(cell.reach == "never" for cell in found.cells)
    assert found.median is None


def test_runs_without_a_partner_count_where_they_lie_below_all_of_the_baseline() -> None:
    shorter = Side(name="a", runs=tuple(run for run in side("a", BASE).runs if (run.tokens or 0) < 8e9))
    found = compare_runs(shorter, side("bb", BASE)).sets[0]
    lowest = min(run.losses["val"] for run in shorter.runs)
    below = sum(run.losses["val"] < lowest - 1e-12 for run in side("bb", BASE).runs)
    assert below > 0
    assert found.runs_not_reached == below
