"""A table in memory is read as the same table in a file: whatever library, whatever its missing cells are."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from interactive.tables import FORMS, columns, table

from isoflop.errors import InputError
from isoflop.observations import read_observations

UNEVEN = {
    "params": ["70B", "7B", None, "1B"],
    "tokens": [1.4e12, 1e12, 2e11, None],
    "loss": [1.94, None, 2.3, 2.5],
}


def as_values(runs):
    return (runs.N.tolist(), runs.D.tolist(), runs.loss.tolist(), runs.row.tolist(), runs.notices)


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_reads_as_its_file(form, tmp_path):
    pd.DataFrame(columns()).to_csv(tmp_path / "runs.csv", index=False)
    assert as_values(read_observations(table(form))) == as_values(read_observations(tmp_path / "runs.csv"))


@pytest.mark.parametrize("form", [form for form in FORMS if form != "arrays"])
def test_missing_cells_and_quantities_in_text(form):
    runs = read_observations(table(form, UNEVEN))
    assert (runs.N.tolist(), runs.D.tolist()) == ([70e9], [1.4e12])
    assert [(item.row, item.reason) for item in runs.dropped] == [
        (2, "loss is missing"),
        (3, "N (params) is missing"),
        (4, "D (tokens) is missing"),
    ]


def test_options_hold_for_frames():
    frame = pd.DataFrame({"size": [70, 7, 1], "tokens": [1400, 140, 20], "val": [7.0, 8.0, 9.0], "on": ["a", "a", "b"]})
    runs = read_observations(
        frame,
        columns={"params": "size", "loss": "val"},
        scale={"params": "billions", "tokens": 1e9},
        loss_unit="perplexity",
        where="on=a",
    )
    assert runs.N.tolist() == [70e9, 7e9]
    np.testing.assert_allclose(runs.loss, np.log([7.0, 8.0]))
    assert runs.filtered == 1


def test_a_named_index_of_pandas_holds_columns():
    frame = pd.DataFrame(columns())
    grouped = frame.groupby(["model size", "training tokens"])[["final loss"]].min()
    assert sorted(read_observations(grouped).N) == sorted(read_observations(frame).N)


def test_whole_numbers_with_gaps_booleans_and_categories():
    frame = pd.DataFrame(
        {
            "params": pd.array([10**9, None, 10**9], dtype="Int64"),
            "tokens": pd.array([2 * 10**10, 10**10, 3 * 10**10], dtype="Int64"),
            "loss": [2.7, 2.8, 2.6],
            "state": pd.Categorical(["finished", "finished", "crashed"]),
            "is_final": pd.array([True, None, True], dtype="boolean"),
        }
    )
    runs = read_observations(frame)
    assert runs.N.tolist() == [1e9]
    assert [item.reason for item in runs.dropped] == ["N (params) is missing", "status is 'crashed'"]


def test_records_inside_a_frame_are_columns():
    rows = [
        {"config": {"params": 1e9, "tokens": 2e10}, "loss": 2.7},
        {"config": {"params": 2e9, "tokens": 4e10}, "loss": 2.5},
    ]
    for frame in (pl.DataFrame(rows), pa.Table.from_pylist(rows), rows):
        assert read_observations(frame).N.tolist() == [1e9, 2e9]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (3.0, "got float"),
        ([], "got list without rows"),
        ([1.0, 2.0], "got list of float"),
        (np.zeros((3, 3)), "got ndarray"),
        ({"params": 1e9, "tokens": 2e10, "loss": 2.7}, "column 'params': expected a list of cells, got '1000000000.0'"),
        ({"params": [1e9], "tokens": [2e10, 3e10], "loss": [2.7]}, "equal length, got {'params': 1, 'tokens': 2"),
        (pd.DataFrame([[1e9, 2e10]], columns=["params", "params"]), "unique"),
        (pd.Series([1.0, 2.0]), "got Series"),
        (pd.DataFrame({"params": []}), "at least one row, got none"),
        ({}, "at least one row, got none"),
    ],
)
def test_what_is_no_table_of_runs_is_refused_by_what_it_is(data, complaint):
    with pytest.raises(InputError) as caught:
        read_observations(data)
    assert complaint in str(caught.value)
