from __future__ import annotations

import json
from pathlib import Path

import pytest

from compare.final_tables import rows_of, write_csv
from isoflop.compare import SourceOptions, against_baseline, compare_runs, read_source, recipes_in, sides_of, two_sides
from isoflop.compare.options import CompareOptions, StatedSlope
from isoflop.errors import InputError
from isoflop.fit import FitReport, fit_all
from isoflop.observations import Observations, read_observations

BOTH = [*rows_of("adamw"), *rows_of("muon", 1.3)]
STATED = CompareOptions(slope=StatedSlope(per_log=0.05, source="here"))


def test_a_file_and_a_table_in_memory_give_the_same_runs(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "adamw.csv", rows_of("adamw"))
    of_file, of_memory = read_source(file, SourceOptions()), read_source(rows_of("adamw"), SourceOptions())
    assert of_file.name == "adamw"
    assert [run.name for run in of_file.runs] == [run.name for run in of_memory.runs]
    losses = [[run.evaluations["loss"].values[-1] for run in each.runs] for each in (of_file, of_memory)]
    assert losses[0] == losses[1]


def test_a_saved_fit_is_a_source_too(tmp_path: Path) -> None:
    rows = rows_of("adamw", sizes=(1e8, 2e8, 4e8, 8e8))
    report = fit_all(read_observations(rows, keep_all=True), draws=0)
    report.save(tmp_path / "fit.json")
    of_fit = read_source(tmp_path / "fit.json", SourceOptions())
    assert sorted(run.evaluations["loss"].values[-1] for run in of_fit.runs) == pytest.approx(
        sorted(row["loss"] for row in rows)
    )


def test_recipes_of_one_file_are_told_apart_by_a_column_which_is_no_difference_of_theirs() -> None:
    sides = recipes_in(BOTH, SourceOptions(by="recipe"))
    assert {name: len(side.runs) for name, side in sides.items()} == {"adamw": 9, "muon": 9}
    assert all("recipe" not in side.settings for side in sides.values())


def test_a_column_and_a_name_that_are_not_there_are_answered_with_those_that_are() -> None:
    with pytest.raises(InputError, match="did you mean recipe"):
        recipes_in(BOTH, SourceOptions(by="recipes"))
    with pytest.raises(
        InputError, match=r"no run with a final loss is of 'moun'; there are adamw \(9 runs\), muon \(9 runs\)"
    ):
        sides_of(BOTH, ["adamw", "moun"], SourceOptions(by="recipe"))
    with pytest.raises(InputError, match="got 1 names, and there are adamw"):
        sides_of(BOTH, ["adamw"], SourceOptions(by="recipe"))


def test_a_number_names_a_recipe_as_people_write_it() -> None:
    rows = [{**row, "batch": 64 if row["recipe"] == "adamw" else 128} for row in BOTH]
    assert set(recipes_in(rows, SourceOptions(by="batch"))) == {"64", "128"}


def test_two_sources_of_one_name_stay_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        write_csv(tmp_path / folder / "runs.csv", rows_of("adamw"))
    a, b = two_sides(tmp_path / "one" / "runs.csv", tmp_path / "two" / "runs.csv", SourceOptions())
    assert (a.name, b.name) == ("runs (A)", "runs (B)")


def test_all_others_against_a_baseline_come_best_first_and_know_of_each_other() -> None:
    sides = recipes_in([*BOTH, *rows_of("sgd", 0.5), *rows_of("lion", 1.1)], SourceOptions(by="recipe"))
    found = against_baseline(sides, "adamw", [], STATED)
    assert [one.b for one in found] == ["muon", "lion", "sgd"]
    assert {one.a for one in found} == {"adamw"}
    named = against_baseline(sides, "adamw", ["sgd"], STATED)
    assert [one.b for one in named] == ["sgd"]
    with pytest.raises(InputError, match="no other recipe"):
        against_baseline({"adamw": sides["adamw"]}, "adamw", [], STATED)


def test_the_gain_that_was_put_in_is_found() -> None:
    a, b = sides_of(BOTH, ["adamw", "muon"], SourceOptions(by="recipe"))
    forth, back = compare_runs(a, b, STATED), compare_runs(b, a, STATED)
    assert (forth.sets[0].verdict, back.sets[0].verdict) == ("better", "worse")


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere"])
def test_what_is_missing_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_source(tmp_path / name, SourceOptions())


