"""`isoflop.compare(a, b)`: what goes in, what comes out, and how it looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compare.final_tables import rows_of, write_csv

import isoflop
from isoflop.errors import InputError

ADAMW, MUON = rows_of("adamw"), rows_of("muon", 1.3)


def test_the_package_is_the_function() -> None:
    assert isoflop.compare(ADAMW, MUON, names=("adamw", "muon"), slope=0.05).result.b == "muon"


def test_records_frames_columns_and_paths_give_the_same(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    columns = [{key: [row[key] for row in rows] for key in rows[0]} for rows in (ADAMW, MUON)]
    files = [write_csv(tmp_path / f"{name}.csv", rows) for name, rows in (("adamw", ADAMW), ("muon", MUON))]
    pairs = [(ADAMW, MUON), tuple(columns), tuple(map(pd.DataFrame, columns)), tuple(files)]
    found = [isoflop.compare(a, b, names=("adamw", "muon"), slope=0.05).result for a, b in pairs]
    assert len({one.sets[0].multiplier for one in found}) == 1


def test_one_source_is_parted_by_a_column() -> None:
    found = isoflop.compare([*ADAMW, *MUON], by="recipe", recipes=("adamw", "muon"), slope=0.05)
    assert (found.result.a, found.result.b) == ("adamw", "muon")
    with pytest.raises(InputError, match="adamw"):
        isoflop.compare([*ADAMW, *MUON], by="recipe")
    with pytest.raises(InputError, match="without b"):
        isoflop.compare(ADAMW, MUON, by="recipe")
    with pytest.raises(InputError, match="second source"):
        isoflop.compare(ADAMW)


def test_frames_are_of_the_library_that_came_in() -> None:
    pd = pytest.importorskip("pandas")
    found = isoflop.compare(pd.DataFrame(ADAMW), pd.DataFrame(MUON), names=("adamw", "muon"), slope=0.05)
    assert isinstance(found.sets, pd.DataFrame)
    assert list(found.sets["verdict"]) == ["better"]
    assert len(found.cells) == 3
    assert set(found.audit.columns) == {"what", "a", "b", "equal", "remark"}


def test_repr_is_three_lines_that_begin_with_the_answer() -> None:
    lines = repr(isoflop.compare(ADAMW, MUON, names=("adamw", "muon"), slope=0.05)).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("muon is better than adamw: ")
    assert "3 cells" in lines[1]
    assert "noise" in lines[2]


def test_html_has_the_answer_a_figure_and_no_script() -> None:
    html = isoflop.compare(ADAMW, MUON, names=("<b>", "muon"), slope=0.05)._repr_html_()
    assert "muon is better than &lt;b&gt;" in html
    assert "<svg" in html
    assert "<script" not in html


def test_figures_have_names_and_the_page_is_written(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    found = isoflop.compare(ADAMW, MUON, names=("adamw", "muon"), slope=0.05)
    assert found.figure().layout.xaxis.title.text.startswith("training compute")
    assert found.figure("sets").layout.xaxis.title.text.startswith("multiplier")
    with pytest.raises(InputError, match="overview, sets"):
        found.figure("nothing")
    assert found.report(tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert json.loads(json.dumps(found.as_json()))["axis"] == "compute"
