import json
import shutil

import pytest

SHOWN = ("corpus", "sweep", "status", "score")


def test_corpus_says_what_stands(answer, run, finished_study):
    info = answer("corpus", finished_study.path)
    assert {"schema", "train", "validation", "tokenizer", "digest", "domains", "dropped"} <= set(info)
    result = run("corpus", finished_study.path)
    assert "training" in result.stdout
    assert info["digest"][:12] in result.stdout
    assert "building the corpus" in result.stderr


def test_sweep_shows_the_bill_of_both_parts(answer, run, finished_study):
    bill = answer("sweep", finished_study.path)
    assert len(bill["budgets"]) == 3
    assert (bill["sweep"]["runs"], bill["final"]["runs"]) == (21, 2)
    assert bill["sweep"]["flops"] + bill["final"]["flops"] == pytest.approx(3e10, rel=0.02)
    assert all(value > 0 for part in ("sweep", "final") for value in bill[part].values())
    assert "sweep: 21 runs at 3 budgets" in run("sweep", finished_study.path).stdout


def test_run_has_nothing_to_do(run, finished_study):
    result = run("run", finished_study.path)
    assert result.exit_code == 0
    assert result.stdout == "nothing to do: every designed run has its result\n"


def test_status_has_every_key_of_the_interface(answer, run, finished_study):
    status = answer("status", finished_study.path)
    assert status["stage"] == "done"
    assert status["runs"] == {"done": 23, "failed": 0, "running": 0, "waiting": 0}
    assert len(status["budgets"]) == 3
    for row in status["budgets"]:
        assert {"flops", "kept", "reason", "params", "tokens", "loss"} <= set(row)
        assert row["kept"] or row["reason"]
    assert isinstance(status["backtest_error"], float)
    # three budgets: none is left to test a size on, and the notices say so
    assert status["size_backtest"] is None
    assert "no_size_backtest" in {notice["code"] for notice in status["notices"]}
    assert {"interval", "estimators", "bend", "identified"} <= set(status["plan"]["size"])
    assert {"params", "tokens", "flops", "loss", "loss_interval", "architecture", "expected_waste"} <= set(
        status["plan"]
    )
    assert {"loss", "interval", "actual", "inside"} <= set(status["forecast"])
    assert set(status["contest"]) == {"planned", "larger"}
    for side in status["contest"].values():
        wanted = {"params", "tokens", "loss", "bits_per_byte", "tokens_per_second", "memory_bytes"}
        assert all(isinstance(side[name], (int, float)) for name in wanted)
    ratio = status["contest"]["larger"]["params"] / status["contest"]["planned"]["params"]
    assert ratio == pytest.approx(4, rel=0.3)
    people = run("status", finished_study.path)
    assert "finished" in people.stdout.splitlines()[0]
    assert people.stderr == ""


def test_score_is_the_forecast_against_the_planned_run(answer, run, finished_study):
    score = answer("score", finished_study.path)
    status = answer("status", finished_study.path)
    assert score["actual"] == status["contest"]["planned"]["loss"]
    assert score["error"] == pytest.approx(score["predicted"] / score["actual"] - 1)
    assert score["inside"] == status["forecast"]["inside"]
    assert "nats a token" in run("score", finished_study.path).stdout


def test_report_goes_where_it_is_told(run, finished_study, tmp_path):
    result = run("report", finished_study.path, "--out", tmp_path / "page.html")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "plotly" in page
    nowhere = run("report", finished_study.path, "--out", tmp_path / "no" / "page.html")
    assert nowhere.exit_code == 2
    assert "no such folder" in nowhere.stderr


def test_generate_goes_on_from_the_prompt_and_repeats_itself(run, finished_study):
    arguments = ("generate", finished_study.path, "--prompt", "Kato miren", "--tokens", 40, "--seed", 1)
    first, second = run(*arguments), run(*arguments)
    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith("Kato miren")
    assert len(first.stdout.strip()) > len("Kato miren")
    assert first.stdout == second.stdout


def test_the_fit_of_a_study_answers_predict_and_plan(answer, finished_study):
    fit = finished_study.path / "fits" / "sweep.json"
    predicted = answer("predict", "--fit", fit, "--params", "5K", "--tokens", "50K")
    assert {"loss", "interval", "extrapolation_factor", "warnings"} <= set(predicted)
    plan = answer("plan", "--fit", fit, "--flops", "1e10")
    assert {"params", "tokens", "loss", "loss_interval", "params_interval", "law", "warnings"} <= set(plan)


def test_a_study_stands_for_its_fit(answer, run, finished_study, tmp_path):
    copy = finished_study.copy(tmp_path / "copy")
    shutil.rmtree(copy / "fits")
    made = answer("fit", copy)
    kept = json.loads((finished_study.path / "fits" / "sweep.json").read_text())
    assert made["parametric"]["E"] == kept["parametric"]["E"]
    assert made.pop("grade")["word"] in ("sound", "with care", "do not use")
    assert set(made.pop("grades")) <= {"parametric", "isoflop", "envelope"}
    assert made == json.loads((copy / "fits" / "sweep.json").read_text())
    by_study, by_fit = (
        answer("plan", "--fit", place, "--flops", "1e10") for place in (copy, copy / "fits" / "sweep.json")
    )
    # the same law; a study knows besides how its own models are shaped and trained
    shaped = {"architecture", "memory_bytes", "run", "warnings"}
    assert {k: v for k, v in by_study.items() if k not in shaped} == {
        k: v for k, v in by_fit.items() if k not in shaped
    }
    assert by_study["architecture"]["vocab_size"] == 257
    assert by_fit["architecture"] is None
    (tmp_path / "empty").mkdir()
    empty = run("fit", tmp_path / "empty")
    assert empty.exit_code == 2
    assert "expected a folder with logs" in empty.stderr


@pytest.mark.parametrize("verb", SHOWN)
def test_json_is_all_there_is_on_stdout(run, finished_study, verb):
    result = run(verb, finished_study.path, "--json")
    assert result.exit_code == 0
    assert isinstance(json.loads(result.stdout), dict)
