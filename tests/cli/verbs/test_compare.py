"""`isoflop compare`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from compare.final_tables import LAW, rows_of, write_csv

SLOPE = ("--slope", "0.05")


@pytest.fixture
def both(tmp_path):
    return write_csv(tmp_path / "runs.csv", [*rows_of("adamw"), *rows_of("muon", 1.3)])


def test_the_verdict_comes_first_and_every_part_after_it(run, both):
    result = run("compare", both, "--by", "recipe", "adamw", "muon", *SLOPE)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("muon is better than adamw: for the loss that muon reaches, adamw needs ")
    for words in ("Multiplier of compute by evaluation set", "Noise floor", "Smallest gain", "What the interval is"):
        assert words in result.stdout


def test_two_files_are_two_recipes(run, tmp_path):
    files = [write_csv(tmp_path / f"{name}.csv", rows_of(name, gain)) for name, gain in (("slow", 1.0), ("fast", 1.3))]
    assert run("compare", *files, *SLOPE).stdout.startswith("fast is better than slow")
    assert run("compare", *reversed(files), *SLOPE).stdout.startswith("slow is worse than fast")


def test_json_has_the_keys_that_programs_rely_on(answer, both):
    found = answer("compare", both, "--by", "recipe", "adamw", "muon", *SLOPE, "--axis", "data")
    assert {"axis", "audit", "sets", "noise", "saved"} <= set(found)
    assert found["axis"] == "data"
    assert set(found["audit"][0]) >= {"what", "a", "b", "equal"}
    keys = {"name", "multiplier", "interval", "probability_above_1", "slope", "reachable", "verdict", "pairs_needed"}
    assert set(found["sets"][0]) >= keys
    assert found["sets"][0]["verdict"] == "better"
    low, high = found["sets"][0]["interval"]
    assert low < found["sets"][0]["multiplier"] < high
    assert set(found["noise"]) >= {"sd", "smallest_gain"}
    assert set(found["noise"]["smallest_gain"]) == {"1", "2", "4", "8"}


@pytest.mark.parametrize("columns", ["60", "80"])
def test_no_line_is_wider_than_the_terminal(run, both, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    result = run("compare", both, "--by", "recipe", "adamw", "muon", *SLOPE)
    assert max(map(len, result.stdout.splitlines())) <= int(columns)


def test_a_baseline_is_held_against_all_others_with_a_caution(run, answer, tmp_path):
    rows = [*rows_of("adamw"), *rows_of("muon", 1.3), *rows_of("sgd", 0.5), *rows_of("lion", 1.1)]
    file = write_csv(tmp_path / "runs.csv", rows)
    text = run("compare", file, "--by", "recipe", "--baseline", "adamw", *SLOPE).stdout
    assert text.index("muon") < text.index("lion") < text.index("sgd")
    assert "fresh seeds" in text
    found = answer("compare", file, "--by", "recipe", "--baseline", "adamw", *SLOPE)
    assert found["baseline"] == "adamw"
    assert [one["b"] for one in found["comparisons"]] == ["muon", "lion", "sgd"]
    page = tmp_path / "all.html"
    run("compare", file, "--by", "recipe", "--baseline", "adamw", *SLOPE, "--report", page)
    html = page.read_text()
    assert "3 recipes against adamw" in html
    assert "lion" in html


def test_what_cannot_be_told_is_no_failure(run, tmp_path):
    pair = [*rows_of("adamw", seeds=1, sizes=(1e8,)), *rows_of("muon", 1.01, seeds=1, sizes=(1e8,))]
    result = run("compare", write_csv(tmp_path / "pair.csv", pair), "--by", "recipe", "adamw", "muon")
    assert result.exit_code == 0
    assert result.stdout.startswith("Whether muon is better than adamw cannot be told: ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{file}"], 2, "expected two, the baseline first"),
        (["{file}", "--by", "recipe"], 2, "there are adamw (9 runs), muon (9 runs)"),
        (["{file}", "--by", "recipe", "adamw", "moun"], 2, "no run with a final loss is of 'moun'"),
        (["{file}", "--by", "recipe", "--baseline", "moun"], 2, "no run with a final loss is of 'moun'"),
        (["{file}", "--baseline", "adamw"], 2, "--by"),
        (["{file}", "nowhere.csv"], 2, "no such file"),
        (["{file}", "--by", "recipe", "adamw", "muon", "--level", "2"], 2, "level"),
        (["{file}", "--by", "recipe", "adamw", "muon", "--axis", "time"], 3, "seconds"),
        (["{file}", "--by", "recipe", "adamw", "muon", "--report", "nowhere/page.html"], 2, "no such folder"),
    ],
)
def test_bad_questions_are_one_message(run, both, arguments, code, message):
    result = run("compare", *(text.format(file=both) for text in arguments))
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_the_report_is_written_and_named_on_stderr(run, both, tmp_path):
    page = tmp_path / "page.html"
    result = run("compare", both, "--by", "recipe", "adamw", "muon", *SLOPE, "--json", "--report", page)
    assert "the report is" in result.stderr
    json.loads(result.stdout)
    assert "muon is better than adamw" in page.read_text()


def test_noise_of_others_makes_a_verdict_of_one_pair(run, answer, tmp_path):
    pair = [*rows_of("adamw", seeds=1, sizes=(1e8,)), *rows_of("muon", 1.5, seeds=1, sizes=(1e8,))]
    file = write_csv(tmp_path / "pair.csv", pair)
    repeats = write_csv(tmp_path / "repeats.csv", rows_of("adamw", seeds=6, sizes=(1e8,)))
    alone = answer("compare", file, "--by", "recipe", "adamw", "muon")
    helped = answer("compare", file, "--by", "recipe", "adamw", "muon", "--noise-from", repeats)
    assert (alone["sets"][0]["verdict"], helped["sets"][0]["verdict"]) == ("cannot_tell", "better")


def test_a_planned_run_has_savings_with_their_convention_and_its_distance(run, answer, tmp_path):
    rows = [row for n in (10, 40) for row in designed("adamw", n, 1.0) + designed("muon", n, 1.3)]
    file = write_csv(tmp_path / "runs.csv", rows)
    asked = (
        "compare",
        file,
        "--by",
        "recipe",
        "adamw",
        "muon",
        "--at",
        "1e21",
        "--gpus",
        "A100",
        "--price-per-hour",
        "2",
    )
    found = answer(*asked, "--utilization", "0.5")
    low, high = found["saved"]["interval"]
    assert low < found["saved"]["share"] < high
    assert found["saved"]["share"] == pytest.approx(1 - 1 / found["saved"]["multiplier"], rel=1e-9)
    assert found["saved"]["flops"] == pytest.approx(1e21 * found["saved"]["share"], rel=1e-9)
    hours = found["saved"]["flops"] / (0.5 * 312e12) / 3600  # of an A100: 312 teraFLOP/s in bfloat16
    assert found["saved"]["money"] == pytest.approx(2 * hours, rel=1e-6)
    assert "savings_far_out" in {warning["code"] for warning in found["warnings"]}
    text = run(*asked).stdout
    assert "2.00 an hour of A100" in text
    assert "times beyond the runs" in text
    assert "as whole runs differ)" in text
    assert found["saved"]["money_range"] == [found["saved"]["money"]] * 2  # of one stated utilization
    ranged = answer(*asked)["saved"]
    by_share = {share: 0.5 * found["saved"]["money"] / share for share in (0.346, 0.607, 0.197)}
    assert ranged["money"] == pytest.approx(by_share[0.346], rel=1e-3)
    assert ranged["money_range"] == pytest.approx([by_share[0.607], by_share[0.197]], rel=1e-3)
    own = answer(
        *asked[:-4], "--gpus", "MYGPU", "--device-peak", "165e12", "--device-memory", "24GB", "--device-bandwidth",
        "1.0TB/s", "--price-per-hour", "2", "--utilization", "0.5",
    )  # fmt: skip
    assert own["saved"]["money"] == pytest.approx(2 * own["saved"]["flops"] / (0.5 * 165e12) / 3600, rel=1e-6)
    refused = run(*asked[:-4], "--device-peak", "165e12")
    assert refused.exit_code == 2
    assert "of which device? add --gpus" in refused.stderr


def designed(recipe, tokens_per_param, gain):
    return [
        {**row, "run": f"{row['run']}-{tokens_per_param}", "tokens": tokens_per_param * row["params"],
         "loss": LAW.loss(row["params"], gain * tokens_per_param * row["params"]) * row["loss"] / clean["loss"]}
        for row, clean in zip(rows_of(recipe), rows_of(recipe, noise=0.0), strict=True)
    ]  # fmt: skip


def test_a_planned_run_without_a_multiplier_says_so(answer, tmp_path):
    pair = [*rows_of("adamw", seeds=3, sizes=(1e8,)), *rows_of("muon", 1.3, seeds=3, sizes=(1e8,))]
    found = answer("compare", write_csv(tmp_path / "p.csv", pair), "--by", "recipe", "adamw", "muon", "--at", "1e21")
    assert found["saved"] is None
    assert "no_savings" in {warning["code"] for warning in found["warnings"]}


def test_a_file_that_is_neither_is_one_short_message(run, both, tmp_path):
    (tmp_path / "noloss.csv").write_text("run,params,tokens,acc\na,1e8,2e9,.3\n")
    result = run("compare", tmp_path / "noloss.csv", both)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert "expected a column with a loss, got run, params, tokens, acc" in result.stderr


def test_warnings_name_the_recipes(run, tmp_path):
    rows = [*rows_of("adamw"), *rows_of("muon", 1.3), *rows_of("lion", 1.1)]
    file = write_csv(tmp_path / "runs.csv", rows)
    result = run("compare", file, "--by", "recipe", "--baseline", "adamw", *SLOPE)
    assert "warning: muon is the best of 2 variants" in result.stderr


def test_the_page_about_comparing_quotes_what_is_printed(run, tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "docs" / "comparing.md").read_text()
    script = re.search(r"<<'END'\n(.*?)\nEND\n", page, re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    exec(script, {})
    quoted = page.partition("begins with\n\n```\n")[2].partition("```")[0]
    assert quoted
    printed = run("compare", "runs.csv", "--by", "recipe", "adamw", "muon", "--at", "1e21").stdout
    assert " ".join(printed.split()).startswith(" ".join(quoted.split()))
