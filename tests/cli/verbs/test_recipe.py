"""`isoflop recipe`."""

from isoflop.json_values import toml_value
from isoflop.recipe.file import read_recipe
from isoflop.study import StudyFolder, begin_or_resume


def test_the_recipe_in_force_is_printed_as_a_recipe(run, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(run("recipe", "--show", "--family", "gpt").stdout)
    assert read_recipe(path).rates.hidden == 0.004
    assert toml_value(path.read_bytes())["family"] == "gpt"
    assert "unchanged" in run("recipe", path).stdout


def test_what_a_file_changes_is_shown(run, answer, tmp_path):
    path = tmp_path / "new.toml"
    path.write_text('[optimizer]\nhidden = "muon"\n')
    shown = run("recipe", path).stdout
    assert "optimizer.hidden" in shown
    assert "muon" in shown
    assert answer("recipe", path)["differs"] == [
        {"key": "optimizer.hidden", "default": "adamw", "here": "muon"},
        {"key": "optimizer.momentum", "default": None, "here": 0.95},
    ]


def test_the_recipe_of_a_study_is_shown(run, answer, tmp_path):
    study, path = tmp_path / "study", tmp_path / "recipe.toml"
    path.write_text('[optimizer]\nhidden = "muon"\n')
    begin_or_resume(StudyFolder(study), {"flops": 1e12, "family": "palm", "seq_len": 64, "recipe": path})
    assert {part["key"] for part in answer("recipe", study)["differs"]} == {
        "context",
        "corpus.name",
        "optimizer.hidden",
        "optimizer.momentum",
    }
    path.write_text(run("recipe", study, "--show").stdout)
    assert read_recipe(path).family == "palm"


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
