"""CSV as spreadsheets and scripts write it: marks, comments, delimiters that the file states or shows."""

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.observations.file_formats import read_table

PLAIN = {"params": ("1e8", "2e8"), "tokens": ("2e9", "4e9"), "loss": ("3.2", "2.9")}


def read(tmp_path, text, name="runs.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


def lines(mark=",", before="", after=""):
    rows = [mark.join(cells) for cells in (tuple(PLAIN), *zip(*PLAIN.values(), strict=True))]
    return before + "\n".join(rows) + "\n" + after


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_parts_header_and_rows_alike(tmp_path, mark):
    table = read(tmp_path, lines(mark))
    assert (table.columns, table.notices) == (PLAIN, ())


def test_decimal_commas_between_semicolons_are_no_delimiter(tmp_path):
    table = read(tmp_path, "params;tokens;loss\n1e8;2e9;3,2\n2e8;4e9;2,9\n")
    assert table.columns["loss"] == ("3,2", "2,9")


@pytest.mark.parametrize(
    ("before", "mark", "words"),
    [
        ("sep=;\n", ";", "states the delimiter: 'sep=;'"),
        ('"sep=;"\r\n', ";", "states the delimiter"),
        ("\ufeffsep=;\n", ";", "states the delimiter"),
        ("sep=\t\n", "\t", "states the delimiter"),
        ("# made by sweep.py\n# 2 runs\n\n", ",", "2 comment lines above the header"),
        ("// made by sweep.py\n", ",", "1 comment line above the header"),
        ("sep=;\n# made by sweep.py\n", ";", "1 comment line above the header"),
        ("\n\n", ",", None),
    ],
)
def test_what_stands_above_the_header_is_passed_over_and_reported(tmp_path, before, mark, words):
    table = read(tmp_path, lines(mark, before))
    assert table.columns == PLAIN
    said = [notice.message for notice in table.notices]
    assert {notice.code for notice in table.notices} <= {"table_form"}
    assert any(words in text for text in said) if words else said == []


def test_a_header_that_is_a_comment_as_numpy_writes_it(tmp_path):
    np.savetxt(tmp_path / "a.csv", [[1e8, 2e9, 3.2], [2e8, 4e9, 2.9]], delimiter=",", header="params,tokens,loss")
    table = read_table(tmp_path / "a.csv")
    assert list(table.columns) == ["params", "tokens", "loss"]
    assert table.rows == 2
    assert "names the columns" in table.notices[0].message


def test_a_header_that_begins_with_a_number_sign_above_quantities(tmp_path):
    table = read(tmp_path, "# params,tokens,loss\n100M,2B,3.2\n200M,4B,2.9\n")
    assert (list(table.columns), table.rows) == (["params", "tokens", "loss"], 2)
    table = read(tmp_path, "# sweep, of mine\nlog10_N,loss\n8,3.2\n9,2.9\n")
    assert (list(table.columns), table.rows) == (["log10_N", "loss"], 2)


def test_comments_among_the_rows_are_counted_with_their_lines(tmp_path):
    table = read(tmp_path, lines(after="# crashed: 4e8,8e9,9.9\n5e8,1e10,2.7\n"))
    assert table.columns["params"] == ("1e8", "2e8", "5e8")
    assert "line 4 is a comment" in table.notices[0].message


def test_names_that_start_like_comments_are_no_comments(tmp_path):
    table = read(tmp_path, "run,params,loss\n#1,1e8,3\n#2,2e8,2.9\n")
    assert table.columns["run"] == ("#1", "#2")
    assert table.notices == ()


def test_a_hash_inside_a_cell_of_several_lines_is_no_comment(tmp_path):
    table = read(tmp_path, 'note,params,loss\n"a\n# b",1e8,3\nc,2e8,2.9\n')
    assert table.columns["note"] == ("a\n# b", "c")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_marks_of_byte_order(tmp_path, encoding):
    assert read(tmp_path, lines("\t").encode(encoding)).columns == PLAIN


def test_large_tables_hold_the_same_cells(tmp_path):
    rows = 40_000
    text = "run,params,loss\n" + "".join(f"r{i},{1e8 + i:.0f},{3 + i / rows}\n" for i in range(rows))
    long = text + f"{'x' * 200},1e8,3\nshort,2e8\n"
    table = read(tmp_path, long)
    assert table.rows == rows + 2
    assert [str(table.columns["run"][i]) for i in (0, 39_999, 40_000)] == ["r0", "r39999", "x" * 200]
    assert isinstance(table.columns["params"], np.ndarray)
    assert str(table.columns["params"][39_999]) == "100039999"
    assert str(table.columns["loss"][-1]) == ""


def test_a_row_that_is_too_long_is_named_in_a_later_part_of_the_table(tmp_path):
    text = "params,loss\n" + "1e8,3\n" * 20_000 + "1e8,3,4\n"
    with pytest.raises(InputError, match="row 20001: expected 2 cells"):
        read(tmp_path, text)
