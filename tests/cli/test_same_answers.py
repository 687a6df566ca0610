"""The Python API of docs/api.md and the command line give the same objects, number for number."""

import json

import numpy as np
import pytest

from isoflop.fit import fit_all
from isoflop.large_recipe import LargeRecipe
from isoflop.laws import published_law
from isoflop.observations import read_observations
from isoflop.plan import fitted_source, make_plan, observed_cost, predict

LAW = published_law("besiroglu2024")
DRAWS = 120


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    rng = np.random.default_rng(7)
    file = tmp_path_factory.mktemp("runs") / "runs.csv"
    lines = ["params,tokens,loss", "1e8,1e9,nan"]
    for flops in np.geomspace(1e18, 1e20, 5):
        for N in float(LAW.optimum(flops)[0]) * np.geomspace(0.25, 4, 9):
            D = flops / (6 * N)
            lines += [f"{N:.12g},{D:.12g},{float(LAW.loss(N, D)) * np.exp(0.004 * rng.standard_normal()):.12g}"]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def report(runs):
    table = read_observations(runs)
    return fit_all(table, cost=observed_cost(table), draws=DRAWS, seed=0)


def plain(value):
    """As JSON takes it: lists for tuples."""
    return json.loads(json.dumps(value))


@pytest.fixture
def fit(runs, tmp_path, answer):
    """(the file that `fit --out` wrote, what `fit --json` printed)."""
    out = tmp_path / "fit.json"
    return out, answer("fit", runs, "--draws", DRAWS, "--out", out)


def test_fit(fit, report):
    out, printed = fit
    assert {key: printed.pop(key) for key in ("grade", "grades")} == plain(report.grades_as_json())
    assert printed == plain(report.as_json()) == json.loads(out.read_text())


def test_predict(fit, report, answer):
    printed = answer("predict", "--fit", fit[0], "--params", "1e9", "--tokens", "2e10", "--level", 0.8)
    assert printed.pop("grade")["word"] in ("sound", "with care", "do not use")
    assert printed == plain(predict(fitted_source(report), 1e9, 2e10, level=0.8).as_json())


@pytest.mark.parametrize("approach", ["parametric", "isoflop"])
def test_plan(fit, report, answer, approach):
    printed = answer("plan", "--fit", fit[0], "--flops", "5e20", "--approach", approach)
    assert printed.pop("grade")["word"] in ("sound", "with care", "do not use")
    plan = make_plan(
        fitted_source(report, approach),
        5e20,
        recipe=LargeRecipe(family="llama", vocab_size=32_000, seq_len=2048, params_convention="total"),
    )
    assert printed == plain(plan.as_json())
