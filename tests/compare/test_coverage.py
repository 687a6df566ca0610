"""Shares of drawn comparisons whose interval holds the truth; bench/compare/coverage.py has all conditions."""

from __future__ import annotations

import pytest

from compare.drawn_comparisons import CONDITIONS, Condition, outcome

BY_NAME = {condition.name: condition for condition in CONDITIONS}
DRAWS = 200


@pytest.mark.parametrize(
    "name",
    [
        "one cell, 4 pairs of shared seeds, tokens x1.05",
        "3 cells x 2 seeds at D = 20 N, N and D x1.25",
        "15 cells, one run each, tokens x1.25, axis data",
    ],
)
def test_the_interval_holds_the_truth_as_often_as_it_says(name: str) -> None:
    assert 0.85 <= outcome(BY_NAME[name], DRAWS).inside <= 0.96


def test_equal_recipes_are_called_different_as_often_as_the_level_says() -> None:
    alike: Condition = BY_NAME["one cell, 8 pairs of shared seeds, equal"]
    assert 0.08 <= outcome(alike, 1000).different <= 0.12


def test_a_change_of_the_floor_alone_has_no_constant_multiplier() -> None:
    assert outcome(BY_NAME["15 cells x 2 seeds, E less by .05"], 30).constant == 0
    assert outcome(BY_NAME["15 cells x 2 seeds, equal"], 60).constant >= 0.95
