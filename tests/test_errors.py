"""Errors carry what a person and a shell need to know."""

import pytest

from isoflop.errors import InputError, InterruptedStudy, IsoflopError, Notice, RefusedError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (IsoflopError("x"), 1),
        (InputError("x"), 2),
        (RefusedError("not_enough_rows", "x"), 3),
        (InterruptedStudy(), 130),
    ],
)
def test_exit_codes(error, code):
    assert error.exit_code == code
    assert isinstance(error, IsoflopError)


def test_problems_are_gathered_one_a_line():
    assert str(InputError.gathered("spec.json", ["a: missing", "b: unknown"])).splitlines() == [
        "spec.json: 2 problems",
        "  - a: missing",
        "  - b: unknown",
    ]


def test_a_single_problem_needs_no_list():
    problems = (problem for problem in ["a: missing"])
    assert str(InputError.gathered("spec.json", problems)) == "spec.json: a: missing"


def test_a_refusal_has_a_code_and_says_only_its_message():
    error = RefusedError("not_identified", "one budget cannot tell B from beta")
    assert (error.code, str(error)) == ("not_identified", "one budget cannot tell B from beta")


def test_a_notice_is_a_value():
    notice = Notice(code="vertex_outside", message="the minimum lies outside the sizes tried")
    assert notice == Notice(**notice.as_json())
    assert len({notice, Notice(**notice.as_json())}) == 1
    assert set(notice.as_json()) == {"code", "message"}
