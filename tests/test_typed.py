"""The package is typed for its users: the stub has the names that the package imports, each from the same place."""

from __future__ import annotations

import ast
from importlib.resources import files
from pathlib import Path

import pytest
from mypy import api

import isoflop


def stub_imports() -> dict[str, str]:
    """{public name: the module that the stub takes it from}"""
    tree = ast.parse((files("isoflop") / "__init__.pyi").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module or ""
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_stub_imports_what_the_package_imports() -> None:
    rooms = {room: f"isoflop.interactive.{room}" for room in isoflop._CALLABLE_ROOMS}
    assert stub_imports() == isoflop._HOMES | rooms


def test_the_marker_of_a_typed_package_is_shipped() -> None:
    assert (files("isoflop") / "py.typed").is_file()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of a check with one cache for all programs, so that the package is read once."""
    return ["--strict", "--cache-dir", str(tmp_path_factory.mktemp("mypy"))]


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no configuration but mypy's own


def test_a_type_checker_knows_the_public_names(strict: list[str]) -> None:
    program = "import isoflop\nreveal_type(isoflop.make_plan)\nreveal_type(isoflop.Plan)\nisoflop.no_such_name"
    answer, problems, _ = api.run([*strict, "-c", program])
    assert not problems
    plan, kind, unknown, *_ = answer.splitlines()
    assert "-> isoflop.plan.plan.Plan" in plan
    assert "isoflop.plan.plan.Plan" in kind
    assert 'has no attribute "no_such_name"' in unknown


PROGRAM = """
import numpy as np
import isoflop
from isoflop.fit import FitReport

fit = isoflop.fit({"params": [1e8, 2e8], "tokens": ["2B", "4B"], "loss": [3.0, 2.9]}, draws=10)
report: FitReport = fit
plan = fit.plan("1e23", cluster="512xH100")
again: isoflop.Plan = isoflop.plan("$2M", fit, objective=isoflop.FixedParams(params="70B"))
size: float = isoflop.FixedParams(params="70B").params
one: isoflop.Prediction = fit.predict("70B", 1.4e12)
many: isoflop.Predictions = fit.predict(np.array([1e9, 2e9]), "20B")
listed: isoflop.Predictions = isoflop.predict("besiroglu2024", [1e9, 2e9], ["20B", "40B"])
first: float = many.loss[0]
text: str = fit.summary()
fit.figure("isoflop").show()
fit.plot(ax=None, name="isoflop")
print(fit.intervals, fit.residuals, plan.params_interval, isoflop.make_plan(fit, "1e23").loss, size, one, text)
"""


def test_a_program_of_a_user_passes_the_strict_check(strict: list[str]) -> None:
    answer, problems, status = api.run([*strict, "-c", PROGRAM])
    assert status == 0, answer + problems


def test_the_check_sees_a_wrong_argument(strict: list[str]) -> None:
    wrong = "import isoflop\nisoflop.fit('runs.csv').plan(1e23, cluster=3)\nisoflop.FixedParams(params=None)\n"
    answer, _, status = api.run([*strict, "-c", wrong])
    assert status == 1
    assert answer.count("error:") == 2
