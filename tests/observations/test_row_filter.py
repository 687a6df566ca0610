import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.observations.file_formats import RawTable
from isoflop.observations.row_filter import filter_rows

TABLE = RawTable(
    columns={
        "dataset": ["c4", "rpj", "c4", "web"],
        "row": ["0", "1", "2", "3"],
        "params": ["70M", "1e9", "2e9", ""],
        "good": [True, False, True, None],
        "a=b": ["x", "y", "x", "y"],
        "loss[c4]": [3.0, 2.5, float("nan"), 2.0],
    },
    rows=4,
)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (["dataset=c4"], [1, 0, 1, 0]),
        (["dataset=c4", "dataset=web"], [1, 0, 1, 1]),
        (["dataset=c4", "row=2"], [0, 0, 1, 0]),
        (["dataset!=c4"], [0, 1, 0, 1]),
        (["dataset != c4"], [0, 1, 0, 1]),
        (["row=2.0"], [0, 0, 1, 0]),
        (["params=1B"], [0, 1, 0, 0]),
        (["params<1e9"], [1, 0, 0, 0]),
        (["params<=1e9"], [1, 1, 0, 0]),
        (["params>=1B"], [0, 1, 1, 0]),
        (["good=true"], [1, 0, 1, 0]),
        (["good=False"], [0, 1, 0, 0]),
        (["a=b=x"], [1, 0, 1, 0]),
        (["loss[c4]>2.2"], [1, 1, 0, 0]),
    ],
)
def test_rows_that_are_used(conditions, expected):
    assert filter_rows(TABLE, conditions).astype(int).tolist() == expected


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("dataset", "expected COLUMN=VALUE"),
        ("=c4", "expected COLUMN=VALUE"),
        ("datset=c4", "did you mean 'dataset'"),
        ("loss=3", "did you mean 'loss\\[c4\\]'"),
        ("dataset=C4", "no row has that value; dataset is one of 'c4', 'rpj', 'web'"),
        ("params<many", "expected a number after <"),
        ("params>1e12", "no row meets"),
    ],
)
def test_conditions_that_cannot_be_met(condition, words):
    with pytest.raises(InputError, match=words):
        filter_rows(TABLE, [condition])


def test_both_must_hold():
    with pytest.raises(InputError, match="no row meets all"):
        filter_rows(TABLE, ["dataset=c4", "row=1"])
    assert np.all(filter_rows(TABLE, []))
