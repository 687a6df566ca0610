from __future__ import annotations

from dataclasses import replace

from isoflop.fit import FitReport
from isoflop.observations import DroppedRow
from isoflop.observations.columns import ColumnMapping
from isoflop.observations.summary import RepresentedRows
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.rows_read import (
    left_out,
    left_out_facts,
    left_out_panel,
    range_facts,
    read_facts,
)


def test_what_was_left_out_is_grouped_by_reason(report: FitReport) -> None:
    read = report.observations
    assert sum(count for _, _, count in left_out(read)) == 2
    assert {rows for _, rows, _ in left_out(read)} == {"row 46", "row 47"}
    dropped = [DroppedRow(row=i, reason=f"loss: expected a positive finite number, got -{i}") for i in range(1, 21)]
    read = replace(read, dropped=(*dropped, DroppedRow(row=30, reason="D is missing")), filtered=7)
    facts = left_out_facts(read)
    assert [fact.label for fact in facts] == ["20 rows", "7 rows", "1 row"]
    assert facts[0].value == "such as: loss: expected a positive finite number, got -1"
    assert facts[0].note == "rows 1, 2, 3, 4, 5, 6, 7, 8 and 12 more"
    assert facts[2].value == "D is missing"
    assert isinstance(left_out_panel(read), Panel)
    assert isinstance(left_out_panel(replace(read, dropped=(), filtered=0)), Absent)


def test_conventions_that_nobody_stated_are_marked(report: FitReport) -> None:
    read = replace(
        report.observations,
        stated={"params_convention": True, "flops_convention": False, "loss_unit": False, "schedule": False},
        columns={
            "loss": ColumnMapping(column="val"),
            "params": ColumnMapping(column="Model Size"),
            "tokens": ColumnMapping(column="", constant=3e11),
        },
        cells=(RepresentedRows(row=1, rows=3), RepresentedRows(row=2, rows=2)),
        schedule="unknown",
        runs=9,
    )
    facts = {fact.label: fact for fact in read_facts(read)}
    assert facts["N counts"].note == ""
    assert facts["C counts"].note == facts["Loss in"].note == "not stated: assumed"
    assert facts["Schedule"].value == "not stated"
    assert facts["Rows"].value == "45 used of 47 read, of 9 runs"
    assert facts["Columns"].value == "N: Model Size, D: 3e11 in every row, loss: val"
    assert facts["Cells"].value.startswith("2 rows stand for 5")


def test_the_ranges_of_a_refused_fit_are_known_all_the_same(report: FitReport, refused: FitReport) -> None:
    assert [fact.label for fact in range_facts(report)] == ["N", "D", "C", "D / N", "Loss"]
    facts = {fact.label: fact.value for fact in range_facts(refused)}
    assert facts["N"] == "100M to 10B"
    assert facts["D / N"] == "20 to 20"
