import gzip
import json
import sys
from pathlib import Path

import pytest

from isoflop.errors import InputError
from isoflop.observations import read_observations

ROWS = [{"params": 1e8, "tokens": 2e9, "val_loss": 3.2}, {"params": 3e8, "tokens": 6e9, "val_loss": 2.9}]
SVG = Path(__file__).parents[3] / "shared" / "data" / "chinchilla_svg" / "svg_extracted_data.csv"


def write(path: Path) -> Path:
    lines = "\n".join(json.dumps(row) for row in ROWS) + "\n"
    if path.name.endswith(".csv"):
        path.write_text("params,tokens,val_loss\n" + "\n".join(",".join(map(str, row.values())) for row in ROWS) + "\n")
    elif path.name.endswith(".jsonl.gz"):
        path.write_bytes(gzip.compress(lines.encode()))
    elif path.name.endswith(".jsonl"):
        path.write_text(lines)
    else:
        path.write_text(json.dumps(ROWS))
    return path


@pytest.mark.parametrize("name", ["runs.csv", "runs.jsonl", "runs.jsonl.gz", "runs.json"])
def test_every_kind_gives_the_same_table(tmp_path, name):
    made = read_observations(write(tmp_path / name))
    assert made.N.tolist() == [1e8, 3e8]
    assert made.loss.tolist() == [3.2, 2.9]


def test_columns_may_be_named(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("size of it,tokens,val_loss\n1e8,2e9,3\n")
    with pytest.raises(InputError, match="two of N, D and C"):
        read_observations(path)
    assert read_observations(path, columns={"N": "size of it"}).N[0] == 1e8
    with pytest.raises(InputError, match="N=nowhere"):
        read_observations(path, columns={"N": "nowhere"})


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n{broken\n")
    with pytest.raises(InputError, match="line 2"):
        read_observations(path)


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", ""), ("a.csv", "params,tokens,loss\n"), ("a.txt", "x"), ("a.json", "{}")]
)
def test_files_that_are_no_table(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match="expected"):
        read_observations(path)
    with pytest.raises(InputError, match="no such file"):
        read_observations(tmp_path / "missing.csv")


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="pip install"):
        read_observations(path)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "runs.parquet")
    assert read_observations(tmp_path / "runs.parquet").N.tolist() == [1e8, 3e8]


def test_the_published_figure_is_read_as_it_is():
    if not SVG.is_file():
        pytest.skip(f"needs {SVG}")
    made = read_observations(SVG)
    assert (len(made), len(made.dropped), made.notices) == (245, 0, ())
