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


def test_a_device_of_ones_own_is_on_the_page_and_in_its_command(run, tmp_path):
    (tmp_path / "hw.toml").write_text(
        '[[devices]]\nname = "OURS"\npeak = "165e12"\nmemory = "24GB"\nbandwidth = "1.0TB/s"\n'
    )
    page = tmp_path / "page.html"
    asked = ("planner", "1e21", "--hardware", tmp_path / "hw.toml", "--gpus", "8xMINE", "--device-peak", "2e14",
             "--device-memory", "48GB", "--device-bandwidth", "2TB/s", "--price-per-hour", "0.4")  # fmt: skip
    assert run(*asked, "--out", page).exit_code == 0
    text = page.read_text()
    own = json.loads(re.search(r'"own_devices":(\{[^}]*\})', text)[1])
    file = f"--hardware {tmp_path / 'hw.toml'}"
    figures = "--device-peak 2e14 --device-memory 48GB --device-bandwidth 2TB/s"
    assert own == {"OURS": file, "MINE": f"{file} {figures}"}
    defaults = json.loads(re.search(r'"defaults":(\{[^}]*\})', text)[1])
    assert defaults == {"law": "besiroglu2024", "flops": "1e21", "gpus": "8xMINE", "price-per-hour": "0.4"}
    assert '"name":"OURS"' in text
    refused = run("planner", "1e21", "--device-peak", "2e14", "--out", tmp_path / "no.html")
    assert refused.exit_code == 2
    assert "of which device?" in refused.stderr
    twice = run("planner", "8xH100 30d", "--gpus", "8xA100", "--out", tmp_path / "no.html")
    assert "state devices twice" in twice.stderr
