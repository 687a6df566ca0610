"""The law of A alone, solved at runs of B."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from compare.drawn_comparisons import BASE, GRID
from isoflop.compare import CompareOptions, FinalRun, Side, compare_runs
from isoflop.compare.own_law import by_own_law
from isoflop.compare.slope import final_rows
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


def test_without_noise_each_run_has_its_compute() -> None:
    rows = final_rows(side("a", BASE), side("b", LOWER), "val")
    assert rows is not None
    found = by_own_law(rows, CompareOptions())
    assert found is not None
    assert found.multiplier is not None
    values = []
    for N, D in GRID:
        scale = np.exp(np.linspace(-1, 40, 400_001) / 2)
        reached = BASE.loss(N * scale, D * scale) <= LOWER.loss(N, D)
        values.append(float(scale[int(np.argmax(reached))] ** 2) if reached.any() else math.inf)
    assert found.multiplier == pytest.approx(float(np.median(values)), rel=1e-3)
    assert found.runs == len(GRID)


def test_it_is_said_where_one_multiplier_does_not_serve_all_and_not_else() -> None:
    differing = compare_runs(side("a", BASE, noise=0.001), side("bb", LOWER, noise=0.001)).sets[0]
    assert differing.constant is False
    assert differing.own_law is not None
    assert differing.own_law.multiplier == pytest.approx(differing.multiplier, rel=0.1)
    assert compare_runs(side("a", BASE, noise=0.001), side("bb", BASE, noise=0.001)).sets[0].own_law is None


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
