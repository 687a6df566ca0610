"""The group of verbs: the table, the exit codes, the one way out for errors."""

import shlex
import subprocess
import sys
from importlib import import_module

import click
import pytest

from isoflop import __version__
from isoflop.cli import VERBS
from isoflop.errors import InputError, InterruptedStudy, RefusedError


def test_every_verb_of_the_table_is_a_file_with_a_command():
    for verb in VERBS:
        command = import_module(f"isoflop.cli.verbs.{verb}").command
        assert isinstance(command, click.Command)
        assert command.help


def test_help_lists_every_verb(run):
    text = " ".join(run("--help").stdout.split())
    for verb, line in VERBS.items():
        assert f"{verb} {line}" in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(run, verb):
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert f"isoflop {verb}" in result.stdout.replace("main", "isoflop")


def test_version(run):
    assert run("--version").stdout == f"isoflop {__version__}\n"


def test_an_unknown_verb_is_bad_usage(run):
    result = run("conquer")
    assert result.exit_code == 2
    assert "conquer" in result.stderr
    assert result.stdout == ""


def test_an_unknown_option_is_bad_usage(run):
    assert run("laws", "--colour").exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("expected this, got that"), 2, "Error: expected this, got that"),
        (RefusedError("not_identified", "one budget is not enough"), 3, "Error: one budget is not enough"),
        (InterruptedStudy("stopped"), 130, "stopped"),
        (KeyboardInterrupt(), 130, "Stopped. The same command starts again."),
    ],
)
def test_errors_become_one_message_and_their_exit_code(run, monkeypatch, error, code, message):
    def failing(name):
        raise error

    monkeypatch.setattr("isoflop.cli.verbs.laws.published_law", failing)
    result = run("laws")
    assert result.exit_code == code
    assert result.stderr.strip() == message
    assert result.stdout == ""


def test_our_own_mistakes_are_not_dressed_up(run, monkeypatch):
    def broken(name):
        raise ZeroDivisionError

    monkeypatch.setattr("isoflop.cli.verbs.laws.published_law", broken)
    with pytest.raises(ZeroDivisionError):
        run("laws")


def test_the_installed_command_runs():
    found = subprocess.run(
        [sys.executable, "-m", "isoflop", "count", "gopher-280b"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert "279,710,301,440" in found.stdout


def test_the_installed_command_fails_with_its_code():
    command = [sys.executable, "-c", "from isoflop.cli import main; main()", "plan", "--law", "no", "--flops", "1e20"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stdout == ""
    assert "besiroglu2024" in found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(("mistyped", "meant"), [("pln", "plan"), ("studdy", "study"), ("reprot", "report")])
def test_a_mistyped_verb_names_the_nearest(run, mistyped, meant):
    result = run(mistyped)
    assert result.exit_code == 2
    assert f"no such verb: {mistyped}; did you mean {meant}" in result.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_examples_that_it_parses(verb):
    command = import_module(f"isoflop.cli.verbs.{verb}").command
    examples = [line.strip() for line in command.epilog.splitlines() if line.strip().startswith("isoflop ")]
    assert len(examples) >= 2
    for example in examples:
        program, name, *arguments = shlex.split(example)
        assert (program, name) == ("isoflop", verb)
        command.make_context(name, arguments)


def test_help_of_a_verb_is_grouped_and_states_defaults_in_brackets(run):
    text = run("plan", "--help").stdout
    for title in ("Law:", "Budget:", "Shape and training:", "Limits on serving:", "Output:", "Examples:"):
        assert f"\n{title}\n" in text
    assert "[0.9]" in text
    assert "1<=x" not in text
    assert "default:" not in text
