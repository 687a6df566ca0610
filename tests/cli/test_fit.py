"""`isoflop fit`, and the verbs that use its file."""

import json

import numpy as np
import pytest

from isoflop.laws import published_law

LAW = published_law("besiroglu2024")


def isoflop_rows(noise=0.0):
    """Five budgets, nine sizes around the optimum: enough for two approaches."""
    rng = np.random.default_rng(1)
    rows = []
    for flops in np.geomspace(1e18, 1e20, 5):
        best = float(LAW.optimum(flops)[0])
        for factor in np.geomspace(0.25, 4, 9):
            N = best * factor
            D = flops / (6 * N)
            rows.append((N, D, float(LAW.loss(N, D)) * np.exp(noise * rng.standard_normal())))
    return rows


def write_csv(path, rows, header="params,tokens,loss"):
    path.write_text("\n".join([header, *(",".join(f"{value:.12g}" for value in row) for row in rows)]) + "\n")
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("runs") / "runs.csv", isoflop_rows(noise=0.003))


@pytest.fixture(scope="module")
def fitted(table):
    from click.testing import CliRunner

    from isoflop.cli import main

    out = table.with_name("fit.json")
    result = CliRunner().invoke(main, ["fit", str(table), "--out", str(out), "--draws", "200", "--json"])
    assert result.exit_code == 0, result.stderr
    return out, json.loads(result.stdout)


def test_noise_free_runs_give_their_law_back(tmp_path, answer):
    value = answer("fit", write_csv(tmp_path / "runs.csv", isoflop_rows()), "--draws", 0)
    for name, constant in LAW.constants().items():
        assert value["parametric"][name] == pytest.approx(constant, rel=1e-6)
    assert value["parametric"]["a"] == pytest.approx(float(LAW.a), rel=1e-6)


def test_stable_keys(fitted):
    _, value = fitted
    assert set(value["observations"]) >= {
        "rows_read", "rows_used", "dropped", "params_convention", "flops_convention", "loss_unit",
    }  # fmt: skip
    for approach in ("parametric", "isoflop", "envelope"):
        assert set(value[approach]) >= {"status", "reason", "a", "b", "intervals", "warnings"}
    assert set(value["parametric"]) >= {
        "E", "A", "B", "alpha", "beta", "objective", "delta", "starts", "identified",
    }  # fmt: skip
    assert set(value["isoflop"]) >= {"budgets", "tokens_coefficient", "params_coefficient"}
    assert value["envelope"]["status"] == "not_applicable"
    assert value["disagreement"]["params_ratio_at"]


def test_plan_and_predict_from_the_fit(fitted, answer):
    out, _ = fitted
    plan = answer("plan", "--fit", out, "--flops", "5e20")
    low, high = plan["params_interval"]
    assert low < float(LAW.optimum(5e20)[0]) < high
    assert plan["loss_interval"][0] < plan["loss"] < plan["loss_interval"][1]
    assert 0 < plan["expected_waste"] < 0.2
    assert plan["extrapolation_factor"] == pytest.approx(5, rel=1e-6)
    value = answer("predict", "--fit", out, "--params", "1e9", "--tokens", "2e10")
    assert value["interval"][0] < float(LAW.loss(1e9, 2e10)) < value["interval"][1]


def test_another_approach_of_the_fit(fitted, answer, run):
    out, value = fitted
    plan = answer("plan", "--fit", out, "--flops", "5e20", "--approach", "isoflop")
    expected = value["isoflop"]["params_coefficient"] * 5e20 ** value["isoflop"]["a"]
    assert plan["params"] == pytest.approx(expected, rel=1e-9)
    assert plan["loss"] is None
    refused = run("plan", "--fit", out, "--flops", "5e20", "--approach", "envelope")
    assert refused.exit_code == 3
    assert run("plan", "--fit", out, "--flops", "5e20", "--approach", "seventh").exit_code == 2


def test_dropped_rows_are_listed_with_reasons(tmp_path, answer):
    path = write_csv(tmp_path / "runs.csv", [*isoflop_rows(), (1e9, 2e10, -1.0)])
    value = answer("fit", path, "--draws", 0)
    assert value["observations"]["rows_read"] == 46
    assert value["observations"]["rows_used"] == 45
    assert value["observations"]["dropped"][0]["row"] == 46


def test_columns_can_be_named(tmp_path, answer):
    path = write_csv(tmp_path / "runs.csv", isoflop_rows(), header="size,seen,val_ce")
    value = answer("fit", path, "--draws", 0, "--column", "N=size", "--column", "D=seen", "--column", "loss=val_ce")
    assert value["observations"]["rows_used"] == 45


def test_for_people(table, run):
    result = run("fit", table, "--draws", 50)
    assert result.exit_code == 0
    assert "3 parametric" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_place_that_cannot_be_written_is_said(table, tmp_path, run):
    result = run("fit", table, "--draws", 0, "--out", tmp_path / "missing" / "fit.json")
    assert result.exit_code == 2
    assert "no such folder" in result.stderr
    (tmp_path / "taken").mkdir()
    result = run("fit", table, "--draws", 0, "--out", tmp_path / "taken")
    assert result.exit_code == 2
    assert "taken" in result.stderr


def test_runs_that_cannot_tell_are_refused_with_the_reason(tmp_path, run):
    rows = [(N, 20 * N, float(LAW.loss(N, 20 * N))) for N in np.geomspace(1e7, 1e9, 12)]
    out = tmp_path / "fit.json"
    result = run("fit", write_csv(tmp_path / "runs.csv", rows), "--out", out, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["parametric"]["status"] == "refused"
    assert "Error:" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        (None, [], "no such file"),
        ("", [], "row"),
        ("colour,shape\nred,round\n", [], "runs.csv"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--column", "loss"], "FIELD=COLUMN"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--column", "loss=nothing"], "nothing"),
        ("params,tokens,loss\n1e9,2e10,2.5\n", ["--params-convention", "all"], "params-convention"),
        ("params,tokens,loss\n1e9,2e10,nan\n", [], "row"),
    ],
)
def test_bad_input(tmp_path, run, content, arguments, message):
    path = tmp_path / "runs.csv"
    if content is not None:
        path.write_text(content)
    result = run("fit", path, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
