"""Printed numbers: their digits, and the tables that hold them."""

import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.paper.printed import Printed, printed_table

TABLES = tomllib.loads(resources.files("isoflop.paper").joinpath("printed.toml").read_text(encoding="utf-8"))
NAMES = [name for name, table in TABLES.items() if isinstance(table, dict)]


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("1.92e19", 1.92e19, 0.005e19),
        ("8.0B", 8e9, 0.05e9),
        ("280B", 280e9, 0.5e9),
        ("0.50", 0.50, 0.005),
        ("32.5 %", 0.325, 0.0005),
        ("2527.2Z", 2527.2e21, 0.05e21),
        ("1e25", 1e25, 0.5e25),
    ],
)
def test_a_number_knows_how_far_it_was_rounded(text, value, half):
    printed = Printed(text=text)
    assert printed.value == pytest.approx(value)
    assert printed.half == pytest.approx(half)
    assert printed.rounds_to(value + 0.99 * half)
    assert printed.rounds_to(value - 0.99 * half)
    assert not printed.rounds_to(value + 1.01 * half)
    assert not printed.rounds_to(value - 1.01 * half)


@pytest.mark.parametrize(
    ("text", "other", "written"),
    [
        ("1.92e19", 1.92345e19, "1.923e19"),
        ("8.0B", 8.0123e9, "8.01B"),
        ("40B", 40.36e9, "40.4B"),
        ("0.50", 0.49809, "0.498"),
        ("126", 125.73, "125.7"),
        ("1425.5T", 1425.5941e12, "1,425.59T"),
    ],
)
def test_ours_is_written_in_the_same_unit_with_a_digit_more(text, other, written):
    assert Printed(text=text).like(other) == written


@given(st.floats(1.0, 9.99), st.integers(18, 27))
def test_what_is_printed_of_a_number_is_what_it_rounds_to(mantissa, exponent):
    value = mantissa * 10.0**exponent
    assert Printed(text=f"{mantissa:.2f}e{exponent}").rounds_to(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_names_its_source_and_its_rows_are_whole(name):
    table = printed_table(name)
    assert table.rows
    # a year, a number of the arXiv, or what the rows themselves name
    assert any(mark in table.source for mark in (" 20", "arch/published.csv", "Sentences"))
    assert all(set(row) == set(TABLES[name]["columns"]) for row in table.rows)
