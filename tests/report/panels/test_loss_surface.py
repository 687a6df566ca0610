from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.fit import Refused
from isoflop.report.fitted_runs import FittedRuns, runs_of_study
from isoflop.report.panel import Absent
from isoflop.report.panels.loss_surface import surface
from isoflop.report.record import StudyRecord


def test_surface_is_the_law_and_holds_every_run(study_runs: FittedRuns) -> None:
    values = surface(study_runs)
    assert not isinstance(values, Absent)
    assert study_runs.surface is not None
    law_loss = float(study_runs.surface.loss(values.params[7], values.tokens[3]))
    assert values.loss[3][7] == pytest.approx(law_loss, rel=1e-12)
    assert values.params[0] < min(values.run_params) < max(values.run_params) < values.params[-1]
    assert values.tokens[0] < min(values.run_tokens) < max(values.run_tokens) < values.tokens[-1]
    assert len(values.run_params) == 37
    assert values.frontier_params == tuple(sorted(values.frontier_params))


def test_a_law_without_an_optimum_has_no_surface(study: StudyRecord) -> None:
    assert study.fit is not None
    assert not isinstance(study.fit.parametric, Refused)
    law = replace(study.fit.parametric.law, alpha=-0.1)
    fit = replace(study.fit, parametric=replace(study.fit.parametric, law=law))
    assert isinstance(surface(runs_of_study(replace(study, fit=fit))), Absent)
