from __future__ import annotations

import numpy as np
import pytest

from compare.final_tables import rows_of
from isoflop.compare import SourceOptions, measure_noise, noise_sides
from isoflop.errors import RefusedError

BOTH = [*rows_of("adamw", seeds=8, noise=0.002), *rows_of("muon", 1.3, seeds=8, noise=0.002)]


def test_recipes_are_told_apart_without_being_named() -> None:
    found = measure_noise(BOTH, SourceOptions(), 0.9)
    assert found.told_apart_by == ("recipe",)
    floor = found.floors[0]
    assert (floor.runs, floor.recipes) == (48, 6)
    groups = [[np.log(row["loss"]) for row in BOTH[i : i + 8]] for i in range(0, 48, 8)]
    pooled = np.sqrt(np.mean([np.var(group, ddof=1) for group in groups]))
    assert floor.relative_sd == pytest.approx(pooled, rel=1e-12)
    assert floor.relative_sd == pytest.approx(0.002, rel=0.25)


def test_a_named_column_gives_the_same() -> None:
    assert measure_noise(BOTH, SourceOptions(by="recipe"), 0.9).floors[0].relative_sd == pytest.approx(
        measure_noise(BOTH, SourceOptions(), 0.9).floors[0].relative_sd
    )


def test_the_number_of_a_run_is_no_recipe_and_recipes_of_one_length_are_apart() -> None:
    numbered = [{**row, "run": k % 8} for k, row in enumerate(BOTH)]
    sides = noise_sides(numbered, SourceOptions())
    assert [len(side.runs) for side in sides] == [24, 24]


def test_names_and_dates_tell_no_recipes_apart() -> None:
    rows = [{**row, "date": f"2026-01-{i:02d}", "host": f"node{i}"} for i, row in enumerate(BOTH)]
    assert measure_noise(rows, SourceOptions(), 0.9).told_apart_by == ("recipe",)


def test_without_a_repeat_it_is_refused() -> None:
    with pytest.raises(RefusedError, match="repeat"):
        measure_noise(rows_of("adamw", seeds=1), SourceOptions(), 0.9)
