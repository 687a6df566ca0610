"""Means over studies, and what forecasts of one kind come to."""

import math

import numpy as np
import pytest
from scipy import stats

from isoflop.ledger.lean import kind_summary, mean_of_studies, reaches_of
from ledger.entries import entry


def test_the_interval_is_students_over_studies():
    values = [("a", 0.01), ("a", 0.03), ("b", -0.01), ("c", 0.05)]
    found = mean_of_studies(values)
    means = [0.02, -0.01, 0.05]
    expected = stats.t.interval(0.9, 2, np.mean(means), stats.sem(means))
    assert (found.mean, found.studies) == (pytest.approx(0.02), 3)
    assert found.interval == pytest.approx(expected)


def test_one_study_has_no_interval_and_shows_no_lean():
    found = mean_of_studies([("a", 0.01), ("a", 0.02)])
    assert (found.interval, found.lean) == (None, "none shown")
    assert mean_of_studies([]) is None


@pytest.mark.parametrize(("factor", "lean"), [(1.02, "low"), (0.98, "high")])
def test_forecasts_lean_low_where_outcomes_came_above_them(factor, lean):
    entries = [entry(study=str(n), actual=2.0 * factor * (1 + n / 1000)) for n in range(5)]
    found = kind_summary("loss", entries)
    assert found.log_ratio.lean == lean
    assert found.z.lean == lean
    assert found.log_ratio.mean == pytest.approx(math.log(factor), abs=0.003)


def test_kinds_stand_apart():
    entries = [entry(), entry(quantity="params", study="b", predicted=1e6, interval=(8e5, 1.2e6), actual=1.1e6)]
    assert [kind_summary(kind, entries).of for kind in ("loss", "size", "other")] == [1, 1, 0]
    assert kind_summary("size", entries).log_ratio.mean == pytest.approx(math.log(1.1))


def test_other_numbers_have_a_z_and_no_ratio():
    found = kind_summary("other", [entry(quantity="accuracy", predicted=0.5, interval=(0.4, 0.6), actual=0.6)])
    assert found.log_ratio is None
    assert found.z.mean == pytest.approx(stats.norm.ppf(0.95))


def test_forecasts_are_put_together_by_how_far_they_reach():
    flops = {0.5: "a", 2.0: "b", 2.9: "c", 10.0: "d", 40.0: "e"}
    entries = [entry(study=study, flops=1e12 * factor, data_flops=1e12) for factor, study in flops.items()]
    found = reaches_of([*entries, entry(study="f")])
    ranges = [(one.above, one.up_to, one.of) for one in found]
    assert ranges == [(0.0, 1.0, 1), (1.0, 3.0, 2), (3.0, 10.0, 1), (30.0, None, 1), (None, None, 1)]
