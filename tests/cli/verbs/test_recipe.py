"""`isoflop recipe`."""

from dataclasses import replace

from isoflop.json_values import toml_value
from isoflop.recipe.file import read_recipe
from isoflop.study import Study, StudyFolder, begin_or_resume
from isoflop.sweep import Design, DesignedRun


def test_the_recipe_in_force_is_printed_as_a_recipe(run, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(run("recipe", "--show", "--family", "gpt").stdout)
    assert read_recipe(path).rates.hidden == 0.004
    assert toml_value(path.read_bytes())["family"] == "gpt"
    assert "unchanged" in run("recipe", path).stdout


def test_what_a_file_changes_is_shown(run, answer, tmp_path):
    path = tmp_path / "new.toml"
    path.write_text('[optimizer]\nhidden = "adamw"\n')
    shown = run("recipe", path).stdout
    assert "optimizer.hidden" in shown
    assert "adamw" in shown
    assert answer("recipe", path)["differs"] == [
        {"key": "shape.width_per_layer", "default": 24, "here": 48},
        {"key": "optimizer.hidden", "default": "muon", "here": "adamw"},
        {"key": "optimizer.momentum", "default": 0.95, "here": None},
    ]


def test_the_recipe_of_a_study_is_shown(run, answer, tmp_path):
    study, path = tmp_path / "study", tmp_path / "recipe.toml"
    path.write_text('[optimizer]\nhidden = "adamw"\n')
    begin_or_resume(StudyFolder(study), {"flops": 1e12, "family": "palm", "seq_len": 64, "recipe": path})
    assert {part["key"] for part in answer("recipe", study)["differs"]} == {
        "context",
        "corpus.name",
        "optimizer.hidden",
        "optimizer.momentum",
        "rates.embedding",  # half as large with Muon
        "shape.width_per_layer",
    }
    path.write_text(run("recipe", study, "--show").stdout)
    assert read_recipe(path).family == "palm"


def test_a_study_of_an_engine_without_muon_trains_with_adamw(answer, tmp_path):
    study = StudyFolder(tmp_path / "study")
    settings = begin_or_resume(study, {"flops": 1e12, "engine": "olmo"})
    assert Study(folder=study, settings=settings).recipe(257).optimizer.hidden == "adamw"
    assert answer("recipe", study.path)["recipe"]["optimizer"]["hidden"] == "adamw"


def test_a_study_goes_on_with_the_optimiser_of_its_runs(tmp_path):
    """Begun when the default recipe had AdamW for all matrices."""
    place = StudyFolder(tmp_path / "study")
    study = Study(folder=place, settings=begin_or_resume(place, {"flops": 1e12}))
    recipe = study.recipe(257)
    assert recipe.optimizer.hidden == "muon"
    before = replace(recipe, optimizer=replace(recipe.optimizer, hidden="adamw"))
    spec = before.spec(before.shape(16, 2), 1e6, corpus="0" * 64, budget_flops=1e10)
    Design(runs=(DesignedRun(spec=spec, purpose="isoflop"),)).save(place.sweep)
    assert study.recipe(257) == before


def refused_with_2(result):
    assert result.exit_code == 2
    return result


def test_a_bad_file_is_one_message(run, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('famly = "gpt"\n[batch]\ntokens = "x"\n')
    refused = refused_with_2(run("recipe", path))
    assert "2 problems" in refused.stderr
    assert "did you mean family?" in refused.stderr
    path.write_text('family = "gpt"\n')
    assert "says 'gpt'" in refused_with_2(run("recipe", path, "--family", "palm")).stderr
