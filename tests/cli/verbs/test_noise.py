"""`isoflop noise`."""

from __future__ import annotations

import pytest
from compare.final_tables import rows_of, write_csv


@pytest.fixture
def repeats(tmp_path):
    rows = [*rows_of("adamw", seeds=6), *rows_of("muon", 1.3, seeds=6)]
    return write_csv(tmp_path / "runs.csv", rows)


def test_json_has_the_keys_that_programs_rely_on(answer, repeats):
    found = answer("noise", repeats, "--by", "recipe")
    assert set(found) >= {"sd", "runs", "recipes", "smallest_gain"}
    assert (found["runs"], found["recipes"]) == (36, 6)
    gains = [found["smallest_gain"][pairs] for pairs in ("1", "2", "4", "8")]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] / gains[2] == pytest.approx(2, rel=1e-9)


def test_for_people(run, repeats):
    result = run("noise", repeats)
    assert result.exit_code == 0
    assert "Recipes by" in result.stdout
    assert "1 pair" in result.stdout


def test_several_sets_have_a_table(run, tmp_path):
    rows = rows_of("adamw", seeds=4, sets=("val/c4/loss", "val/ptb/loss"))
    result = run("noise", write_csv(tmp_path / "runs.csv", rows))
    assert "Smallest gain of the loss by pairs" in result.stdout


def test_without_a_repeat_it_is_refused(run, tmp_path):
    result = run("noise", write_csv(tmp_path / "runs.csv", rows_of("adamw", seeds=1)))
    assert result.exit_code == 3
    assert "repeat" in result.stderr
