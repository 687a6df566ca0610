import json
import shutil
from pathlib import Path

import pytest

from isoflop.fit import FitReport
from isoflop.runs.folder import run_folders
from isoflop.runs.run_index import RunIndex

from .tiny import RUNS, call, isoflop

STAGES = (
    "building the corpus",
    "measuring this machine",
    "designing the sweep",
    "training the sweep",
    "fitting three ways",
    "planning, and sealing",
    "training the planned model",
    "measuring what serving",
    "scoring the forecast",
    "writing the report",
)


def test_every_stage_is_told_in_order_on_stderr_and_the_answer_is_on_stdout(finished_study):
    told = [finished_study.stderr.index(stage) for stage in STAGES]
    assert told == sorted(told)
    assert "sweep: 21 runs at 3 budgets" in finished_study.stderr
    assert f"{RUNS - 2}/{RUNS - 2}" in finished_study.stderr
    assert "Planned against larger" in finished_study.stdout
    assert "training" not in finished_study.stdout


def test_the_folder_holds_what_the_design_says(finished_study):
    names = {path.name for path in finished_study.path.iterdir()}
    kept = {"study.toml", "corpus", "machine.json", "sweep.json", "runs", "study.db", "fits", "plans", "forecasts"}
    assert kept | {"report.html"} <= names
    assert len(run_folders(finished_study.path / "runs")) == RUNS
    assert not list(finished_study.path.rglob("*.tmp"))
    assert (finished_study.path / "report.html").stat().st_size > 1e6


def test_a_finished_study_does_nothing_and_says_so(finished_study):
    before = {path: path.stat().st_mtime_ns for path in finished_study.path.rglob("*") if path.is_file()}
    code, stdout, stderr = isoflop("study", finished_study.path)
    assert code == 0
    assert stderr.startswith("nothing to do: ")
    assert stdout == finished_study.stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_what_was_deleted_on_the_right_is_made_again_from_the_left(finished_study, tmp_path):
    study = finished_study.copy(tmp_path / "study")
    rows = RunIndex(study / "study.db").rows()
    kept = ["forecasts/final.json", "fits/observations.csv", "plans/contest.json", "sweep.json"]
    before = {name: (study / name).read_bytes() for name in kept}
    results = {folder.result: folder.result.stat().st_mtime_ns for folder in run_folders(study / "runs")}
    (study / "report.html").unlink()
    (study / "study.db").unlink()
    shutil.rmtree(study / "fits")
    shutil.rmtree(study / "plans")
    code, _, stderr = isoflop("study", study)
    assert code == 0, stderr
    assert "params at" not in stderr, "a run was trained again"
    assert {name: (study / name).read_bytes() for name in kept} == before
    assert {path: path.stat().st_mtime_ns for path in results} == results
    assert RunIndex(study / "study.db").rows() == rows
    assert (study / "report.html").exists()
    assert call("study", study).stderr.startswith("nothing to do")


def test_the_export_gives_the_fit_verb_the_same_constants(finished_study):
    arguments = ("--params-convention", "non_embedding", "--flops-convention", "matmul", "--json")
    result = call("fit", finished_study.path / "fits" / "observations.csv", *arguments)
    verb, own = json.loads(result.stdout), FitReport.load(finished_study.path / "fits" / "sweep.json").as_json()
    for name in ("E", "A", "B", "alpha", "beta", "objective"):
        assert verb["parametric"][name] == own["parametric"][name], name
    assert verb["parametric"]["a"] == pytest.approx(own["parametric"]["a"], rel=1e-9)
    assert [verb["isoflop"][key] for key in ("status", "reason")] == [
        own["isoflop"][key] for key in ("status", "reason")
    ]


def test_fits_are_made_anew_when_the_runs_are_others_and_the_seal_holds(finished_study, tmp_path):
    """A failed run that was tried again is news to the fits; the forecast stays as it was sealed."""
    study = finished_study.copy(tmp_path / "study")
    sealed = (study / "forecasts" / "final.json").read_bytes()
    rows = (study / "fits" / "observations.csv").read_text().splitlines()
    result = study / "runs" / rows[1].split(",")[0] / "result.json"
    value = json.loads(result.read_text())
    result.write_text(json.dumps(value | {"val_loss_nats": value["val_loss_nats"] * 1.02}))
    (study / "report.html").unlink()
    code, _, stderr = isoflop("run", study, "--reindex")
    assert code == 0, stderr
    code, _, stderr = isoflop("study", study)
    assert code == 0, stderr
    assert (study / "fits" / "observations.csv").read_text().splitlines()[1] != rows[1]
    assert (study / "forecasts" / "final.json").read_bytes() == sealed
    assert "forecast was sealed from other runs" in (study / "report.html").read_text()


def test_a_jsonl_of_the_same_documents_is_the_same_corpus(finished_study, text_folder, tmp_path):
    """What the study learnt from the folder of .txt holds for the .jsonl: the same tokens, hence the same runs."""
    file = tmp_path / f"{text_folder.name}.jsonl"
    texts = [path.read_text() for path in sorted(text_folder.glob("*.txt"))]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    result = call("corpus", tmp_path / "study", "--text", file, "--json")
    assert result.exit_code == 0, result.stderr
    built = json.loads(result.stdout)
    assert built["digest"] == json.loads((finished_study.path / "corpus" / "corpus.json").read_text())["digest"]


@pytest.fixture(scope="module")
def one_budget(text_folder, tmp_path_factory) -> tuple[Path, int, str]:
    """(folder, exit code, stderr) of a study of one budget, on a .jsonl, which no parametric law can come from."""
    folder = tmp_path_factory.mktemp("one")
    file = folder / "own.jsonl"
    texts = [path.read_text() for path in sorted(text_folder.glob("*.txt"))[:1500]]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    options = ("--flops", "2e10", "--budgets", "1", "--seq-len", "48", "--workers", "2")
    code, _, stderr = isoflop("study", folder / "study", "--text", file, *options)
    return folder / "study", code, stderr


def test_a_study_that_cannot_forecast_is_refused_with_its_report(one_budget):
    study, code, stderr = one_budget
    assert code == 3
    assert "the report, as far as it goes" in stderr
    message = stderr[stderr.index("Error: ") :]
    assert "budget" in message
    assert (study / "report.html").exists()
    assert {folder.status() for folder in run_folders(study / "runs")} == {"done"}
    assert not (study / "forecasts").exists()


def test_a_refused_study_is_refused_again_without_training(one_budget):
    study, _, _ = one_budget
    started = {folder: folder.attempts() for folder in run_folders(study / "runs")}
    code, stdout, _ = isoflop("study", study)
    assert (code, stdout) == (3, "")
    assert {folder: folder.attempts() for folder in started} == started
    status = json.loads(call("status", study, "--json").stdout)
    assert status["forecast"] is None
    assert status["contest"] is None
    assert status["runs"] == {"done": len(started), "failed": 0, "running": 0, "waiting": 0}
