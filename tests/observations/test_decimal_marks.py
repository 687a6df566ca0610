"""Commas and points: decided by what a column and its file prove, or asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.observations import Observations
from isoflop.observations.decimal_marks import with_points
from isoflop.observations.file_formats import RawTable


def written(decimal=None, /, **columns):
    table = RawTable(columns=columns, rows=len(next(iter(columns.values()))))
    return {name: list(cells) for name, cells in with_points(table, list(columns), decimal).columns.items()}


@pytest.mark.parametrize(
    ("cells", "points"),
    [
        (["0,500", "65,346"], ["0.500", "65.346"]),  # no group of thousands follows a nought
        (["1,5", "65,346"], ["1.5", "65.346"]),
        (["1234,567"], ["1234.567"]),
        (["1,500e18", "2e19"], ["1.500e18", "2e19"]),
        (["1,5651×10^19", "2×10^20"], ["1.5651×10^19", "2×10^20"]),
        (["1.234,5", "20.000"], ["1234.5", "20000"]),
        (["1.300.000", "20.000"], ["1300000", "20000"]),
        (["1,300,000", "20,000"], ["1300000", "20000"]),
        (["1,234.5", "20,000"], ["1234.5", "20000"]),
        (["2,8B", "1,375M"], ["2.8B", "1.375M"]),
        (["1 300 000", "2\u202f000\u00a0000"], ["1300000", "2000000"]),
        (["1'300'000", "2’000’000"], ["1300000", "2000000"]),
        (["0.500", "65.346"], ["0.500", "65.346"]),
        (["65.346", "3.141"], ["65.346", "3.141"]),  # no comma in the file: as people write decimals
    ],
)  # fmt: skip
def test_a_column_is_read_by_what_its_cells_prove(cells, points):
    assert written(a=cells) == {"a": points}


def test_a_column_that_proves_nothing_follows_the_file():
    assert written(a=["65,346"], b=["0,5"])["a"] == ["65.346"]
    assert written(a=["65,346"], b=["0.5"])["a"] == ["65346"]
    assert written(a=["65.346"], b=["1.234,5"])["a"] == ["65346"]
    assert written(a=["1,5e18"], b=["3.25"], c=["7"]) == {"a": ["1.5e18"], "b": ["3.25"], "c": ["7"]}


@pytest.mark.parametrize(
    "columns",
    [
        {"a": ["1,300", "20,000"], "b": ["3,456", "2,123"]},
        {"a": ["1,300", "20,000"], "b": ["3.456", "2.123"]},
        {"a": ["20.000"], "b": ["3,45"]},
        {"a": ["65,346"], "b": ["3,45"], "c": ["0.1"]},
    ],
)
def test_what_no_cell_decides_is_asked(columns):
    with pytest.raises(InputError, match="--decimal , where a comma is the decimal mark, or --decimal ."):
        written(**columns)
    as_decimals = written(",", **columns)
    assert all("," not in cell for cells in as_decimals.values() for cell in cells)


def test_the_stated_mark_decides():
    assert written(",", a=["1,300"], b=["3.456"]) == {"a": ["1.300"], "b": ["3456"]}
    assert written(".", a=["1,300"], b=["3.456"]) == {"a": ["1300"], "b": ["3.456"]}


def test_a_column_written_in_two_ways_is_refused_and_an_odd_cell_left_out():
    with pytest.raises(InputError, match="numbers of two ways of writing: 1,5 with a decimal comma, 1.5"):
        written(a=["1,5", "1.5", "2.5"])
    rows = [{"N": f"{n / 10}B", "D": "20B", "loss": 3.0} for n in range(11, 41)]
    made = Observations.from_rows([*rows, {"N": "1,5B", "D": "20B", "loss": 3.0}], keep_all=True)
    assert len(made) == 30
    assert made.dropped[0].row == 31
    assert "1,5B" in made.dropped[0].reason


def test_numbers_and_words_are_left_alone():
    columns = {"a": [0.5, None, 7], "name": ["a,b", "12.05.2024", "c4, web"]}
    assert written(**columns) == {name: list(cells) for name, cells in columns.items()}
    array = np.array([1.5, 2.5])
    table = RawTable(columns={"a": array}, rows=2)
    assert with_points(table, ["a"]) is table


@given(st.lists(st.floats(0.001, 1e6), min_size=8, max_size=20), st.sampled_from(["", ".", " "]))
def test_a_european_table_is_its_english_one(values, group):
    english = [f"{value:,.2f}" for value in values]
    european = [cell.translate(str.maketrans({",": group, ".": ","})) for cell in english]
    assert [float(cell) for cell in written(a=european)["a"]] == [float(cell.replace(",", "")) for cell in english]
