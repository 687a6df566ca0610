"""`isoflop watch`."""

from __future__ import annotations

import json
import os

import pytest
from watch.drawn_runs import final_loss, forecast_of
from watch.written_logs import SIZE, SIZES, TOKENS, big_run, lines_of, write_ladder

from isoflop.plan import seal


@pytest.fixture
def like(tmp_path):
    return write_ladder(tmp_path / "small")


@pytest.fixture
def big(tmp_path):
    file = tmp_path / "big.csv"
    file.write_text("".join(big_run()))
    return file


@pytest.fixture
def forecast(tmp_path):
    seal(tmp_path / "forecast.json", forecast_of(SIZE, TOKENS))
    return tmp_path / "forecast.json"


def test_json_has_the_keys_that_programs_rely_on(answer, big, like, forecast):
    found = answer("watch", big, "--like", like, "--forecast", forecast, *SIZES)
    assert set(found) >= {
        "share", "tokens", "loss", "predicted_final", "interval", "level", "methods", "verdict",
        "inside_forecast_probability",
    }  # fmt: skip
    assert found["share"] == pytest.approx(0.4)
    assert found["predicted_final"] == pytest.approx(final_loss(SIZE, TOKENS), rel=1e-3)
    assert found["interval"][0] < found["predicted_final"] < found["interval"][1]
    assert set(found["methods"]["ratio"]) >= {"predicted_final", "interval"}
    assert found["verdict"] == "on_course"
    assert found["inside_forecast_probability"] > 0.9


def test_for_people_the_verdict_comes_first(run, big, like, forecast):
    result = run("watch", big, "--like", like, "--forecast", forecast, *SIZES)
    assert result.exit_code == 0
    assert result.stdout.startswith("On course: at 40.0 % of its schedule big has a loss of")
    assert "Will end at" in result.stdout
    assert "Final loss by each method" in result.stdout


def test_off_course_is_exit_code_4(run, tmp_path, like, forecast):
    (tmp_path / "big.csv").write_text("".join(big_run(higher=0.05)))
    arguments = ("watch", tmp_path / "big.csv", "--like", like, "--forecast", forecast, *SIZES)
    result = run(*arguments)
    assert result.exit_code == 4
    assert result.stdout.startswith("Off course")
    assert run(*arguments, "--fail-on", "never").exit_code == 0
    assert run(*arguments, "--fail-on", "diverged").exit_code == 0
    wrong = run(*arguments, "--fail-on", "of_course")
    assert wrong.exit_code == 2
    assert "off_course" in wrong.stderr


def test_the_share_of_an_answer_can_be_stated(answer, big, like, forecast):
    found = answer("watch", big, "--like", like, "--forecast", forecast, *SIZES, "--as-of", ".2")
    assert found["share"] == pytest.approx(0.2)


def test_a_length_that_the_log_does_not_tell_is_that_of_the_finished_runs(run, answer, big, like):
    found = answer("watch", big, "--like", like, *SIZES)
    assert found["total_tokens"] == pytest.approx(TOKENS, rel=1e-3)
    assert "schedule_length_inferred" in [warning["code"] for warning in found["warnings"]]
    stated = answer("watch", big, "--like", like, *SIZES, "--total-tokens", TOKENS)
    assert "schedule_length_inferred" not in [warning["code"] for warning in stated["warnings"]]
    unknown = run("watch", big, "--like", like)
    assert unknown.exit_code == 3
    assert "--total-tokens" in unknown.stderr


def test_missing_learning_rates_are_those_of_a_finished_run_and_said(answer, tmp_path, like):
    file = tmp_path / "big.csv"
    lines = [",".join([*line.split(",")[:2], line.split(",")[3]]) for line in big_run()]
    file.write_text("".join(lines))
    found = answer("watch", file, "--like", like, *SIZES)
    assert "schedule_inferred" in [warning["code"] for warning in found["warnings"]]
    stated = answer("watch", file, "--like", like, *SIZES, "--schedule", "cosine", "--final-lr", "0.001")
    assert "schedule_inferred" not in [warning["code"] for warning in stated["warnings"]]
    assert stated["predicted_final"] == pytest.approx(found["predicted_final"])


def test_logs_without_tokens_and_sizes_are_held_against_runs_of_their_length(answer, tmp_path):
    from watch.drawn_runs import logged_run

    folder = tmp_path / "small"
    folder.mkdir()
    for seed in range(3):
        run = logged_run(f"seed-{seed}", 1e6, 2e7, seed=seed, noise=0.002)
        (folder / f"seed-{seed}.csv").write_text("".join(lines_of(run, rates=False, tokens=False)))
    under_way = logged_run("next", 1e6, 2e7, seed=7, noise=0.002, until=0.5)
    (tmp_path / "next.csv").write_text("".join(lines_of(under_way, rates=False, tokens=False)))
    found = answer("watch", tmp_path / "next.csv", "--like", folder)
    assert found["share"] == pytest.approx(0.5)
    assert found["predicted_final"] == pytest.approx(final_loss(1e6, 2e7), rel=0.01)


def test_a_changed_forecast_and_that_of_another_run_are_refused(run, big, like, forecast, tmp_path):
    changed = json.loads(forecast.read_text())
    changed["forecast"]["loss"] = 1.0
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    result = run("watch", big, "--like", like, "--forecast", tmp_path / "changed.json")
    assert result.exit_code == 2
    assert "changed after it was sealed" in result.stderr


@pytest.mark.parametrize("text", ["", "step,loss\n", "step,loss\n1,1e999\n2,nan\n", "\x00\xff\xfe" * 99, "{" * 5000])
def test_what_is_no_log_is_one_message(run, like, tmp_path, text):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    result = run("watch", file, "--like", like)
    assert result.exit_code in (2, 3)
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) <= 3


def test_missing_files_and_links_are_one_message(run, like, tmp_path):
    missing = run("watch", tmp_path / "none", "--like", like)
    assert missing.exit_code == 2
    assert "no such file" in missing.stderr
    folder = tmp_path / "linked"
    folder.mkdir()
    os.symlink("/etc", folder / "logs")
    assert run("watch", folder, "--like", like).exit_code == 2
