from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.planned_vs_larger import comparison_panel, comparison_rows
from isoflop.report.record import StudyRecord


def test_both_models_stand_side_by_side(study: StudyRecord) -> None:
    models = study.comparison
    assert models is not None
    assert models.domains == ("dictionary", "encyclopedia")
    ours, theirs = models.planned.run, models.larger.run
    assert models.advantage == pytest.approx((theirs.bits_per_byte or 0) - (ours.bits_per_byte or 0))
    rows = {what: (a, b, better) for what, a, b, better in comparison_rows(models)}
    assert rows["Parameters"] == ("333K", "1.33M", "")
    assert not any("second" in what or "time" in what for what in rows), "a timing without an interval"
    place = list(rows).index("Bits per byte, all text")
    assert list(rows)[place + 1 : place + 3] == ["Bits per byte, dictionary", "Bits per byte, encyclopedia"]
    panel = comparison_panel(study)
    assert isinstance(panel, Panel)
    assert "nats per token" in panel.caption


def test_before_serving_is_measured_its_cells_are_dashes(study: StudyRecord) -> None:
    assert study.comparison is not None
    unmeasured = replace(study.comparison.planned, tokens_per_second=None, memory_bytes=None, served_sequences=None)
    models = replace(study.comparison, planned=unmeasured)
    rows = {what: ours for what, ours, _, _ in comparison_rows(models)}
    assert rows["Memory to serve"] == "–"


def test_it_is_absent_until_both_are_trained(study: StudyRecord) -> None:
    assert isinstance(comparison_panel(replace(study, comparison=None)), Absent)
