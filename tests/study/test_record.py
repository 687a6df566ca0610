"""A study as its folder holds it, as far as it has come."""

import json
import shutil

import pytest

from isoflop.errors import InputError
from isoflop.report.fitted_runs import runs_of_study
from isoflop.report.html import page_html, write_page
from isoflop.report.pages import study_page
from isoflop.report.record import LearningRateCheck, RunRecord
from isoflop.report.text import plain_text, study_text
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.runs.out_of_memory import record_out_of_memory
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.study import StudyFolder, status_of, study_record
from isoflop.study.record import learning_rate_checks
from isoflop.sweep import Design, Purpose

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
    record = study_record(folder)
    fitted = PARTS.index(part) >= PARTS.index("plan")
    assert (record.fit is not None) == fitted
    assert ("no_size_backtest" in {notice.code for notice in record.notices}) == fitted, "three budgets are too few"
    json.dumps(status, allow_nan=False)
    assert all(len(line) <= 60 for line in plain_text(study_text(record), width=60).splitlines())
    assert write_page(study_page(record), tmp_path / "page.html").stat().st_size > 1e6


def test_the_numbers_are_those_of_the_run_folders(finished_study):
    folder = StudyFolder(finished_study.path)
    record = study_record(folder)
    assert len({run.run_id for run in record.runs}) == RUNS
    for run in record.runs:
        result = json.loads((folder.runs / run.run_id / "result.json").read_text())
        assert run.loss == result["val_loss_nats"]
        assert run.flops == result["flops"]["matmul"]
        assert run.params == result["params"]["non_embedding"]
        assert run.tokens_seen == result["tokens_seen"] == run.tokens_requested
        assert run.attempts == 1
        assert run.flops == pytest.approx(run.budget_flops, rel=0.02), "a run spends its budget"
    assert len(record.learning_rate_checks) == 3
    for check in record.learning_rate_checks:
        assert check.rates == pytest.approx([check.chosen / 2, check.chosen, check.chosen * 2])
    planned, larger = record.comparison.planned.run, record.comparison.larger.run
    assert planned.flops == pytest.approx(larger.flops, rel=0.02)
    assert planned.tokens_seen > 2 * larger.tokens_seen
    assert record.forecast.score.actual == planned.loss
    last = runs_of_study(record).size_points[-1]
    assert last.flops == pytest.approx(record.plan.budget_flops), "the forecast of the size goes to what is planned"
    assert last.params == pytest.approx(record.plan.size.params, rel=1e-6)


def test_the_speeds_of_the_machine_are_named_and_no_spec_is_printed(finished_study):
    folder = StudyFolder(finished_study.path)
    measured = json.loads(folder.machine.read_text())["trainer"]
    record = study_record(folder)
    assert [(one.params, one.flops_per_second, one.step_seconds) for one in record.machine.trainer] == [
        (row["params"], row["flops_per_second"], row["step_seconds"]) for row in measured
    ]
    methods = page_html(study_page(record)).partition('<section id="methods">')[2].partition("</section>")[0]
    assert "Trainer, measured" in methods
    for name in ("spec", "warmup", "n heads", "d ff"):
        assert name not in methods, name


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
    (run,) = [run for run in study_record(folder).runs if run.run_id == name]
    assert (run.status, run.reason, run.loss) == ("failed", "diverged", None)
    assert status_of(folder)["runs"]["failed"] == 1
    line = next(line for line in folder.observations.read_text().splitlines() if line.startswith(name))
    assert line.endswith(",,,failed,diverged")
    fit = (folder.path / "fits" / "sweep.json").read_text()
    assert "the run failed: diverged" in fit


def test_runs_of_other_products_and_runs_short_of_memory_are_told_of(finished_study, tmp_path):
    folder = StudyFolder(finished_study.copy(tmp_path / "study"))
    runs = run_folders(folder.runs)
    changed = json.loads(runs[0].result.read_text()) | {"products": "bfloat16", "mfu": 0.41}
    runs[0].result.write_text(json.dumps(changed))
    record_out_of_memory(runs[1].path, ParallelConfig(), step=3, micro_batch_sequences=8, message="2 GiB")
    record = study_record(folder)
    messages = {notice.code: notice.message for notice in record.notices}
    assert "products in bfloat16" in messages["mixed_trainers"]
    assert f"memory ran out in 1 of the runs ({runs[1].run_id})" in messages["memory_ran_out"]
    run = next(run for run in record.runs if run.run_id == runs[0].run_id)
    assert (run.mfu, run.out_of_memory) == (0.41, 0)
    page = page_html(study_page(record))
    assert "products in bfloat16" in page
    assert "Memory ran out in 1 of the runs" in page


def test_no_study(tmp_path):
    with pytest.raises(InputError, match="no study here"):
        study_record(StudyFolder(tmp_path))


def test_a_run_that_trains_has_seen_what_its_heartbeat_states(finished_study, tmp_path):
    folder = StudyFolder(finished_study.copy(tmp_path / "study"))
    name = Design.load(folder.sweep).specs[0].run_id
    run = RunFolder(folder.runs / name)
    run.result.unlink()
    beat = run.read_heartbeat()
    (record,) = [one for one in study_record(folder).runs if one.run_id == name]
    assert record.status == "waiting"
    assert record.tokens_seen == (beat.tokens if beat else None)
    assert record.flops is None
    shutil.rmtree(run.path)
    (record,) = [one for one in study_record(folder).runs if one.run_id == name]
    assert (record.status, record.tokens_seen, record.attempts) == ("waiting", None, 0)
    assert record.tokens_requested == Design.load(folder.sweep).specs[0].tokens


def test_a_check_of_rates_shows_whether_the_middle_is_best() -> None:
    def run(rate: float, loss: float | None, *purposes: Purpose) -> RunRecord:
        return RunRecord(
            run_id=f"{rate}",
            purposes=("learning_rate_check", *purposes),
            group="cell",
            status="failed" if loss is None else "done",
            params=5,
            params_by_convention={"non_embedding": 5},
            d_model=2,
            n_layers=2,
            budget_flops=1e12,
            tokens_requested=100,
            peak_lr=rate,
            batch_tokens=10,
            seed=0,
            loss=loss,
        )

    def checked(*losses: float | None) -> tuple[LearningRateCheck, ...]:
        runs = [run(1e-3, losses[0]), run(2e-3, losses[1], "isoflop")]
        return learning_rate_checks(runs + [run(4e-3, loss) for loss in losses[2:]])

    (inside,) = checked(2.1, 2.0, 2.2)
    assert (inside.interior, inside.chosen, inside.losses) == (True, 2e-3, (2.1, 2.0, 2.2))
    assert [checked(*losses)[0].interior for losses in ((1.9, 2.0, 2.2), (2.1, 2.0, 1.8))] == [False, False]
    assert checked(2.1, 2.0, None)[0].interior, "a rate that diverges is no better one"
    assert checked(2.1, 2.0) == ()
