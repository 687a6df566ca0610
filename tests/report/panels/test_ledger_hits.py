"""The figure of hits: what it draws is what was counted."""

import pytest
from ledger.entries import entry

from isoflop.ledger.hits import hits_of, wilson
from isoflop.report.panels.ledger_hits import draw_hits


def test_points_and_bars_are_shares_and_their_intervals():
    entries = [entry(study=str(n), actual=2.0 if n < 3 else 2.5) for n in range(4)]
    diagonal, points = draw_hits(hits_of(entries)).data
    assert diagonal["x"] == diagonal["y"]
    assert (points["x"], points["y"]) == ([50, 80, 90], [75, 75, 75])
    low, high = wilson(0.75, 4, 0.9)
    assert points["error_y"]["array"] == pytest.approx([100 * high - 75] * 3)
    assert points["error_y"]["arrayminus"] == pytest.approx([75 - 100 * low] * 3)
    assert points["text"][2].startswith("intervals of 90 %: 3 of 4 held")


def test_without_forecasts_there_are_no_points():
    assert draw_hits(hits_of([])).data[1]["x"] == []
