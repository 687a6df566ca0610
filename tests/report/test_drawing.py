from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from isoflop.report.drawing import log_ticks


@given(st.floats(-3, 24), st.floats(0.2, 20))
def test_log_ticks_are_few_round_and_inside(start: float, decades: float) -> None:
    low, high = 10**start, 10 ** (start + decades)
    ticks = log_ticks(low, high)
    assert 1 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))
    assert all(low * 0.999 <= tick <= high * 1.001 for tick in ticks)
