"""Files of every kind; what is in them is tested elsewhere."""

import gzip
import json

import pytest

from isoflop.errors import InputError
from isoflop.observations.file_formats import RawTable, read_table


def read(tmp_path, name, text):
    path = tmp_path / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return read_table(path)


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.csv.gz"])
def test_commas(tmp_path, name):
    table = read(tmp_path, name, "\ufeffparams,tokens\n1e8,2e9\n\n3e8,\n")
    assert table.columns == {"params": ("1e8", "3e8"), "tokens": ("2e9", "")}
    assert table.rows == 2


@pytest.mark.parametrize(("name", "mark"), [("a.tsv", "\t"), ("a.tsv.gz", "\t"), ("a.csv", ";"), ("a.csv", "\t")])
def test_other_delimiters(tmp_path, name, mark):
    assert read(tmp_path, name, f"N{mark}loss\n1{mark}2\n").columns == {"N": ("1",), "loss": ("2",)}


def test_quotes_lines_in_cells_the_index_of_pandas_and_short_rows(tmp_path):
    table = read(tmp_path, "a.csv", ',"name, long",loss\r\n0,"a\nb",2\r\n1,c\r\n')
    assert table.columns == {"name, long": ("a\nb", "c"), "loss": ("2", "")}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson"])
def test_json_lines(tmp_path, name):
    table = read(tmp_path, name, '{"N": 1, "loss": NaN}\n\n{"loss": 2, "config": {"lr": 0.1, "opt": {"b": 1}}}\n')
    assert table.columns["N"] == [1, None]
    assert table.columns["config/lr"] == [None, 0.1]
    assert table.columns["config/opt/b"] == [None, 1]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_json_by_rows_and_by_columns(tmp_path, name):
    rows = [{"N": 1, "loss": 2}, {"N": 3, "loss": 4}]
    by_rows = read(tmp_path, name, json.dumps(rows))
    by_columns = read(tmp_path, name, json.dumps({"N": [1, 3], "loss": [2, 4]}))
    assert by_rows.columns == by_columns.columns == {"N": [1, 3], "loss": [2, 4]}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "at least one row"),
        ("a.csv", "N,loss\n", "at least one row"),
        ("a.csv", "N,N\n1,2\n", "'N' more than once"),
        ("a.csv", "N,loss\n1,2\n1,2,3\n", "row 2: expected 2 cells"),
        ("a.csv", b"\xff\xfe\x00", "cannot be read"),
        ("a.jsonl", '{"N": 1}\n{broken\n[1]\n', "2 problems"),
        ("a.json", "{}", "expected a JSON list"),
        ("a.json", '{"N": [1], "loss": [1, 2]}', "equally long"),
        ("a.json", "[1]", "expected a JSON list"),
        ("a.json", "[]", "at least one row"),
        ("a.json", "{", "expected a JSON list"),
        ("a.txt", "N,loss", "got .txt"),
        ("a", "N,loss", "no suffix"),
        ("a.parquet", "no", "not a Parquet file"),
    ],
)
def test_files_that_are_no_table(tmp_path, name, text, words):
    with pytest.raises(InputError, match=words):
        read(tmp_path, name, text)


def test_a_gz_that_is_none(tmp_path):
    (tmp_path / "a.csv.gz").write_text("N,loss\n1,2\n")
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "a.csv.gz")


def test_many_broken_lines_are_counted_and_not_all_listed(tmp_path):
    with pytest.raises(InputError) as caught:
        read(tmp_path, "a.jsonl", "{broken\n" * 100)
    assert str(caught.value).count("\n") == 21
    assert "and 80 more lines" in str(caught.value)


def test_parquet_with_empty_cells_words_and_structs(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    rows = [
        {"N": 10**11, "loss": 2.5, "name": "a", "c": {"lr": 0.1}},
        {"N": None, "loss": None, "name": None, "c": None},
    ]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.rows == 2
    assert table.columns["N"] == [10**11, None]
    assert table.columns["name"] == ["a", None]
    assert table.columns["c.lr"] == [0.1, None]


def test_rows_with_other_keys():
    assert RawTable.from_rows([{"a": 1}, {"b": 2}]).columns == {"a": [1, None], "b": [None, 2]}
