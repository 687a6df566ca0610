from __future__ import annotations

import pytest

from isoflop.report.formatting import with_interval
from isoflop.report.record import StudyRecord
from isoflop.report.summary import study_summary
from isoflop.report.text import plain_text, study_text


@pytest.mark.parametrize("width", [60, 72, 80])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(study: StudyRecord, width: int) -> None:
    text = plain_text(study_text(study), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    assert study.plan is not None
    for number in (with_interval(study.plan.params, study.plan.params_interval), "7.36 MiB", "inside the interval"):
        assert number in text, number
    # with a line for each estimator of the size, the backtest of the size, and the line under the head of each table
    assert len(text.splitlines()) < 80


def test_the_page_and_the_terminal_agree(study: StudyRecord) -> None:
    text = " ".join(plain_text(study_text(study), 80).split())
    for sentence in study_summary(study).sentences:
        assert sentence in text


def test_a_study_that_has_only_begun_reads_well(study: StudyRecord) -> None:
    new = StudyRecord(title="new", conventions=study.conventions)
    assert plain_text(study_text(new)) == "Nothing is planned yet; what is known so far stands below.\n"
