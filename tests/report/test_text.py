from __future__ import annotations

from typing import Any

import pytest

from isoflop.report import plain_report


@pytest.mark.parametrize("width", [60, 72, 80])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(view: dict[str, Any], width: int) -> None:
    text = plain_report(view, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for number in ("333K (233K to 467K)", "0.440 (0.400 to 0.490)", "7.36 MiB", "inside the interval"):
        assert number in text, number
    # with a line for each estimator of the size, and the backtest of the size
    assert len(text.splitlines()) < 70


def test_the_page_and_the_terminal_say_the_same(view: dict[str, Any]) -> None:
    from isoflop.report.summary import answer

    text = " ".join(plain_report(view, 80).split())
    for sentence in answer(view).sentences:
        assert sentence in text


def test_an_empty_view_reads_well() -> None:
    assert plain_report({"schema": 1}) == "Nothing is planned yet; what is known so far stands below.\n"
