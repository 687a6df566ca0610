"""A study that version 0.1.0 finished: this version reads it, answers from it, and continues it to the same end."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from isoflop.recipe.file import RecipeFile
from isoflop.runs.folder import RunFolder

from .tiny import RUNS, call, isoflop


def stored(study: Path, name: str) -> dict[str, Any]:
    """The value of a JSON file of the study, without the checksum that the file states of itself."""
    value = json.loads((study / name).read_text())
    value.pop("digest", None)
    return value


def answer(*arguments: object) -> dict[str, Any]:
    """The JSON object that a verb prints."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_its_status_is_that_of_its_files(old_study):
    status = answer("status", old_study)
    assert status["stage"] == "done"
    assert status["runs"] == {"done": RUNS, "failed": 0, "running": 0, "waiting": 0}
    assert status["backtest"] == stored(old_study, "fits/backtest.json")
    plan = stored(old_study, "plans/final.json")
    assert {name: status["plan"][name] for name in plan} == plan
    sealed, score = (
        stored(old_study, "forecasts/final.json")["forecast"],
        stored(old_study, "forecasts/final.score.json"),
    )
    for name in ("loss", "interval", "level", "params", "tokens", "flops"):
        assert status["forecast"][name] == sealed[name], name
    assert [status["forecast"][name] for name in ("actual", "error", "inside")] == [
        score[name] for name in ("actual", "error", "inside")
    ]
    assert status["contest"]["planned"]["loss"] == score["actual"]


def test_its_fit_is_read_and_not_made_again(old_study):
    before = {path: path.read_bytes() for path in (old_study / "fits").iterdir()}
    fit = answer("fit", old_study)
    before_now = stored(old_study, "fits/sweep.json")
    assert with_keys_of(before_now, fit) == before_now
    assert {path: path.read_bytes() for path in (old_study / "fits").iterdir()} == before


def test_the_default_recipe_still_makes_its_runs(old_study):
    """Keys that recipes and specs have since are left out at their defaults: each run is named by the same hash."""
    folders = [RunFolder(path.parent) for path in (old_study / "runs").glob("*/spec.json")]
    assert len(folders) == 23
    for folder in folders:
        spec = folder.read_spec()
        shape = spec.architecture
        recipe = RecipeFile().small_recipe(shape.vocab_size, family=shape.family, seq_len=spec.seq_len, hidden="adamw")
        tokens = spec.budget_flops / recipe.flops_per_token(shape)
        made = {
            recipe.spec(
                shape,
                tokens,
                corpus=spec.corpus,
                seed=spec.seed,
                budget_flops=spec.budget_flops,
                lr_factor=factor,
            ).run_id
            for factor in (0.5, 1.0, 2.0)
        }
        assert folder.run_id in made


def test_plans_and_losses_come_from_its_fit(old_study):
    """At the budget that it was planned for, the plan is the stored one: its law and its forecast come from its file.

    What a token costs between and beyond the sizes that ran is another curve since then: it moves a size by a
    thousandth, and the ends of its interval, which lie far beyond, by a twentieth.
    """
    within = {"params_interval": 5e-2, "expected_waste": 1e-2}
    planned = stored(old_study, "plans/final.json")
    plan = answer("plan", "--fit", old_study, "--flops", planned["budget_flops"])
    for name in ("params", "tokens", "loss", "loss_interval", "params_interval", "expected_waste", "level"):
        assert plan[name] == pytest.approx(planned[name], rel=within.get(name, 2e-3)), name
    sealed = stored(old_study, "forecasts/final.json")["forecast"]
    loss = answer("predict", "--fit", old_study, "--params", sealed["params"], "--tokens", sealed["tokens"])
    assert loss["loss"] == pytest.approx(sealed["loss"], rel=1e-9)
    assert loss["interval"] == pytest.approx(sealed["interval"], rel=1e-9)


