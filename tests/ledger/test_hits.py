"""Hits of nominal intervals, and the interval of their share."""

import pytest
from scipy import stats

from isoflop.ledger.hits import hits_of, wilson
from ledger.entries import entry


@pytest.mark.parametrize(("hits", "trials"), [(0, 5), (1, 2), (7, 10), (11, 11), (90, 100)])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_the_interval_is_that_of_wilson(hits, trials, level):
    expected = stats.binomtest(hits, trials).proportion_ci(level, method="wilson")
    assert wilson(hits / trials, trials, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_hits_are_counted_at_each_level():
    # half-widths of ln 2.1 / 2 at 90 %: .0488; z of the outcomes: 0, .84, 1.39, 2.03
    entries = [entry(study=str(number), actual=actual) for number, actual in enumerate((2.0, 2.05, 2.084, 2.124))]
    assert [(one.level, one.hits, one.of) for one in hits_of(entries)] == [(0.5, 1, 4), (0.8, 2, 4), (0.9, 3, 4)]


def test_what_does_not_count_or_has_no_interval_has_no_part():
    entries = [entry(), entry(why_not="late"), entry(interval=None, level=None), entry(actual=None, why_not="none yet")]
    assert [(one.hits, one.of) for one in hits_of(entries)] == [(1, 1)] * 3


def test_a_study_counts_once_however_many_forecasts_it_has():
    many = [entry(study="a", actual=2.0)] * 9 + [entry(study="b", actual=3.0)]
    found = hits_of(many)[-1]
    assert (found.hits, found.of, found.studies, found.share) == (9, 10, 2, 0.5)
    assert found.interval == wilson(0.5, 2, 0.9)


def test_without_forecasts_there_is_no_share():
    assert {(one.share, one.interval, one.finding) for one in hits_of([])} == {(None, None, "as stated")}


@pytest.mark.parametrize(("hit", "finding"), [(0, "too few"), (18, "as stated"), (20, "as stated")])
def test_the_finding_is_told_by_the_interval(hit, finding):
    entries = [entry(study=str(number), actual=2.0 if number < hit else 3.0) for number in range(20)]
    assert hits_of(entries)[-1].finding == finding


def test_too_many_hits_say_that_intervals_are_too_wide():
    assert hits_of([entry(study=str(number)) for number in range(20)])[0].finding == "too many"
