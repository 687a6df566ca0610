"""The planner page with a fit of one's own: written with it, and dropped on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from isoflop.cli import main
from isoflop.fit import FitReport
from report.planner.driven import seen_in
from report.planner.test_page import ANSWER, said_by_plan, sentence_of

DROP = """
  const before = act.text("sentence");
  const file = new act.view.File([FIT], "ours.json", { type: "application/json" });
  const carried = new act.view.DataTransfer();
  carried.items.add(file);
  const field = act.page.getElementById("fit-file");
  field.files = carried.files;
  field.dispatchEvent(new act.view.Event("change", { bubbles: true }));
  // a file is read beside the page's own work
  for (let i = 0; i < 400 && act.text("sentence") === before; i++) await act.pause();
"""


@pytest.fixture(scope="module")
def fit_file(report: FitReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fit") / "ours.json"
    report.save(path)
    return path


def test_a_page_of_a_fit_says_what_its_command_answers(fit_file: Path, tmp_path: Path) -> None:
    page = tmp_path / "planner.html"
    ended = CliRunner().invoke(main, ["planner", "--fit", str(fit_file), "-o", str(page)])
    assert ended.exit_code == 0, ended.output
    assert page.stat().st_size < 2e6
    links = ("", "#flops=3e20&gpus=8xA100&params=1B", "#days=2&gpus=64xA100", "#flops=1e30&gpus=8xA100")
    for answer in seen_in(page, [(link, ANSWER) for link in links], tmp_path):
        if "flops=1e30" in answer["hash"]:
            assert not answer["sentence"].startswith("Train"), answer
            continue
        assert f"--fit {fit_file}" in answer["command"]
        assert answer["sentence"].startswith(sentence_of(said_by_plan(answer["command"]))), answer


def test_a_fit_that_is_dropped_is_planned_with_its_law_alone(
    planner_file: Path, fit_file: Path, report: FitReport, tmp_path: Path
) -> None:
    drop = DROP.replace("FIT", json.dumps(fit_file.read_text()), 1)
    run = f"""{drop} act.type("flops", "{report.flops_range[1]:.3g}");
      const alone = !act.page.getElementById("law-alone").hidden;
      const answer = await (async () => {{ {ANSWER} }})();
      return {{ alone, law: act.value("law"), lead: act.text("command-lead"), ...answer }};"""
    seen = seen_in(planner_file, [("", run)], tmp_path)[0]
    assert seen["alone"]
    assert seen["law"] == "ours.json"
    assert "--fit ours.json" in seen["command"]
    assert "forecasts of the whole fit" in seen["lead"]
    assert seen["sentence"].startswith("Train ")


def test_a_file_that_is_no_fit_is_refused(planner_file: Path, tmp_path: Path) -> None:
    texts = ("{}", "[1, 2]", "not JSON", '{"parametric": {"status": "ok"}, "schema": 4}', "null")
    runs = [("", DROP.replace("FIT", json.dumps(text), 1) + ANSWER) for text in texts]
    for text, seen in zip(texts, seen_in(planner_file, runs, tmp_path), strict=True):
        assert seen["sentence"].startswith("Ours.json: expected a fit.json"), (text, seen)
        assert "ours.json" not in seen["hash"]
