"""z-scores over time."""

import pytest
from ledger.entries import entry

from isoflop.report.panels.ledger_scores import draw_scores


def test_a_point_stands_at_its_day_and_z():
    first = entry(sealed=1_700_000_000.0, actual=2.1)
    size = {"quantity": "params", "predicted": 1e9, "interval": (9e8, 1.1e9), "actual": 9e8}
    drawing = draw_scores([first, entry(sealed=1_700_100_000.0, **size), entry(why_not="late")])
    *bands, _, losses, sizes = drawing.data
    assert (losses["x"], losses["y"]) == ([1.7e12], pytest.approx([1.6449], abs=1e-4))
    assert (sizes["x"], sizes["y"]) == ([1.7001e12], pytest.approx([-1.6449], abs=1e-4))
    assert [max(band["y"]) for band in bands] == pytest.approx([1.6449, 1.2816, 0.6745], abs=1e-4)
    assert drawing.layout["xaxis"]["type"] == "date"


def test_without_a_z_there_is_no_figure():
    assert draw_scores([entry(interval=None, level=None), entry(sealed=None)]) is None
