"""`isoflop planner`: what the page begins with. tests/report/planner/ tries the page itself in a browser."""

import json
import re

import pytest


@pytest.mark.parametrize(
    ("budget", "begins_with"),
    [
        (None, {"gpus": "512xH100", "days": "30"}),
        ("$2M", {"gpus": "1024xH100", "price": "$2M"}),
        ("64xH100 3 weeks", {"gpus": "64xH100", "days": "21"}),
        ("5.76e23", {"gpus": "512xH100", "flops": "5.76e23"}),
    ],
)
def test_the_page_begins_with_the_budget(run, tmp_path, budget, begins_with):
    page = tmp_path / "page.html"
    done = run("planner", *([] if budget is None else [budget]), "--out", page)
    assert done.exit_code == 0
    assert done.stdout == f"{page}\n"
    defaults = re.search(r'"defaults":(\{[^}]*\})', page.read_text())
    assert defaults is not None
    assert json.loads(defaults[1]) == {"law": "besiroglu2024", **begins_with}


def test_what_is_no_budget_is_refused_before_a_file_is_written(run, tmp_path):
    done = run("planner", "two lots", "--out", tmp_path / "page.html")
    assert done.exit_code == 2
    assert "512xH100 30d" in done.stderr
    assert list(tmp_path.iterdir()) == []
