"""Every code of a warning or a refusal stands in the table of codes, and the page of codes is made from that table."""

import ast
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from isoflop.cli import main
from isoflop.codes import all_codes, codes_markdown, grade_of

ROOT = Path(__file__).parents[1]


def strings_in(value):
    """The strings that an expression can be: a constant, or either side of `x if c else y`."""
    if isinstance(value, ast.IfExp):
        return strings_in(value.body) | strings_in(value.orelse)
    return {value.value} if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value else set()


def strings_by_name(tree):
    """{name: strings it can be} of constants, variables and defaults of arguments, wherever they stand."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            pairs = [(target.id, node.value) for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.arguments):
            last = node.args[len(node.args) - len(node.defaults) :]
            pairs = [(word.arg, value) for word, value in zip(last, node.defaults, strict=True)]
        elif isinstance(node, ast.For) and isinstance(node.target, ast.Tuple):  # over {code: (what, why)}
            pairs = [(node.target.elts[0].id, key) for key in keys_of_tables(tree)] if of_items(node) else []
        else:
            continue
        for name, value in pairs:
            found.setdefault(name, set()).update(strings_in(value))
    return found


def keys_of_tables(tree):
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict) and node.values]
    return [key for node in tables if all(isinstance(value, ast.Tuple) for value in node.values) for key in node.keys]


def of_items(loop):
    called = loop.iter.func if isinstance(loop.iter, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr == "items" and isinstance(loop.target.elts[0], ast.Name)


def codes_of(text):
    """(codes of notices, codes of refusals) that a module makes, or passes on in a variable called `code`."""
    tree = ast.parse(text)
    named = strings_by_name(tree)
    notices, refusals = set(named.get("code", ())), set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        if call.func.id == "Notice":
            given, into = [word.value for word in call.keywords if word.arg == "code"], notices
        elif call.func.id == "RefusedError":
            given, into = call.args[:1], refusals
        else:
            continue
        for value in given:
            into |= named.get(value.id, set()) if isinstance(value, ast.Name) else strings_in(value)
    return notices, refusals


def made_in_all(place):
    """Codes of notices (0) or refusals (1) that the library makes."""
    return set().union(*(codes_of(path.read_text())[place] for path in (ROOT / "src" / "isoflop").rglob("*.py")))


def test_codes_are_found_as_strings_by_name_in_tables_and_as_defaults():
    text = (
        'BENDS = "a_b"\nNotice(code="x", message="")\nNotice(code=BENDS, message="")\nraise RefusedError("r", "")\n'
        'kinds = {"one": (1, 2), "two": (3, 4)}\nfor code, what in kinds.items():\n    Notice(code=code, message="")\n'
        'def told(code="usual"):\n    Notice(code=code)\ncode = "this" if kinds else "that"\ntold(code)\n'
    )
    assert codes_of(text) == ({"x", "a_b", "one", "two", "usual", "this", "that"}, {"r"})


@pytest.mark.parametrize(("kind", "place"), [("notice", 0), ("refusal", 1)])
def test_the_table_has_every_code_and_no_other(kind: str, place: int) -> None:
    made, listed = made_in_all(place), {entry.code for entry in all_codes() if entry.kind == kind}
    assert sorted(made - listed) == [], "codes without an entry"
    assert sorted(listed - made) == [], "entries without a code"


def test_the_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs" / "codes.md").read_text(encoding="utf-8") == codes_markdown()


def test_a_code_is_explained_and_an_unknown_one_names_the_nearest() -> None:
    shown = CliRunner().invoke(main, ["explain", "frontier_bends"])
    assert shown.exit_code == 0
    assert "frontier_bends: warning" in shown.stdout
    assert "frontier_bends: refusal" in shown.stdout
    unknown = CliRunner().invoke(main, ["explain", "frontier_bend"])
    assert unknown.exit_code == 2
    assert "frontier_bends" in unknown.stderr


@pytest.mark.parametrize(
    ("codes", "word", "limiting"),
    [
        ((), "sound", ()),
        (("default_law",), "sound", ()),
        (("default_law", "extrapolation", "no_draws"), "with care", ("extrapolation", "no_draws")),
        (("extrapolation", "optimum_not_identified"), "do not use", ("optimum_not_identified",)),
    ],
)
def test_the_weightiest_notices_set_the_grade(codes: tuple[str, ...], word: str, limiting: tuple[str, ...]) -> None:
    grade = grade_of(codes)
    assert (grade.word, grade.codes) == (word, limiting)
    assert len(grade.remedies) == len(limiting)


def test_the_rates_of_false_alarms_are_those_of_their_benches() -> None:
    stated = [entry for entry in all_codes() if entry.false_alarms]
    assert {"frontier_bends", "lack_of_fit", "few_rows_decide", "mixed_conditions"} <= {entry.code for entry in stated}
    for entry in stated:
        page = re.search(r"; (bench/fit/\w+\.md)", entry.false_alarms)[1]
        rate, low, high = re.search(r"([\d.]+) % \(([\d.]+) to ([\d.]+) %\)", entry.false_alarms).groups()
        measured = (ROOT / page).read_text(encoding="utf-8")
        row = rf"`{entry.code}` \| {rate} % \| {low} to {high} %|All: {rate} % \({low} to {high} %\)"
        assert re.search(row, measured), entry.code
        assert float(rate) <= 5, entry.code


def test_explain_prints_no_markdown_links() -> None:
    for entry in all_codes():
        assert "](" not in CliRunner().invoke(main, ["explain", entry.code]).output, entry.code
