"""Packages that import their names when these are used: the table that runs is the one that checkers read."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

from isoflop.lazy_names import names_of

SOURCE = Path(__file__).parents[1] / "src"
LAZY = sorted(path for path in SOURCE.rglob("__init__.py") if "names_of(" in path.read_text(encoding="utf-8"))


def package_of(path: Path) -> str:
    return ".".join(path.parent.relative_to(SOURCE).parts)


def stated(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """({name: module} as imported for types, {name: module} of the table)."""
    tree, package = ast.parse(path.read_text(encoding="utf-8")), package_of(path)
    guard = next(node for node in tree.body if isinstance(node, ast.If))
    for_types = {
        name.name: str(node.module) for node in guard.body if isinstance(node, ast.ImportFrom) for name in node.names
    }
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "names_of")
    homes = ast.literal_eval(call.args[1])
    return for_types, {name: f"{package}.{home}" for home, names in homes.items() for name in names.split()}


def test_some_packages_are_lazy() -> None:
    assert {"isoflop.fit", "isoflop.plan", "isoflop.observations"} <= set(map(package_of, LAZY))


@pytest.mark.parametrize("path", LAZY, ids=package_of)
def test_the_table_is_what_checkers_read_and_every_name_can_be_had(path: Path) -> None:
    for_types, table = stated(path)
    assert table == for_types
    package = import_module(package_of(path))
    assert set(table) <= set(package.__all__)
    for name in package.__all__:
        assert getattr(package, name) is getattr(package, name)
    for name, home in table.items():
        assert getattr(package, name) is getattr(import_module(home), name)
        assert not (path.parent / f"{name}.py").exists(), "the import of that file would stand in place of the name"


def test_another_name_is_none_of_the_package() -> None:
    with pytest.raises(AttributeError, match="'isoflop.fit' has no attribute 'fitt'"):
        names_of("isoflop.fit", {"all_approaches": "fit_all"})("fitt")
