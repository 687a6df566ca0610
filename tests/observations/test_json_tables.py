"""JSON as pandas and training scripts write it: the same table whatever the layout, or what was found instead."""

import json

import pytest

from isoflop.errors import InputError
from isoflop.observations.file_formats import read_table

ROWS = [{"params": 1e8, "tokens": 2e9, "loss": 3.2}, {"params": 3e8, "tokens": 6e9, "loss": 2.9}]
NAMES = list(ROWS[0])
CELLS = [list(row.values()) for row in ROWS]
COLUMNS = {name: [row[name] for row in ROWS] for name in NAMES}
BY_INDEX = {name: {str(i): cell for i, cell in enumerate(cells)} for name, cells in COLUMNS.items()}


def read(tmp_path, value, name="runs.json"):
    path = tmp_path / name
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read_table(path)


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        COLUMNS,
        BY_INDEX,
        {"0": ROWS[0], "1": ROWS[1]},
        {"columns": NAMES, "index": [0, 1], "data": CELLS},
        {"columns": NAMES, "index": [0, 1], "data": CELLS, "index_names": [None], "column_names": [None]},
        {"schema": {"fields": [{"name": name, "type": "number"} for name in NAMES]}, "data": ROWS},
        [NAMES, *CELLS],
        {"results": ROWS},
        {"meta": {"date": "today"}, "runs": {"all": ROWS}},
        {"seed": 0, "table": BY_INDEX},
        {"experiment": "x", **COLUMNS},
        json.dumps(ROWS),
        json.dumps(BY_INDEX),
    ],
    ids=["records", "list", "columns", "index", "split", "tight", "table", "header and rows", "results", "nested",
         "columns under a key", "columns and a word", "records in a string", "columns in a string"],
)  # fmt: skip
def test_every_layout_is_the_same_table(tmp_path, value):
    table = read(tmp_path, json.dumps(value))
    assert table.columns == COLUMNS
    assert table.rows == 2


def test_what_is_not_read_is_named(tmp_path):
    (notice,) = read(tmp_path, {"experiment": "sweep", "steps": 500, "results": ROWS}).notices
    assert notice.code == "table_form"
    assert "the table under 'results' is read" in notice.message
    assert "(experiment, steps) is not" in notice.message


def test_rows_by_name_keep_their_names(tmp_path):
    table = read(tmp_path, {"tiny": ROWS[0], "small": ROWS[1]})
    assert table.columns == {"name": ["tiny", "small"], **COLUMNS}


def test_lists_without_names_are_columns_by_number(tmp_path):
    table = read(tmp_path, CELLS)
    assert list(table.columns) == ["0", "1", "2"]
    assert "orient values" in table.notices[0].message


def test_one_object_is_one_row(tmp_path):
    table = read(tmp_path, {"config": {"n_params": 1e8}, "tokens": 2e9, "loss": 3.2})
    assert table.columns == {"config/n_params": [1e8], "tokens": [2e9], "loss": [3.2]}
    assert "one object" in table.notices[0].message


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("\n".join(map(json.dumps, ROWS)), "runs.json", "JSON Lines"),
        (json.dumps(ROWS, indent=1), "runs.jsonl", "one JSON value"),
        (json.dumps({"results": ROWS}, indent=1), "runs.jsonl", "one JSON value"),
        ("# made by sweep.py\n" + "\n".join(map(json.dumps, ROWS)), "runs.jsonl", "1 comment lines"),
    ],
)
def test_json_and_json_lines_under_one_anothers_names(tmp_path, text, name, words):
    table = read(tmp_path, text, name)
    assert table.columns == COLUMNS
    assert words in table.notices[0].message


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": {"rows": ROWS}, "b": {"rows": ROWS}}, r"found 2: 'a/rows' \(2 rows\), 'b/rows' \(2 rows\)"),
        ({"params": [1, 2], "loss": [1]}, "not all equally long: params 2, loss 1"),
        ({"model": "llama", "layers": 12}, "an object with the keys 'model', 'layers'"),
        ([1, 2, 3], r"a list of 3 items \(a number\)"),
        ([{"params": 1}, 2], "a list of 2 items"),
        (True, "got true"),
        (3.1, "got a number"),
        ("[" * 100_000, "nested more than 64 deep"),
        ("[1" + "0" * 10_000 + "]", "expected a JSON list"),
    ],
)
def test_what_is_no_table_is_reported(tmp_path, value, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, value)
