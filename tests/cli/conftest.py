"""Runs verbs in this process, with stdout and stderr apart."""

import json

import pytest
from click.testing import CliRunner

from isoflop.cli import main


@pytest.fixture
def run():
    """`run("count", "chinchilla-70b")` -> result with exit_code, stdout, stderr; no traceback may come out."""

    def call(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.stderr
        return result

    return call


@pytest.fixture
def answer(run):
    """The one JSON object that a verb prints with --json."""

    def call(*arguments):
        result = run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return call
