from __future__ import annotations

from dataclasses import replace

from isoflop.errors import Notice
from isoflop.fit import FitReport, Refused
from isoflop.report.html import page_html
from isoflop.report.page_grade import plain, study_grade
from isoflop.report.pages import fit_page, study_page
from isoflop.report.record import StudyRecord


def with_plan_warning(study: StudyRecord, code: str, message: str) -> StudyRecord:
    assert study.plan is not None
    return replace(study, plan=replace(study.plan, warnings=(Notice(code=code, message=message),)), notices=())


def test_a_study_without_a_limiting_warning_is_sound(study: StudyRecord) -> None:
    assert study.plan is not None
    quiet = replace(study, plan=replace(study.plan, warnings=()), notices=())
    grade = study_grade(quiet)
    assert grade is not None
    assert (grade.word, grade.reasons) == ("sound", ())
    assert "no warning limits this answer" in page_html(study_page(quiet))


def test_do_not_use_names_the_warning_and_what_to_do_without_a_click(study: StudyRecord) -> None:
    open_size = with_plan_warning(study, "size_not_identified", "these runs leave the best size open between 1K and 9K")
    grade = study_grade(open_size)
    assert grade is not None
    assert grade.word == "do not use"
    (reason,) = grade.reasons
    assert reason.message == "These runs leave the best size open between 1K and 9K."
    assert reason.remedy.startswith("Do not spend the budget on one size: train the runs that the answer names first")
    page = page_html(study_page(open_size))
    assert '<details id="grade" class="grade do-not-use" open>' in page
    assert reason.message in page
    assert reason.remedy in page


def test_a_warning_of_care_is_folded_away(study: StudyRecord) -> None:
    page = page_html(study_page(with_plan_warning(study, "extrapolation", "four times above the largest")))
    assert '<details id="grade" class="grade with-care">' in page
    assert "Four times above the largest." in page


def test_a_study_has_no_grade_before_its_fit_and_that_of_the_fit_before_its_plan(study: StudyRecord) -> None:
    assert study_grade(replace(study, fit=None, plan=None)) is None
    assert study.fit is not None
    before = study_grade(replace(study, plan=None))
    assert before is not None
    assert (before.word, tuple(one.code for one in before.reasons)) == (study.fit.grade.word, study.fit.grade.codes)


def test_the_page_of_a_fit_has_the_fit_s_grade(report: FitReport, few: FitReport, refused: FitReport) -> None:
    for one in (report, few, refused):
        grade = fit_page(one, "runs.csv").grade
        assert grade is not None
        assert (grade.word, tuple(reason.code for reason in grade.reasons)) == (one.grade.word, one.grade.codes)
        assert all(reason.message and reason.remedy for reason in grade.reasons)


def test_a_refused_fit_says_why(refused: FitReport) -> None:
    assert isinstance(refused.parametric, Refused)
    grade = fit_page(refused, "ladder.csv").grade
    assert grade is not None
    assert grade.word == "do not use"
    assert refused.parametric.reason[1:] in grade.reasons[0].message


def test_a_remedy_is_read_without_the_documentation_next_to_it() -> None:
    assert plain("Use `--trust` ([security.md](security.md#x)). See [fitting.md](fitting.md).") == (
        "Use --trust. See fitting.md."
    )
