import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.observations.parsing import is_no, is_yes, labels_of, read_numbers, read_scale, read_words


@pytest.mark.parametrize(
    ("cell", "value"),
    [("2.8B", 2.8e9), ("6e18", 6e18), ("70M", 70e6), ("1.4T", 1.4e12), ("1,300", 1300), ("10k", 1e4), (" 5 ", 5),
     ("1_000", 1000), ("3E8", 3e8), ("5.76e23 FLOPs", 5.76e23), ("300B tokens", 300e9),
     ("2×10^21", 2e21), ("2x10^21 FLOPs", 2e21),
     ("10^21", 1e21), ("10²¹", 1e21), ("3·10²¹", 3e21), ("10**20", 1e20), ("1.3 billion", 1.3e9), ("2.8 Bn", 2.8e9),
     ("70 million params", 70e6), ("5 PF-days", 5 * 8.64e19), ("2.5 exaFLOPs", 2.5e18), ("~1.3B", 1.3e9),
     ("−3.25", -3.25), ("3.1 nats", 3.1), ("1.3\u00a0B", 1.3e9), ("2*10^{21}", 2e21), (7, 7), (2.5, 2.5),
     (np.int64(7), 7), (70_000_000_000, 7e10)],
)  # fmt: skip
def test_numbers_however_written(cell, value):
    # beside a word, so that every cell is read by itself
    numbers = read_numbers([cell, "x"])
    assert numbers.values[0] == value
    assert numbers.unreadable.tolist() == [False, True]
    assert read_numbers([cell]).values[0] == value


@pytest.mark.parametrize(
    "cell",
    [
        "70m",
        "1,5B",
        "seven",
        "7BB",
        "1e",
        "0x10",
        "12;5",
        "95%",
        "million",
        "30 ppl",
        "5 TFLOP/s",
        "1.3B-2B",
        "x10^21",
        [1],
        {"a": 1},
    ],
)
def test_suffixes_that_could_be_misread_are_not_read(cell):
    assert read_numbers([cell, 1.0]).unreadable.tolist() == [True, False]


@pytest.mark.parametrize("cell", ["", None, "None", "NA", "n/a", "-", "null", float("nan"), "nan", "NaN"])
def test_empty_cells_are_empty(cell):
    numbers = read_numbers([cell, "x", 1])
    assert np.isnan(numbers.values[0])
    assert not numbers.unreadable[0]


def test_a_scale_is_for_plain_numbers_only():
    assert read_numbers(["70", "70M", 70.0, "7e1"], scale=1e6).values.tolist() == [70e6] * 4


def test_logarithms():
    assert read_numbers([9, "10"], logarithm="log10").values.tolist() == [1e9, 1e10]
    assert read_numbers([np.log(7e9)], logarithm="ln").values[0] == pytest.approx(7e9, rel=1e-12)
    assert read_numbers([33], logarithm="log2").values[0] == 2.0**33


@pytest.mark.parametrize(
    ("given", "expected"),
    [("1e6", (1e6, "")), (1e6, (1e6, "")), ("millions", (1e6, "")), ("Million", (1e6, "")), ("1M", (1e6, "")),
     ("billions", (1e9, "")), ("pf_days", (8.64e19, "")), ("PF-days", (8.64e19, "")), ("log10", (1.0, "log10")),
     ("zettaflops", (1e21, "")), ("PFLOP/s-days", (8.64e19, "")),
     ("ln", (1.0, "ln"))],
)  # fmt: skip
def test_scales(given, expected):
    assert read_scale(given, "--scale params=x") == expected


@pytest.mark.parametrize("given", ["many", "0", "-1", "nan", "", "inf"])
def test_scales_that_are_none(given):
    with pytest.raises(InputError, match="--scale params=x: expected a positive factor"):
        read_scale(given, "--scale params=x")


def test_words():
    assert read_words([1.0, " a ", None, True, float("nan"), 2.5]).tolist() == ["1", "a", "", "True", "", "2.5"]
    words = read_words(["yes", "False", "0", 1, 0.0, "maybe"])
    assert is_yes(words).tolist() == [True, False, False, True, False, False]
    assert is_no(words).tolist() == [False, True, True, False, True, False]


@settings(deadline=None)
@given(st.lists(st.floats(min_value=1e-3, max_value=1e25), min_size=1, max_size=30))
def test_labels_join_what_rounding_parts_and_nothing_else(values):
    array = np.array(values)
    labels = labels_of(array)
    assert np.array_equal(labels, labels_of(array * 3.7))  # a change of unit
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            if abs(one - other) > 1e-7 * max(one, other):
                chained = any(min(one, other) < x < max(one, other) for x in values)
                assert labels[i] != labels[j] or chained
            elif one == other:
                assert labels[i] == labels[j]


def test_labels_of_numbers_that_are_missing():
    assert labels_of(np.array([np.nan, 1, np.nan, 1 + 1e-12, 2])).tolist() == [2, 0, 2, 0, 1]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=8), st.booleans()), max_size=12))
def test_any_cells_give_numbers_or_are_marked(cells):
    numbers = read_numbers(cells)
    assert len(numbers.values) == len(numbers.unreadable) == len(cells)
    assert np.all(np.isnan(numbers.values[numbers.unreadable]))
