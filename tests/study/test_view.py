import json
import shutil

import pytest

from isoflop.errors import InputError
from isoflop.report import write_report
from isoflop.report.text import plain_report
from isoflop.runs.folder import run_folders
from isoflop.runs.out_of_memory import record_out_of_memory
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.study import StudyFolder, build_view, status_of
from isoflop.sweep import Design

from .tiny import RUNS, isoflop

PARTS = ("corpus", "sweep", "training", "fit", "plan", "final", "done")
"""How far a study can be; the later part is cut away in `until`."""


def until(finished_study, target, part):
    """A copy of the study as it was when `part` was next."""
    study = finished_study.copy(target)
    place = PARTS.index(part)
    final = {spec.run_id for spec in Design.load(study / "plans" / "contest.json").specs}
    if place < PARTS.index("done"):
        for name in final:
            (study / "runs" / name / "result.json").unlink()
        (study / "forecasts" / "final.score.json").unlink()
        (study / "plans" / "serving.json").unlink()
        (study / "report.html").unlink()
    if place < PARTS.index("final"):
        for name in final:
            shutil.rmtree(study / "runs" / name)
        shutil.rmtree(study / "plans")
        shutil.rmtree(study / "forecasts")
    if place < PARTS.index("plan"):
        shutil.rmtree(study / "fits")
    if place < PARTS.index("fit"):
        folders = run_folders(study / "runs")
        folders[0].result.unlink()
        shutil.rmtree(folders[1].path)
    if place < PARTS.index("training"):
        shutil.rmtree(study / "runs")
        (study / "study.db").unlink()
    if place < PARTS.index("sweep"):
        (study / "sweep.json").unlink()
        shutil.rmtree(study / "corpus")
    return StudyFolder(study)


@pytest.mark.parametrize(
    ("part", "stage", "done", "waiting"),
    [
        ("corpus", "corpus", 0, 0),
        ("sweep", "sweep", 0, RUNS - 2),
        ("training", "sweep", RUNS - 4, 2),
        ("fit", "fit", RUNS - 2, 0),
        ("plan", "plan", RUNS - 2, 0),
        ("final", "final", RUNS - 2, 2),
        ("done", "done", RUNS, 0),
    ],
)
def test_a_study_is_shown_as_far_as_it_has_come(finished_study, tmp_path, part, stage, done, waiting):
    folder = until(finished_study, tmp_path / "study", part)
    status = status_of(folder)
    assert status["stage"] == stage
    assert status["runs"] == {"done": done, "failed": 0, "running": 0, "waiting": waiting}
    reached = {name: status[name] is not None for name in ("budgets", "backtest_error", "plan", "forecast", "contest")}
    assert reached == {
        "budgets": PARTS.index(part) >= PARTS.index("plan"),
        "backtest_error": PARTS.index(part) >= PARTS.index("plan"),
        "plan": PARTS.index(part) >= PARTS.index("final"),
        "forecast": PARTS.index(part) >= PARTS.index("final"),
        "contest": part == "done",
    }
    view = build_view(folder)
    fitted = PARTS.index(part) >= PARTS.index("plan")
    assert bool(view["size_band"]) == fitted
    assert ("no_size_backtest" in {notice["code"] for notice in view["notices"]}) == fitted, "three budgets are too few"
    json.dumps(view, allow_nan=False)
    assert all(len(line) <= 60 for line in plain_report(view, width=60).splitlines())
    assert write_report(view, tmp_path / "page.html").stat().st_size > 1e6


def test_the_numbers_are_those_of_the_run_folders(finished_study):
    folder = StudyFolder(finished_study.path)
    view = build_view(folder)
    assert len({run["run_id"] for run in view["runs"]}) == RUNS
    for run in view["runs"]:
        result = json.loads((folder.runs / run["run_id"] / "result.json").read_text())
        assert run["val_loss_nats"] == result["val_loss_nats"]
        assert run["flops"] == result["flops"]["matmul"]
        assert run["params"]["non_embedding"] == result["params"]["non_embedding"]
        assert run["attempts"] == 1
        assert run["flops"] == pytest.approx(run["budget_flops"], rel=0.02), "a run spends its budget"
    checks = view["learning_rate_check"]
    assert len(checks) == 3
    for check in checks:
        assert check["rates"] == pytest.approx([check["chosen"] / 2, check["chosen"], check["chosen"] * 2])
    planned, larger = view["contest"]["planned"], view["contest"]["larger"]
    assert planned["flops"] == pytest.approx(larger["flops"], rel=0.02)
    assert planned["tokens"] > 2 * larger["tokens"]
    assert view["forecast"]["actual"] == planned["loss"]
    plan, last = view["plan"], view["size_band"][-1]
    assert last["flops"] == pytest.approx(plan["budget_flops"]), "the forecast of the size goes to what is planned"
    assert last["params"] == pytest.approx(plan["size"]["params"], rel=1e-6)


def test_a_failed_run_is_a_row_with_its_reason_and_no_number(finished_study, tmp_path):
    folder = StudyFolder(finished_study.copy(tmp_path / "study"))
    folder.report.unlink()
    name = Design.load(folder.sweep).specs[2].run_id
    result = folder.runs / name / "result.json"
    numbers = ("train_loss_nats", "val_loss_nats", "val_loss_se", "bits_per_byte", "metric_version")
    failed = {"status": "failed", "reason": "diverged", "message": "loss 9 at step 3", "domains": {}}
    result.write_text(json.dumps(json.loads(result.read_text()) | failed | dict.fromkeys(numbers)))
    code, _, stderr = isoflop("study", folder.path)
    assert code == 0, stderr
    (row,) = [run for run in build_view(folder)["runs"] if run["run_id"] == name]
    assert (row["status"], row["reason"], row["val_loss_nats"]) == ("failed", "diverged", None)
    assert status_of(folder)["runs"]["failed"] == 1
    line = next(line for line in folder.observations.read_text().splitlines() if line.startswith(name))
    assert line.endswith(",,,failed,diverged")
    fit = (folder.path / "fits" / "sweep.json").read_text()
    assert "status is 'failed' (failure_reason: 'diverged')" in fit


def test_runs_of_other_products_and_runs_short_of_memory_are_told_of(finished_study, tmp_path):
    folder = StudyFolder(finished_study.copy(tmp_path / "study"))
    runs = run_folders(folder.runs)
    changed = json.loads(runs[0].result.read_text()) | {"products": "bfloat16", "mfu": 0.41}
    runs[0].result.write_text(json.dumps(changed))
    record_out_of_memory(runs[1].path, ParallelConfig(), step=3, micro_batch_sequences=8, message="2 GiB")
    view = build_view(folder)
    said = {notice["code"]: notice["message"] for notice in view["notices"]}
    assert "products in bfloat16" in said["mixed_trainers"]
    assert f"memory ran out in 1 of the runs ({runs[1].run_id})" in said["memory_ran_out"]
    row = next(run for run in view["runs"] if run["run_id"] == runs[0].run_id)
    assert (row["mfu"], row["shortages"]) == (0.41, 0)
    page = write_report(view, tmp_path / "page.html").read_text()
    assert "products in bfloat16" in page
    assert "Memory ran out in 1 of the runs" in page


def test_no_study(tmp_path):
    with pytest.raises(InputError, match="no study here"):
        build_view(StudyFolder(tmp_path))
