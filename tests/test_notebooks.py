"""Notebooks in docs/ run from top to bottom, and show what they were stored with."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs").glob("*.ipynb"))
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def results(notebook):
    """{index of a cell: (its result as text, its result as HTML)}"""
    return {
        place: (output["data"].get("text/plain", ""), output["data"].get("text/html", ""))
        for place, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", ())
        if output["output_type"] == "execute_result"
    }


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.name)
def test_a_notebook_runs_and_shows_what_it_was_stored_with(file, tmp_path):
    stored = nbformat.read(file, as_version=4)
    fresh = nbformat.read(file, as_version=4)
    NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    before, after = results(stored), results(fresh)
    assert before.keys() == after.keys()
    for place, (text, _) in after.items():
        old = before[place][0]
        assert NUMBER.sub("#", text).split() == NUMBER.sub("#", old).split(), (
            "run: jupyter execute --inplace docs/*.ipynb"
        )
        numbers, earlier = (list(map(float, NUMBER.findall(words))) for words in (text, old))
        assert numbers == pytest.approx(earlier, rel=0.02)


def test_the_notebook_shows_answers_with_figures():
    shown = [
        html for _, html in results(nbformat.read(NOTEBOOKS[0], as_version=4)).values() if "isoflop-answer" in html
    ]
    assert len(shown) == 2  # the fit and the plan
    assert all("<svg viewBox" in html for html in shown)


def test_notebooks_hold_no_path_of_a_machine():
    for file in NOTEBOOKS:
        assert not re.search(r'"/(?:home|work|tmp|root|Users)/', file.read_text())
        assert "warning" not in " ".join(
            output.get("text", "") for cell in nbformat.read(file, 4).cells for output in cell.get("outputs", ())
        )
