"""The grade of a fit: what sets it, as a whole and of each approach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import Notice
from isoflop.fit import FitReport, Refused, fit_all
from isoflop.fit.grades import AHEAD

from .designs import TRUTHS, isoflop_sweep


@pytest.fixture(scope="module")
def report() -> FitReport:
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e19, 1e21, 6), sizes=9, noise=0.002)
    return fit_all(data, draws=200)


def noted(report: FitReport, code: str) -> FitReport:
    """`report` whose parametric fit also warns with `code`."""
    assert not isinstance(report.parametric, Refused)
    notices = (*report.parametric.notices, Notice(code=code, message="as drawn"))
    return replace(report, parametric=replace(report.parametric, notices=notices))


def test_the_approach_that_knows_how_the_optimum_grows_is_preferred(report: FitReport) -> None:
    assert not isinstance(report.parametric, Refused)
    assert report.preferred == "parametric"
    judged = {**report.parametric.identified, "a": False}
    unsure = replace(report, parametric=replace(report.parametric, identified=judged))
    assert unsure.preferred == "isoflop"
    refused = Refused(approach="isoflop", code="x", reason="no")
    assert replace(unsure, isoflop=refused).preferred == "parametric"


def test_the_weightiest_notice_of_the_preferred_approach_sets_the_grade(report: FitReport) -> None:
    assert "lack_of_fit" in noted(report, "lack_of_fit").grade.codes
    graded = noted(report, "optimum_not_identified")
    assert (graded.grade.word, graded.grade.codes) == ("do not use", ("optimum_not_identified",))
    assert graded.grades["parametric"].word == "do not use"
    assert graded.grades["isoflop"] == report.grades["isoflop"]


def test_a_warning_of_the_table_limits_the_whole_and_every_approach(report: FitReport) -> None:
    notices = (Notice(code="losses_above_guessing", message="as drawn"),)
    graded = replace(report, observations=replace(report.observations, notices=notices))
    assert {grade.word for grade in (graded.grade, *graded.grades.values())} == {"do not use"}


def test_a_size_that_is_left_open_at_ten_times_the_compute_is_not_to_be_used(report: FitReport) -> None:
    assert report.sizes is not None
    ahead = report.sizes.at(AHEAD * report.flops_range[1])
    assert ahead.identified
    assert report.grade.word != "do not use"
    wide = replace(report, sizes=replace(report.sizes, trust=replace(report.sizes.trust, form_error=1.0)))
    assert wide.grade.codes == ("size_not_identified",)
    assert wide.grade.remedies


def test_what_does_not_apply_has_no_grade_and_what_is_refused_is_not_to_be_used(report: FitReport) -> None:
    assert "envelope" not in report.grades
    refused = replace(report, parametric=Refused(approach="parametric", code="too_few_rows", reason="no"))
    assert refused.grades["parametric"].word == "do not use"
    assert "parametric_refused" in refused.grade.codes
    none = replace(refused, isoflop=Refused(approach="isoflop", code="one_budget", reason="no"))
    assert (none.grade.word, none.grade.codes) == ("do not use", ("too_few_rows", "one_budget"))
    assert len(none.grade.remedies) == 2
