"""`isoflop.fit(runs)` fits any table and plans from it, as the command line does with the same file."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import isoflop
from interactive.tables import FORMS, columns, table
from isoflop.fit import FitReport


@pytest.fixture(scope="module")
def runs_csv(tmp_path_factory):
    file = tmp_path_factory.mktemp("runs") / "runs.csv"
    pd.DataFrame(columns()).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def fitted():
    return isoflop.fit(table("pandas"), draws=100)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_gives_the_same_fit(form, fitted):
    assert isoflop.fit(table(form), draws=100).as_json() == fitted.as_json()


def test_a_plan_is_that_of_the_command_line(runs_csv, tmp_path):
    def answer(*words):
        done = subprocess.run([sys.executable, "-m", "isoflop", *words], capture_output=True, text=True, check=True)
        return done.stdout

    answer("fit", str(runs_csv), "--draws", "100", "--out", str(tmp_path / "fit.json"))
    said = json.loads(answer("plan", "1e21", "--fit", str(tmp_path / "fit.json"), "--json"))
    said.pop("grade")
    fit = isoflop.fit(runs_csv, draws=100)
    assert json.loads(json.dumps(fit.plan("1e21").as_json())) == said
    assert json.loads(json.dumps(isoflop.make_plan(fit, 1e21).as_json())) == said
    assert (fit.name, fit.library) == (str(runs_csv), "")


def test_a_fit_is_saved_and_loaded(fitted, tmp_path):
    again = isoflop.Fit.load(fitted.save(tmp_path / "fit.json"))
    assert isinstance(again, isoflop.Fit)
    assert again.plan(1e21).as_json() == fitted.plan(1e21).as_json()


def test_options_state_how_the_table_is_read():
    renamed = {
        "size in B": columns()["model size"] / 1e9,
        "D": columns()["training tokens"],
        "ce": columns()["final loss"],
    }
    words = {
        "columns": {"params": "size in B", "loss": "ce"},
        "scale": {"params": 1e9},
        "params_convention": "non_embedding",
    }
    one, other = isoflop.fit(renamed, draws=0, **words), isoflop.fit(renamed, isoflop.ReadOptions(**words), draws=0)
    assert one.as_json() == other.as_json()
    assert one.observations.params_convention == "non_embedding"


@pytest.mark.parametrize(
    "first", ["import isoflop.fit", "from isoflop.fit import FitReport", "import isoflop; isoflop.fit"]
)
def test_the_package_is_the_function_whichever_comes_first(first):
    program = f"""
{first}
import isoflop, inspect
from isoflop.fit import FitReport
assert isoflop.fit.FitReport is FitReport
assert "runs" in inspect.signature(isoflop.fit).parameters
design = [(N, D) for N in (1e8, 2e8, 4e8) for D in (2e9, 8e9, 3e10)]
rows = [{{"N": N, "D": D, "loss": 1.8 + 400 / N**.34 + 400 / D**.28}} for N, D in design]
print(isinstance(isoflop.fit(rows, draws=0), FitReport))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_every_fit_is_a_report(fitted):
    assert isinstance(fitted, FitReport)
    assert fitted.library == "pandas"


def test_predictions_of_arrays_are_those_of_each_run(fitted):
    many = fitted.predict(["1B", "2B", "4B"], np.array([2e10, 4e10, 8e10]))
    for i, (N, D) in enumerate(zip((1e9, 2e9, 4e9), (2e10, 4e10, 8e10), strict=True)):
        one = fitted.predict(N, D)
        assert (many.loss[i], many.interval[0][i], many.interval[1][i]) == (one.loss, *one.interval)
        assert (many.flops[i], many.extrapolation_factor[i]) == (one.flops, one.extrapolation_factor)
    assert len(many) == 3


def test_predictions_take_the_shape_of_the_question(fitted):
    sizes = pd.Series([1e9, 2e9, 3e9])
    assert fitted.predict(sizes, "20B").loss.shape == (3,)
    assert fitted.predict([[1e9], [2e9]], [1e10, 2e10, 4e10]).interval[1].shape == (2, 3)
    assert fitted.predict(1e9, 2e10) == fitted.predict(np.float64(1e9), "20B")


def test_the_summary_is_what_the_terminal_prints(runs_csv):
    done = subprocess.run(
        [sys.executable, "-m", "isoflop", "fit", str(runs_csv), "--draws", "100"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert isoflop.fit(runs_csv, draws=100).summary() == (done.stdout + done.stderr).rstrip("\n")
    assert max(map(len, isoflop.fit(runs_csv, draws=100).summary(60).splitlines())) <= 60


@pytest.mark.parametrize(
    ("form", "kind"),
    [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("polars lazy", pl.DataFrame), ("pyarrow", pa.Table)],
)
def test_frames_are_of_the_kind_that_came_in(form, kind):
    fit = isoflop.fit(table(form), draws=20)
    assert isinstance(fit.intervals, kind)
    assert isinstance(fit.residuals, kind)


def test_intervals_hold_what_the_fit_says(fitted):
    frame = fitted.intervals
    a = frame[(frame.approach == "parametric") & (frame["name"] == "a")].iloc[0]
    assert (a.value, (a.low, a.high), a.level) == (
        fitted.parametric.exponents[0],
        fitted.parametric.intervals["a"],
        0.9,
    )
    E = frame[(frame.approach == "parametric") & (frame["name"] == "E")].iloc[0]
    assert (E.value, E.unit) == (float(fitted.parametric.law.E), "nats_per_token")
    ahead = frame[(frame.approach == "forecast") & (frame.flops > 5e20)]
    sizes = fitted.sizes.at(10 * fitted.flops_range[1])
    assert ahead[ahead["name"] == "N_opt"].iloc[0].value == sizes.params


def test_without_draws_the_ends_are_missing():
    frame = isoflop.fit(table("pandas"), draws=0).intervals
    assert frame.low.isna().all()
    assert frame.value.notna().all()


def test_residuals_are_those_of_the_rows(fitted):
    frame = fitted.residuals
    law = fitted.parametric.law
    np.testing.assert_allclose(frame.predicted, law.loss(frame.params.to_numpy(), frame.tokens.to_numpy()))
    np.testing.assert_allclose(frame.residual, np.log(frame.loss / frame.predicted))
    assert frame.row.tolist() == list(range(1, 46))


def test_logs_that_were_read_before_are_fitted_by_their_last_points(tmp_path):
    law = isoflop.published_law("besiroglu2024")
    for params in (1e7, 2e7, 4e7, 8e7):
        for steps in (1000, 2000, 4000):
            every = [steps // 4, steps // 2, steps]
            lines = [f"{step},{step * 1e6:.0f},{float(law.loss(params, step * 1e6)):.6f}" for step in every]
            (tmp_path / f"{params:g}-{steps}.csv").write_text("\n".join(["step,tokens,val_loss", *lines]) + "\n")
    sizes = {f"{params:g}-*": params for params in (1e7, 2e7, 4e7, 8e7)}
    read = isoflop.read_logs(tmp_path, isoflop.LogOptions(params=sizes))
    of_runs, of_folder = isoflop.fit(read, draws=0), isoflop.fit(tmp_path, params_of=sizes, draws=0)
    assert of_runs.observations.rows_used == 12
    assert of_runs.parametric.law.constants() == of_folder.parametric.law.constants()
