"""`isoflop paper`: all sections, one of them, JSON, Markdown, and what is said of bad input."""

import pytest
from fit.designs import FIGURE

from isoflop.paper import SECTIONS


def test_everything_but_the_refit_is_printed_without_points(run):
    result = run("paper")
    assert result.exit_code == 0
    assert result.stderr == ""
    for words in ("TABLE 2", "TABLE A9", "140B ON 3T", "Missing: the points of Figure 4", "50 of 50 round"):
        assert words in result.stdout
    # fifty rows are for --table
    assert result.stdout.count("chinchilla-44m") == 1
    assert "chinchilla-16183m" not in result.stdout


def test_one_section_has_all_of_its_rows(run):
    result = run("paper", "--table", "table-a9")
    assert result.exit_code == 0
    assert "chinchilla-16183m" in result.stdout
    assert "Table 2" not in result.stdout
    assert "1e21" in run("paper", "--table", "optima").stdout


def test_json_holds_values_of_every_section(answer):
    sections = answer("paper")["sections"]
    assert set(sections) == set(SECTIONS)
    (row,) = [row for row in sections["table-a9"]["compared"] if row["what"] == "chinchilla-3530m"]
    assert (row["published"], row["ours"], row["same_digits"]) == (3530e6, 3_530_408_192, True)
    (rule,) = [row for row in sections["140b-on-3t"]["grids"][0]["rows"] if row["law"] == "hoffmann2022-1-printed"]
    assert rule["params"] == pytest.approx(1.403406e11, rel=6e-7)
    assert "svg_extracted_data.csv" in sections["figure-4"]["missing"]


def test_markdown_is_the_page(run):
    result = run("paper", "--markdown")
    assert result.exit_code == 0
    assert result.stdout.startswith("# The papers, reproduced\n")


def test_points_bring_the_refit(run):
    if not FIGURE.is_file():
        pytest.skip(f"needs {FIGURE}")
    result = run("paper", "--table", "figure-4", "--points", FIGURE)
    assert result.exit_code == 0
    assert "477.826" in result.stdout
    assert "Missing" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--table", "table-9"), "expected one of table-2, table-3"),
        (("--points", "absent.csv"), "absent.csv"),
        (("--table", "figure-4", "--points", "absent.csv"), "no such file"),
        (("--table", "figure-4", "--points", "."), ".: expected a file, the 245 points of Figure 4, got a folder; "),
        (("--points", "."), "get svg_extracted_data.csv, which Besiroglu et al. 2024 read off the figure"),
        (("--table", "table-2", "--points", "absent.csv"), "only figure-4 is made from points"),
        (("--json", "--markdown"), "expected one of --markdown and --json"),
    ],
)
def test_bad_input_is_one_clear_message(run, arguments, message):
    result = run("paper", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", SECTIONS)
@pytest.mark.parametrize("columns", [60, 100])
def test_no_number_is_cut_off(run, name, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    result = run("paper", "--table", name)
    assert "…" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= columns
