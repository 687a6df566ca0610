"""How answers are printed: whole at any width of the terminal."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isoflop.cli.output.tables import print_table

HEADER = ["Law", "N", "D", "loss", "runs behind", "beyond"]
ROWS = [
    ["hoffmann2022-1-printed", "67B", "1.43T", "-", "1e18-1e22", "44x"],
    ["kaplan2020", "804B*", "119B", "1.6177", "N 8e2-2e9", "536x"],
]

VERBS = [
    ("laws",),
    ("laws", "--flops", "5.76e23"),
    ("laws", "besiroglu2024", "--flops", "1e24"),
    ("count", "chinchilla-70b"),
    ("count", "llama3-70b", "--gpus", "512xH100", "--utilization", "0.4"),
    ("plan", "--law", "besiroglu2024", "--gpus", "512xH100", "--days", "30"),
    ("plan", "--law", "besiroglu2024", "--flops", "1e22", "--params", "1B"),
    ("paper",),
    ("paper", "--table", "optima"),
]


def shown(capsys, monkeypatch, width, **options):
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(HEADER, ROWS, **options)
    return capsys.readouterr().out


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(width=st.integers(24, 120), spare=st.sampled_from([(), (5,), (4, 5)]))
def test_no_number_is_cut_at_any_width(capsys, monkeypatch, width, spare):
    out = shown(capsys, monkeypatch, width, spare=spare, wrap=())
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= width
    words = out.split()
    for row in ROWS:
        for number, cell in enumerate(row):
            assert number in spare or set(cell.split()) <= set(words)


def test_spare_columns_are_left_out_last_first_and_named(capsys, monkeypatch):
    wide = shown(capsys, monkeypatch, 80, spare=(4, 5), wrap=())
    assert "536x" in wide
    assert "wider" not in wide
    less = shown(capsys, monkeypatch, 61, spare=(4, 5), wrap=())
    assert "N 8e2-2e9" in less
    assert "536x" not in less
    assert "A wider terminal also shows beyond." in less
    least = shown(capsys, monkeypatch, 51, spare=(4, 5), wrap=())
    assert "8e2" not in least
    assert "A wider terminal also shows runs behind, beyond." in least


def test_a_row_is_a_block_where_no_table_has_room(capsys, monkeypatch):
    blocks = shown(capsys, monkeypatch, 30, spare=(4, 5), wrap=(), title="Best use")
    assert blocks.splitlines()[:3] == ["Best use", "hoffmann2022-1-printed", "  N            67B"]
    assert re.search(r"beyond +536x", blocks)


@pytest.mark.parametrize("width", [50, 60, 80, 100])
@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_answers_fit_and_are_whole(run, monkeypatch, width, arguments):
    monkeypatch.setenv("COLUMNS", str(width))
    result = run(*arguments)
    assert result.exit_code == 0
    assert "…" not in result.stdout
    # a command to type, and a file's address, stay in one piece
    assert all(len(line) <= max(width, 100 if "isoflop " in line else 0) for line in result.stdout.splitlines())
