"""Outcomes over forecasts by how far beyond the data."""

import pytest
from ledger.entries import entry

from isoflop.report.panels.ledger_deviations import draw_deviations

FAR = {"flops": 4e20, "data_flops": 1e20}


def test_a_bar_crosses_0_where_the_interval_held():
    held, missed = entry(actual=2.05, **FAR), entry(actual=2.2, **FAR)
    _, points = draw_deviations([held, missed], "loss").data
    assert points["x"] == [4, 4]
    assert points["y"] == pytest.approx([2.5, 10])
    lows = [value - below for value, below in zip(points["y"], points["error_y"]["arrayminus"], strict=True)]
    highs = [value + above for value, above in zip(points["y"], points["error_y"]["array"], strict=True)]
    assert lows == pytest.approx([100 * (2.05 / 2.1 - 1), 100 * (2.2 / 2.1 - 1)])
    assert highs == pytest.approx([100 * (2.05 / 1.9 - 1), 100 * (2.2 / 1.9 - 1)])
    assert lows[0] < 0 < lows[1]


def test_backtests_have_a_mark_of_their_own():
    drawing = draw_deviations([entry(**FAR), entry(source="backtest", sealed=None, **FAR)], "loss")
    assert [one.label for one in drawing.legend] == ["forecast, with its interval", "backtest, with its interval"]


def test_what_does_not_count_or_has_no_factor_is_not_drawn():
    assert draw_deviations([entry(), entry(why_not="late", **FAR)], "loss") is None
    assert draw_deviations([entry(**FAR)], "size") is None
