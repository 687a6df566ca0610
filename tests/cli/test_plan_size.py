"""`isoflop plan --fit` and `isoflop fit`: where the best size lies, what each estimator says, and the backtest."""

import numpy as np
import pytest

from isoflop.codec import from_json
from isoflop.fit.size import SizeBacktest
from isoflop.report.panels.best_size import backtest_sentence
from isoflop.units import format_quantity

from .output.test_fit import LAW, budgets, write_runs


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Five budgets of nine sizes."""
    return write_runs(tmp_path_factory.mktemp("known") / "runs.csv", budgets())


@pytest.fixture(scope="module")
def unknown(tmp_path_factory):
    """Three budgets of five sizes, and noise of 1.5 %: the size at a hundred times their compute is open."""
    rng, rows = np.random.default_rng(1), []
    for flops in (1e19, 3e19, 1e20):
        for N in float(LAW.optimum(flops)[0]) * np.geomspace(0.25, 4, 5):
            D = flops / (6 * N)
            rows.append((N, D, float(LAW.loss(N, D)) * np.exp(0.015 * rng.standard_normal())))
    return write_runs(tmp_path_factory.mktemp("unknown") / "few.csv", rows)


def planned(run, answer, file, tmp_path, *options, flops="1e21"):
    """(what `isoflop plan` prints, its JSON) from a fit of `file`."""
    fit = tmp_path / "fit.json"
    answer("fit", file, "--draws", 200, "--out", fit)
    arguments = ("plan", "--fit", fit, "--flops", flops, *options)
    return run(*arguments), answer(*arguments)


@pytest.mark.parametrize("width", [60, 80])
def test_every_estimator_and_the_backtest_stand_next_to_the_plan(run, answer, known, tmp_path, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    shown, value = planned(run, answer, known, tmp_path)
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert max(map(len, lines)) <= width
    said = " ".join(shown.stdout.split())
    low, high = map(format_quantity, value["params_interval"])
    assert lines[1].startswith("Grade")
    first = next(line for line in lines[2:] if not line.startswith(" "))
    assert first.startswith("Parameters"), "the size follows the grade and what would raise it"
    assert f"{format_quantity(value['params'])} ({low} to {high}, 90 %)" in said
    names = {"isoflop": "approach 2", "chinchilla": "Chinchilla form", "parametric": "approach 3"}
    for one in value["size"]["estimators"]:
        if one["estimator"] in names:
            assert f"{names[one['estimator']]}: {format_quantity(one['params'])}" in said
    assert said.count("weight ") >= len(value["size"]["estimators"])
    assert backtest_sentence(from_json(SizeBacktest, value["size_backtest"], "backtest")) in said, "no word is broken"
    assert "Other forms" not in said, "the forms are among the estimators"


@pytest.mark.parametrize("width", [60, 80])
def test_an_open_size_is_a_range_with_what_to_run_next(run, answer, unknown, tmp_path, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    shown, value = planned(run, answer, unknown, tmp_path, flops="1e22")
    assert value["size"]["identified"] is False
    assert value["size_backtest"] is None
    assert max(len(line.rstrip()) for line in shown.stdout.splitlines()) <= width
    said = " ".join(shown.stdout.split())
    low, high = map(format_quantity, value["params_interval"])
    assert said.startswith("Plan for 1e22 training FLOPs Grade do not use size_not_identified: ")
    head = f"Parameters between {low} and {high}, not identified by these runs Run next"
    assert f"{head} Before the planned run, train five sizes or more from " in said
    assert said.index(head) < said.index("Tokens ")
    assert "Size backtest" not in said
    assert "[size_not_identified]" in shown.stderr


def test_a_size_that_was_fixed_is_no_question_to_the_runs(run, answer, unknown, tmp_path):
    shown, value = planned(run, answer, unknown, tmp_path, "--params", "2B", flops="1e22")
    assert value["params"] == pytest.approx(2e9)
    assert "Parameters      2B" in shown.stdout
    assert "not identified by these runs" not in shown.stdout


def test_one_approach_alone_is_one_estimator(run, answer, known, tmp_path):
    shown, value = planned(run, answer, known, tmp_path, "--approach", "isoflop")
    assert [one["estimator"] for one in value["size"]["estimators"]] == ["isoflop"]
    assert "weight 100 %" in " ".join(shown.stdout.split())
    assert "Chinchilla form" not in shown.stdout


def test_a_published_law_has_no_estimators(run):
    shown = run("plan", "--law", "besiroglu2024", "--flops", "1e21").stdout
    assert "Best size by" not in shown
    assert "Size backtest" not in shown


def test_a_backtest_of_the_size_that_was_refused_is_a_warning_of_the_fit(run, answer, unknown):
    value = answer("fit", unknown, "--draws", 100)
    assert value["size_backtest"] is None
    assert "[no_size_backtest]" in run("fit", unknown, "--draws", 100, "--json").stderr
    assert "[no_size_backtest]" in " ".join(run("fit", unknown, "--draws", 100).stderr.split())
