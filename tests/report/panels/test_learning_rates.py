from __future__ import annotations

from dataclasses import replace

from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.learning_rates import rate_checks, rates_panel
from isoflop.report.record import StudyRecord


def test_the_chosen_rate_stands_on_the_line_of_its_size(study: StudyRecord) -> None:
    checks = rate_checks(study.learning_rate_checks)
    assert not isinstance(checks, Absent)
    middle = checks[1]
    assert middle.chosen == 0.005
    assert middle.chosen_loss == middle.losses[middle.rates.index(0.005)]


def test_a_rate_that_failed_is_not_drawn_and_one_outside_the_others_has_no_loss(study: StudyRecord) -> None:
    check = study.learning_rate_checks[1]
    failed = replace(check, losses=(*check.losses[:2], None, None, None), interior=False)
    drawn = rate_checks((failed,))
    assert not isinstance(drawn, Absent)
    assert drawn[0].rates == check.rates[:2]
    assert drawn[0].chosen_loss is None
    panel = rates_panel(replace(study, learning_rate_checks=(failed, study.learning_rate_checks[2])))
    assert isinstance(panel, Panel)
    assert "At 1 of 2 sizes the best rate lies at the edge" in panel.lead