def test_its_score_and_report_give_the_stored_numbers(old_study, tmp_path):
    score = answer("score", old_study)
    written = stored(old_study, "forecasts/final.score.json")
    assert {name: score[name] for name in written if name != "scored"} == {
        name: value for name, value in written.items() if name != "scored"
    }
    assert score["sealed_before_run"] is True
    page = tmp_path / "report.html"
    assert call("report", old_study, "--out", page).exit_code == 0
    text = page.read_text()
    assert f"{written['predicted']:.4f}" in text
    assert f"{written['actual']:.4f}" in text


def with_keys_of(old, new):
    """JSON of this version without the keys that the old version had not; keys may be added, and none may go."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {name: with_keys_of(old.get(name), value) for name, value in new.items() if name in old}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [with_keys_of(before, after) for before, after in zip(old, new, strict=True)]
    return new


def test_it_continues_to_the_same_end(old_study, tmp_path):
    """A run of the sweep, both final runs and everything that was made from them are gone; they are made again."""
    first = (old_study / "fits" / "observations.csv").read_text().splitlines()[1].split(",")[0]
    finals = list(stored(old_study, "plans/serving.json"))
    old = Path(shutil.copytree(old_study, tmp_path / "old"))
    for name in (first, *finals):
        shutil.rmtree(old_study / "runs" / name)
    for name in ("fits", "plans", "forecasts"):
        shutil.rmtree(old_study / name)
    (old_study / "study.db").unlink()
    code, _, stderr = isoflop("study", old_study)
    assert code == 0, stderr

    for run in (old / "runs").iterdir():
        before, after = (RunFolder(folder / "runs" / run.name).read_result() for folder in (old, old_study))
        assert before is not None
        assert after is not None
        if run.name not in (first, *finals):
            assert after == before
            continue
        # Another processor sums float32 in another order. The run of the sweep is off by rounding then; the final runs,
        # at a high rate for more steps, amplify it like another seed would: by 0.6 % in one pair of processors.
        apart = 1e-4 if run.name == first else 2e-2
        assert after.val_loss_nats == pytest.approx(before.val_loss_nats, rel=apart)
        assert (after.tokens_seen, after.params, after.flops) == (before.tokens_seen, before.params, before.flops)
    plan, planned = stored(old_study, "plans/final.json"), stored(old, "plans/final.json")
    assert plan["run"] == planned["run"]
    # Three budgets have too few vertices for the bend of the frontier, which all rows give since: 7 % less, of the same
    # shape.
    assert plan["params"] == pytest.approx(0.933 * planned["params"], rel=1e-2)
    # How forms are weighed and how far past forecasts erred is judged anew: another forecast, within its interval.
    low, high = planned["loss_interval"]
    assert low < plan["loss"] < high
    assert plan["loss"] == pytest.approx(planned["loss"], rel=1e-2)
    if (old_study / "fits/observations.csv").read_bytes() != (old / "fits/observations.csv").read_bytes():
        pytest.skip("this processor rounds otherwise than the one that made the study: digests are others")
    name = "plans/contest.json"
    assert (old_study / name).read_bytes() == (old / name).read_bytes()
    fit, before_fit = (stored(folder, "fits/sweep.json") for folder in (old_study, old))
    for constant in ("E", "A", "B", "alpha", "beta", "a", "b", "objective", "intervals"):
        assert flat(fit["parametric"][constant]) == pytest.approx(flat(before_fit["parametric"][constant]), rel=1e-6)
    for constant in ("status", "tokens_coefficient", "params_coefficient", "a", "b"):
        assert fit["isoflop"].get(constant) == pytest.approx(before_fit["isoflop"].get(constant), rel=1e-6)


def flat(value):
    """The numbers of a value, in the order of its keys."""
    if isinstance(value, dict):
        return [number for name in sorted(value) for number in flat(value[name])]
    if isinstance(value, list):
        return [number for part in value for number in flat(part)]
    return [value] if isinstance(value, int | float) else []
