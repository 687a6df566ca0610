from __future__ import annotations

from dataclasses import replace

from isoflop.errors import Notice
from isoflop.fit import FitReport, Refused
from isoflop.report.pages import report_warnings
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.warnings import fit_warnings, warnings_panel, without_repeats


def test_warnings_name_their_source_and_are_listed_once(report: FitReport) -> None:
    assert not isinstance(report.parametric, Refused)
    assert not isinstance(report.isoflop, Refused)
    small = Notice(code="small_numbers", message="params are small")
    same = Notice(code="few_rows_decide", message="a row decides")
    changed = replace(
        report,
        observations=replace(report.observations, notices=(small,)),
        parametric=replace(report.parametric, notices=(same,)),
        isoflop=replace(report.isoflop, notices=(same, Notice(code="x", message="ln N bends"))),
    )
    listed = without_repeats(fit_warnings(changed))
    assert [(about, notice.code) for about, notice in listed] == [
        ("runs", "small_numbers"), ("2 isoFLOP", "few_rows_decide"), ("2 isoFLOP", "x"),
    ]  # fmt: skip
    assert [notice.message for _, notice in listed] == ["Params are small", "A row decides", "ln N bends"]
    panel = warnings_panel(listed)
    assert isinstance(panel, Panel)
    assert panel.items[1] == ("A row decides.", "2 isoFLOP · few_rows_decide")


def test_without_warnings_there_is_no_panel() -> None:
    assert isinstance(warnings_panel(()), Absent)


def test_a_backtest_of_the_size_that_was_refused_is_among_the_warnings(few: FitReport) -> None:
    assert few.size_backtest is None
    (notice,) = [notice for _, notice in report_warnings(few) if notice.code == "no_size_backtest"]
    why = "a backtest of the size needs 4 budgets with a vertex, got 3"
    assert notice.message == f"No forecast of the best size was tested on these runs: {why}"
