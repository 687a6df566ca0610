"""Every code that a fit, its reading or a plan can give stands in the guide, with what to do about it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "fitting.md"
ROOMS = ("fit", "laws", "observations", "plan")
ROW = re.compile(r"^\| `([a-z0-9_]+)` \|", re.MULTILINE)


def codes_of(text):
    """(codes of notices, codes of refusals) that a module makes; a name stands for its string at the module's top."""
    tree = ast.parse(text)
    named = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    # `Notice(code=code)` in a loop over {code: (what, why)}
    in_tables = {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict) and node.values and all(isinstance(value, ast.Tuple) for value in node.values)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    notices, refusals = set(), set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        if call.func.id == "Notice":
            given, into = [word.value for word in call.keywords if word.arg == "code"], notices
        elif call.func.id == "RefusedError":
            given, into = call.args[:1], refusals
        else:
            continue
        for value in given:
            if isinstance(value, ast.Constant):
                into.add(value.value)
            elif isinstance(value, ast.Name) and value.id in named:
                into.add(named[value.id])
            elif isinstance(value, ast.Name):
                into |= in_tables
    return notices, refusals


def raised(room):
    found = [codes_of(path.read_text()) for path in sorted((ROOT / "src" / "isoflop" / room).rglob("*.py"))]
    return [set().union(*part) for part in zip(*found, strict=True)]


def told(heading):
    """Codes in the table under a heading of the guide."""
    text = GUIDE.read_text()
    part = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return ROW.findall(part)


def test_codes_are_found_as_strings_by_name_and_in_tables():
    text = (
        'BENDS = "a_b"\nNotice(code="x", message="")\nNotice(code=BENDS, message="")\nraise RefusedError("r", "")\n'
        'kinds = {"one": (1, 2), "two": (3, 4)}\nfor code, what in kinds.items():\n    Notice(code=code, message="")\n'
    )
    assert codes_of(text) == ({"x", "a_b", "one", "two"}, {"r"})


@pytest.mark.parametrize(("heading", "place"), [("Warnings, and what to do", 0), ("Refusals, and what to do", 1)])
def test_the_guide_has_every_code_once(heading, place):
    made = set().union(*(raised(room)[place] for room in ROOMS))
    listed = told(heading)
    assert sorted(made - set(listed)) == [], "codes without a row"
    assert len(listed) == len(set(listed))
