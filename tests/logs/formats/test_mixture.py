"""A folder of runs that eight tools logged is the table that it holds, to `isoflop fit` and `isoflop compare`."""

import itertools
import json

import pytest
from click.testing import CliRunner

from isoflop.cli import main
from isoflop.logs import read_logs
from logs.formats.mixture import WRITERS

SIZES = (1_000_000, 2_000_000, 4_000_000, 8_000_000)
RATIOS = (10, 20, 40, 80)


def loss_of(params, tokens, worse=0.0):
    """The law of Besiroglu et al. 2024, with a scatter that is always the same."""
    scatter = 0.002 * ((params // 1_000_000 * 7 + tokens // params * 3) % 11 - 5) / 5
    return 1.8172 + 482.01 / params**0.3478 + 2085.43 / tokens**0.3658 + scatter + worse


def runs():
    for place, (params, ratio) in enumerate(itertools.product(SIZES, RATIOS)):
        tokens = params * ratio
        yield WRITERS[place % len(WRITERS)], f"run-{place}", params, tokens


def folder_of(path, worse=0.0):
    for write, name, params, tokens in runs():
        write(path / name, params, tokens, loss_of(params, tokens, worse))
    return path


def command(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return folder_of(tmp_path_factory.mktemp("mixed"))


def test_every_run_is_there_with_what_it_says(mixed):
    found = {run.name: run for run in read_logs(mixed)}
    for _, name, params, tokens in runs():
        run = found[name]
        assert (run.params, run.ended) == (params, True)
        assert run.tokens.values[-1] == pytest.approx(tokens, rel=1e-7)  # single precision in TensorBoard
        assert run.evaluations["validation"].values[-1] == pytest.approx(loss_of(params, tokens), rel=1e-7)
    assert len(found) == 16


def test_a_fit_of_the_folder_is_that_of_its_table(mixed, tmp_path):
    table = tmp_path / "runs.csv"
    rows = [f"{name},{params},{tokens},{loss_of(params, tokens)!r}" for _, name, params, tokens in runs()]
    table.write_text("\n".join(["run,params,tokens,loss", *rows]) + "\n")
    options = ("--draws", 0, "--schedule", "matched", "--json")
    of_folder, of_table = command("fit", mixed, *options), command("fit", table, *options)
    assert of_folder["parametric"]["a"] == pytest.approx(of_table["parametric"]["a"], rel=1e-4)


def test_a_comparison_of_two_folders_is_that_of_their_tables(mixed, tmp_path):
    folder_of(tmp_path / "b", worse=-0.05)
    tables = []
    for name, worse in (("a", 0.0), ("b", -0.05)):
        rows = [f"{run},{params},{tokens},{loss_of(params, tokens, worse)!r}" for _, run, params, tokens in runs()]
        tables.append(tmp_path / f"{name}.csv")
        tables[-1].write_text("\n".join(["run,params,tokens,val_loss", *rows]) + "\n")
    of_folders, of_tables = command("compare", mixed, tmp_path / "b", "--json"), command("compare", *tables, "--json")
    cells, expected = (answer["sets"][0]["cells"] for answer in (of_folders, of_tables))
    assert len(cells) == len(expected) == 16
    for cell, table in zip(cells, expected, strict=True):
        for key in ("params", "tokens", "loss_a", "loss_b"):
            assert cell[key] == pytest.approx(table[key], rel=1e-6)


def test_one_run_in_the_logs_of_two_trackers_is_said(tmp_path):
    for write in WRITERS[:2]:
        write(tmp_path / "logs" / write.__name__, 1_000_000, 10_000_000, 3.0)
    assert [notice.code for notice in read_logs(tmp_path).notices] == ["run_logged_twice"]
    WRITERS[2](tmp_path / "other" / "one", 1_000_000, 10_000_000, 3.0)
    WRITERS[3](tmp_path / "other" / "two", 1_000_000, 10_000_000, 3.001)
    assert read_logs(tmp_path / "other").notices == ()