def test_a_fit_against_a_fit_is_audited_by_the_settings_that_each_kept(tmp_path: Path) -> None:
    sides = []
    for name, optimizer, rate in (("a", "adamw", 3e-3), ("b", "muon", 1e-2)):
        rows = [
            {"params": N, "tokens": D, "loss": 1.8 + 400 / N**0.34 + 2000 / D**0.36 + seed / 1e4}
            | {"optimizer": optimizer, "lr": rate, "tokenizer": "gpt2", "seed": seed, "warmup_steps": 10}
            for N in (1e7, 3e7, 1e8)
            for D in (1e8, 3e8, 1e9)
            for seed in (0, 1)
        ]
        file = tmp_path / f"{name}.json"
        fit_all(Observations.from_rows(rows, keep_all=True), draws=0).save(file)
        sides.append(read_source(file, SourceOptions()).side())
    kept = FitReport.load(tmp_path / "a.json").observations.settings
    assert kept == {"optimizer": "adamw", "lr": 3e-3, "tokenizer": "gpt2", "warmup_steps": 10.0}
    rows_of_audit = {row.what: row for row in compare_runs(sides[0], sides[1]).audit}
    assert (rows_of_audit["tokenizer"].a, rows_of_audit["tokenizer"].equal) == ("gpt2", True)
    assert (rows_of_audit["optimizer"].a, rows_of_audit["optimizer"].b) == ("adamw", "muon")
    assert rows_of_audit["learning rate"].a != "unknown"
    # A file of an earlier version has no settings, and loads.
    old = json.loads((tmp_path / "a.json").read_text())
    del old["observations"]["settings"], old["digest"]
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert read_source(tmp_path / "old.json", SourceOptions()).runs[0].settings == {}


def test_a_study_that_is_not_fitted_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(InputError, match="isoflop fit"):
        read_source(tmp_path, SourceOptions())


def test_a_recipe_of_which_no_run_ended_does_not_keep_the_others_from_being_compared(tmp_path: Path) -> None:
    lines = [
        {
            "recipe": recipe,
            "horizon": 300,
            "run": seed,
            "curve": [[step, 4 - step / 1000 + seed / 1e4] for step in steps],
        }
        for recipe, steps in (("a", (100, 200, 300)), ("b", (100, 200, 300)), ("half", (100, 200)))
        for seed in range(3)
    ]
    file = tmp_path / "runs.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert sorted(read_source(file, SourceOptions(by="recipe")).by_recipe("recipe")) == ["a", "b"]


def test_a_run_alone_is_called_by_its_own_name(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    lines = ['"Step","muon-124m - eval/loss","muon-124m - eval/loss__MIN","muon-124m - eval/loss__MAX"']
    lines += [f'"{step}","{4 - step / 1000}","{4 - step / 1000}","{4 - step / 1000}"' for step in (100, 200, 300)]
    file.write_text("\n".join(lines) + "\n")
    recorded = read_source(file, SourceOptions())
    assert recorded.side().name == "muon-124m"
    assert recorded.side().runs[0].losses == {"validation": pytest.approx(3.7)}
    assert read_source(file, SourceOptions(), "muon").side().name == "muon"


def test_a_batch_is_named_as_people_type_it() -> None:
    rows = [{**row, "batch": 524288 if row["recipe"] == "adamw" else 1048576} for row in BOTH]
    assert set(recipes_in(rows, SourceOptions(by="batch"))) == {"524288", "1048576"}


def test_many_runs_that_did_not_end_are_one_warning(tmp_path: Path) -> None:
    lines = []
    for seed in range(6):
        curve = [[step, 4 - step / 1000 + seed / 1e4] for step in (100, 200, 300)]
        lines.append(json.dumps({"recipe": "adamw", "horizon": 300 if seed < 2 else 900, "run": seed, "curve": curve}))
    (tmp_path / "runs.jsonl").write_text("\n".join(lines) + "\n")
    side = recipes_in(tmp_path / "runs.jsonl", SourceOptions(by="recipe"))["adamw"]
    assert len(side.runs) == 2
    (warning,) = side.notices
    assert warning.code == "unfinished_run"
    assert warning.message.endswith("so are 3 more runs")


def test_a_copy_is_said_of_the_recipe_that_has_it(tmp_path: Path) -> None:
    curve = [[step, 4 - step / 1000] for step in (100, 200, 300)]
    other = [[step, loss + 0.01] for step, loss in curve]
    lines = [{"recipe": "a", "run": k, "curve": curve} for k in range(2)] + [{"recipe": "b", "run": 0, "curve": other}]
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    sides = recipes_in(tmp_path / "runs.jsonl", SourceOptions(by="recipe"))
    assert [notice.code for notice in sides["a"].notices] == ["run_logged_twice"]
    assert sides["b"].notices == ()
