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


def test_a_type_checker_knows_the_public_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # no configuration but mypy's own
    program = "import isoflop\nreveal_type(isoflop.make_plan)\nreveal_type(isoflop.Plan)\nisoflop.no_such_name"
    answer, problems, _ = api.run(["--strict", "-c", program])
    assert not problems
    plan, kind, unknown, *_ = answer.splitlines()
    assert "-> isoflop.plan.plan.Plan" in plan
    assert "isoflop.plan.plan.Plan" in kind
    assert 'has no attribute "no_such_name"' in unknown
