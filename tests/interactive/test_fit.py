"""`isoflop.fit(runs)` fits any table and plans from it, as the command line does with the same file."""

import json
import subprocess
import sys

import pandas as pd
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
