"""Errors carry what a person and a shell need to know."""

import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given

from isoflop.errors import (
    InputError,
    InterruptedStudy,
    IsoflopError,
    Notice,
    RefusedError,
    printable,
    quoted,
    screenful,
)


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


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_printable(text):
    shown = printable(text)
    shown.encode()  # no half surrogates
    assert not any(unicodedata.category(character) == "Cc" for character in shown.replace("\t", ""))
    assert not set(shown) & set("\x1b\n\r\x07\x9b\u202e\u2028")


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_stays_as_it_is(text):
    assert printable(text) == text


def test_messages_are_at_most_a_screen():
    message = screenful("\n".join(["x" * 100_000] * 100))
    assert len(message.splitlines()) == 25
    assert message.endswith("and 76 lines more")
    assert max(map(len, message.splitlines())) < 2100
    assert screenful("a short one\n  - of two lines") == "a short one\n  - of two lines"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("7x", "'7x'"), (10**400, "a whole number of more than 60 digits"), (None, "None"), (1.5, "1.5")],
)
def test_values_are_quoted_as_python_writes_them(value, shown):
    assert quoted(value) == shown
