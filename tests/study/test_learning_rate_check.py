"""The study's own learning-rate check moves the rate of what is planned after it, and nothing of the sweep."""

import json
import shutil

import pytest

from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.spec import RunSpec
from isoflop.study import StudyFolder, study_record
from isoflop.study.learning_rate_check import rate_trend_of, tuned_recipe
from isoflop.sweep import Design, comparison_design

from .tiny import call


def with_rates(finished_study, target, slope):
    """A copy of the study in which losses of the check change with the rate: by `slope` of the recipe's a step up."""
    study = finished_study.copy(target)
    design = Design.load(study / "sweep.json")
    purposes = design.purposes()
    own = {spec.group: spec for spec in design.specs if len(purposes[spec.run_id]) == 2}
    for spec in design.specs:
        if "learning_rate_check" not in purposes[spec.run_id] or spec.run_id == own[spec.group].run_id:
            continue
        middle = json.loads((study / "runs" / own[spec.group].run_id / "result.json").read_text())["val_loss_nats"]
        path = study / "runs" / spec.run_id / "result.json"
        result = json.loads(path.read_text())
        up = 1 if spec.peak_lr > own[spec.group].peak_lr else -1
        # a little bend, so that both sides are no mirror
        path.write_text(json.dumps({**result, "val_loss_nats": middle * (1 + up * slope + abs(slope) / 10)}))
    return StudyFolder(study)


def test_a_lower_rate_that_was_better_is_planned_with_and_the_sweep_stands(finished_study, tmp_path):
    folder = with_rates(finished_study, tmp_path / "study", 0.2)
    recipe = SmallRecipe(vocab_size=257, seq_len=32)
    moved = tuned_recipe(recipe, folder, 0.01)
    shape, flops = recipe.architecture(5e3), 1e10
    before, after = (comparison_design(one, shape, flops, corpus="text", seed=0) for one in (recipe, moved))
    for old, new in zip(before.specs, after.specs, strict=True):
        assert 0.5 <= new.peak_lr / old.peak_lr < 0.6
        assert new.run_id != old.run_id
    assert "0.5 times the recipe's rate" in moved.notices(shape, 1e6)[0].message
    # the specs that were designed are those that the recipe makes now
    for spec in Design.load(folder.sweep).specs:
        assert RunSpec.from_json(json.loads((folder.runs / spec.run_id / "spec.json").read_text())) == spec
        assert RunFolder(folder.runs / spec.run_id).read_spec().run_id == spec.run_id


def test_a_plan_of_the_study_and_its_report_say_so(finished_study, tmp_path):
    folder = with_rates(finished_study, tmp_path / "study", -0.2)
    for kept in ("plans", "forecasts"):
        shutil.rmtree(folder.path / kept)
    before = json.loads(call("plan", "--fit", finished_study.path, "--flops", "2e10", "--json").stdout)
    after = json.loads(call("plan", "--fit", folder.path, "--flops", "2e10", "--json").stdout)
    assert after["params"] == before["params"]
    kept = rate_trend_of(StudyFolder(finished_study.path), 1.0)
    assert kept is None
    (said,) = [warning for warning in after["warnings"] if warning["code"] == "rate_moved"]
    assert "2 times the recipe's rate" in said["message"]
    assert after["run"]["peak_lr"] > before["run"]["peak_lr"]


def test_a_check_that_finds_nothing_keeps_rates_and_ids(finished_study, tmp_path):
    recipe = SmallRecipe(vocab_size=257, seq_len=32)
    folder = StudyFolder(finished_study.path)
    assert tuned_recipe(recipe, folder, 1.0) is recipe, "no difference is beyond a scatter of all of the loss"
    assert tuned_recipe(recipe, StudyFolder(tmp_path), 0.0) is recipe, "no sweep, no check"
    for spec in Design.load(folder.sweep).specs:
        factor = spec.peak_lr / recipe.peak_lr(spec.architecture, spec.tokens)
        assert factor == pytest.approx(1) or factor in (pytest.approx(0.5), pytest.approx(2))


def test_the_studys_own_plan_stores_what_was_found(finished_study):
    folder = StudyFolder(finished_study.path)
    plan = json.loads(folder.plan.read_text())
    spec = Design.load(folder.final_design).specs[0]
    base = SmallRecipe(vocab_size=spec.architecture.vocab_size, seq_len=32).peak_lr(spec.architecture, spec.tokens)
    found = plan["rate_check"]
    codes = [notice.code for notice in study_record(folder).notices]
    if found is None:
        assert spec.peak_lr == pytest.approx(base)
        assert "rate_moved" not in codes
    else:
        assert spec.peak_lr != pytest.approx(base)
        assert found["reason"].startswith("the learning-rate check found best")
        assert "rate_moved" in codes
        assert "rate_moved" in finished_study.stderr
    assert plan["run"]["peak_lr"] == spec.peak_lr
