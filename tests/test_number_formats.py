"""Numbers in text for people come from one formatter: `5.76e23`, never `5.76e+23`."""

from __future__ import annotations

import ast
import re
from pathlib import Path

FOR_BROWSERS = ("interactive/svg.py", "report/dark_colours.py")
"""Coordinates and colours, which a browser reads and nobody else."""
SOURCE = Path(__file__).parents[1] / "src" / "isoflop"
_SPEC = re.compile(r"\{[^{}]*:[^{}]*[eEgG]\}")


def exponents(text: str) -> list[int]:
    """Lines of a module whose f-strings, `format` calls or templates can print a number as 1e+23.

    A number that is rounded by text and read back, `float(f"{x:.3g}")`, is not printed.
    """
    tree = ast.parse(text)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            outer = parents[parents[node]]
            read_back = isinstance(outer, ast.Call) and isinstance(outer.func, ast.Name) and outer.func.id == "float"
            if ast.unparse(node.format_spec)[2:-1][-1:] in tuple("eEgG") and not read_back:
                found.append(node.lineno)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "format" and len(node.args) == 2:
            found.append(node.lineno)
        elif isinstance(node, ast.Attribute) and node.attr == "format" and isinstance(node.value, ast.Constant):
            found += [node.lineno] if _SPEC.search(str(node.value.value)) else []
    return sorted(found)


def test_every_way_to_print_an_exponent_is_found() -> None:
    text = 'a = f"{x:.3g}"\nb = f"{x:e} of {y:,}"\nc = "{:g} to {}".format(x, y)\nd = format(x, ".2e")\n'
    assert exponents(text) == [1, 2, 3, 4]
    assert exponents('a = float(f"{x:.3g}")\nb = f"{x:.3f}"\nc = "{:.1%}".format(x)\n"""{x:.3g}"""\n') == []


def test_numbers_for_people_come_from_the_formatter_of_quantities() -> None:
    found = {
        str(path.relative_to(SOURCE)): lines
        for path in sorted(SOURCE.rglob("*.py"))
        if path.name != "units.py"
        and str(path.relative_to(SOURCE)) not in FOR_BROWSERS
        and (lines := exponents(path.read_text(encoding="utf-8")))
    }
    assert found == {}, "use isoflop.units.format_number"
