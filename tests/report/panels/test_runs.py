from __future__ import annotations

from dataclasses import replace

from isoflop.report.panel import Panel
from isoflop.report.panels.runs import RUN_COLUMNS, run_rows, runs_panel, status_words
from isoflop.report.record import StudyRecord


def test_every_run_has_a_row_and_failed_ones_their_reason(study: StudyRecord) -> None:
    rows = run_rows(study)
    assert len(rows) == len(study.runs)
    assert all(len(row) == len(RUN_COLUMNS) for row in rows)
    assert study.count() == {"done": 37, "failed": 1, "running": 0, "waiting": 1}
    assert status_words(study) == "37 done, 1 failed, 1 waiting"
    status = RUN_COLUMNS.index("status")
    failed = next(row for row in rows if row[status].startswith("failed"))
    assert failed[status] == "failed: diverged"
    assert RUN_COLUMNS[:2] == ("run", "loss")
    assert failed[RUN_COLUMNS.index("loss")] == "–"


def test_tokens_are_those_that_a_run_saw_and_never_those_it_asks_for(study: StudyRecord) -> None:
    tokens = RUN_COLUMNS.index("tokens")
    waiting = next(place for place, run in enumerate(study.runs) if run.status == "waiting")
    assert study.runs[waiting].tokens_requested > 0
    assert run_rows(study)[waiting][tokens] == "–"
    running = replace(study.runs[waiting], status="running", tokens_seen=98304)
    assert run_rows(replace(study, runs=(running,)))[0][tokens] == "98.3K"


def test_the_panel_colours_rows_by_status(study: StudyRecord) -> None:
    panel = runs_panel(study)
    assert isinstance(panel, Panel)
    assert set(panel.tables[0].states) == {"done", "failed", "waiting"}
