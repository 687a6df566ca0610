"""A hundred and fifty command lines, drawn from what each verb takes."""

import random

import pytest

from hostile import commands
from hostile.verdict import ask

EACH = 15


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder with every place that a command line may name, and the process in it."""
    monkeypatch.chdir(tmp_path)
    commands.prepare(tmp_path)


@pytest.mark.parametrize("batch", range(10))
def test_a_command_line_is_answered_or_refused(batch, places):
    found = []
    for seed in range(EACH * batch, EACH * (batch + 1)):
        arguments = commands.drawn(random.Random(seed))
        answer = ask(*arguments)
        shown = [argument[:60] for argument in arguments]
        found += [f"seed {seed}, {shown}: {fault}\n{answer.where}" for fault in answer.faults]
    assert found == []


def test_no_command_line_names_a_place_outside_its_folder():
    for seed in range(5000):
        words = commands.drawn(random.Random(seed))
        assert not [word for word in words if word.startswith(("/", "~")) or ".." in word]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["count", "chinchilla-70b", "--gpus", "9" * 18 + "xH100"], "at most 10,000,000 devices"),
        (["count", "chinchilla-70b", "--gpus", "1" * 50_000], "(50,000 characters)"),
        (["predict", "--law", "besiroglu2024", "--params", "1_" * 50_000, "--tokens", "1B"], "(100,000 characters)"),
        (["predict", "--law", "besiroglu2024", "--params", "1e300", "--tokens", "1B"], "from 1e-40 to 1e40"),
        (["fit", "pipe.csv"], "found a named pipe"),
        (["fit", "zero.csv"], "found a device"),
        (["fit", "table.csv", "--seed", "-1"], "--seed"),
        (["fit", "table.csv", "--draws", "1" * 30], "--draws"),
        (["fit", "table.csv", "--out", "."], "got a folder"),
        (["fit", "x" * 300 + ".csv"], "File name too long"),
        (["fit", "a\x00b.csv"], "no path can"),
        (["fit", "two\nlines.csv"], "two\nlines.csv"),
        (["fit", "caf\udce9.csv"], "caf\\udce9.csv"),
        (["fit", "\x1b[31mred.csv"], "\\x1b[31mred.csv"),
        (["\x1b[31mred"], "\\x1b[31mred"),
        (["status", ""], "expected a path, got an empty text"),
        (["status", "loop"], "symbolic links"),
        (["launch", ".", "--dry-run"], "ends in .toml"),
    ],
)
def test_what_was_refused_says_what_came(arguments, message, places):
    answer = ask(*arguments)
    assert answer.faults == ()
    assert answer.code == 2
    assert message in answer.stderr
