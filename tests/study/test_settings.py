import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.study.folder import StudyFolder
from isoflop.study.settings import StudySettings, begin_or_resume, checked_settings, read_settings
from isoflop.study.size_settings import DEFAULT_DESIGN, DEFAULT_MINUTES


@pytest.fixture
def folder(tmp_path) -> StudyFolder:
    return StudyFolder(tmp_path / "study")


def designed(folder: StudyFolder, **requested) -> StudySettings:
    """A study whose runs are designed, as far as its settings can tell."""
    settings = begin_or_resume(folder, requested)
    folder.sweep.write_text("{}")
    return settings


def test_a_study_begins_with_what_was_given_and_goes_on_without_options(folder):
    begun = begin_or_resume(folder, {"flops": 1e12, "seed": 3, "corpus": "text", "text": ["/a b/ü.txt"]})
    assert (begun.flops, begun.minutes, begun.seed) == (1e12, None, 3)
    assert begin_or_resume(folder, {}) == begun == read_settings(folder)


def test_without_a_budget_it_takes_minutes(folder):
    begun = begin_or_resume(folder, {})
    assert (begun.minutes, begun.design) == (DEFAULT_MINUTES, DEFAULT_DESIGN)


def test_a_target_means_an_adaptive_sweep_and_budgets_a_grid(folder, tmp_path):
    begun = begin_or_resume(folder, {"target_flops": 1e15})
    assert (begun.minutes, begun.flops, begun.target_flops, begun.design) == (None, None, 1e15, "adaptive")
    assert begin_or_resume(folder, {}) == begun
    again = begin_or_resume(folder, {"minutes": 3.0})
    assert (again.minutes, again.target_flops, again.design) == (3.0, None, "adaptive")
    assert begin_or_resume(StudyFolder(tmp_path / "grid"), {"budgets": 3}).design == "isoflop"
    with pytest.raises(InputError, match="--for sizes an adaptive sweep"):
        begin_or_resume(StudyFolder(tmp_path / "both"), {"target_flops": 1e15, "design": "isoflop"})


def test_a_study_of_a_version_without_designs_has_a_grid(folder):
    begin_or_resume(folder, {"flops": 1e12, "budgets": 5})
    lines = folder.settings.read_text().splitlines(keepends=True)
    folder.settings.write_text("".join(line for line in lines if not line.startswith(("design", "tolerance"))))
    assert read_settings(folder).design == "isoflop"


@given(
    st.fixed_dictionaries(
        {"flops": st.floats(1e9, 1e25), "seed": st.integers(0, 2**31), "budgets": st.integers(1, 9)},
        optional={"seq_len": st.integers(8, 4096), "workers": st.integers(1, 64), "allow_epochs": st.booleans()},
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30),
)
def test_the_file_gives_back_every_setting(tmp_path_factory, requested, name):
    folder = StudyFolder(tmp_path_factory.mktemp("settings"))
    begun = begin_or_resume(folder, {**requested, "corpus": "text", "text": [name]})
    assert read_settings(folder) == begun


@pytest.mark.parametrize(
    ("requested", "settled"),
    [
        ({"flops": 2e12}, "flops = 1000000000000.0"),
        ({"minutes": 5.0}, "no minutes"),
        ({"seed": 1}, "seed = 0"),
        ({"family": "gopher"}, 'family = "llama"'),
        ({"corpus": "text", "text": ["/other"]}, 'corpus = "english"'),
    ],
)
def test_a_designed_study_refuses_other_options_and_keeps_its_own(folder, requested, settled):
    begun = designed(folder, flops=1e12)
    with pytest.raises(InputError, match="designed with") as caught:
        begin_or_resume(folder, requested)
    assert settled in str(caught.value)
    assert "another folder" in str(caught.value)
    assert read_settings(folder) == begun


def test_a_designed_study_takes_what_changes_no_number(folder):
    designed(folder, flops=1e12)
    changed = begin_or_resume(folder, {"workers": 7, "allow_epochs": True})
    assert (changed.workers, changed.allow_epochs) == (7, True)
    assert begin_or_resume(folder, {"flops": 1e12}) == changed


def test_until_its_runs_are_designed_a_study_takes_any_change(folder):
    begin_or_resume(folder, {"corpus": "text", "text": ["/empty"]})
    changed = begin_or_resume(folder, {"corpus": "english", "flops": 1e12, "seq_len": 64})
    assert (changed.corpus, changed.text, changed.flops, changed.minutes) == ("english", (), 1e12, None)
    again = begin_or_resume(folder, {"minutes": 3.0})
    assert (again.flops, again.minutes, again.seq_len) == (None, 3.0, 64)


def test_minutes_and_flops_together_are_refused(folder):
    with pytest.raises(InputError, match="one of the three"):
        begin_or_resume(folder, {"minutes": 1.0, "flops": 1e12})
    assert not folder.path.exists()


def test_every_problem_of_the_file_is_told_at_once(folder):
    begin_or_resume(folder, {"flops": 1e12})
    folder.settings.write_text("schema = 1\nflops = -1\nbudgets = 0\nsped = 3\n")
    with pytest.raises(InputError, match="3 problems") as caught:
        read_settings(folder)
    assert all(name in str(caught.value) for name in ("flops", "budgets", "sped"))


@pytest.mark.parametrize("schema", [2, "two"])
def test_a_study_of_another_version_says_so(schema):
    with pytest.raises(InputError, match="version that began it, or use a new folder"):
        checked_settings({"schema": schema, "flops": 1e12}, "study.toml")


def test_a_broken_file_and_no_file(folder):
    with pytest.raises(InputError, match="begin one with `isoflop study"):
        read_settings(folder)
    begin_or_resume(folder, {"flops": 1e12})
    folder.settings.write_text("schema = [")
    with pytest.raises(InputError, match="cannot be read"):
        begin_or_resume(folder, {})


def test_an_unknown_family_is_told_with_those_there_are(folder):
    with pytest.raises(InputError, match="llama"):
        begin_or_resume(folder, {"family": "mamba"})
    assert not folder.path.exists()


def test_how_text_is_read_goes_with_a_text_of_ones_own(folder, tmp_path):
    begun = begin_or_resume(
        folder, {"corpus": "text", "text": ["/a.jsonl"], "text_key": "doc.body", "text_suffix": [".py"]}
    )
    assert (begun.sources.text_key, begun.sources.suffixes) == ("doc.body", (".py",))
    assert read_settings(folder) == begun
    other = begin_or_resume(folder, {"corpus": "english"})
    assert (other.text, other.text_key, other.text_suffix) == ((), None, ())
    with pytest.raises(InputError, match="apply to --text only"):
        begin_or_resume(StudyFolder(tmp_path / "other"), {"corpus": "english", "text_key": "doc.body"})


def test_a_recipe_is_copied_into_the_study_and_kept(folder, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('family = "gpt"\ncontext = 64\n[optimizer]\nhidden = "muon"  # a comment\n')
    begun = begin_or_resume(folder, {"flops": 1e12, "recipe": path})
    assert (begun.family, begun.seq_len) == ("gpt", 64)
    path.unlink()
    assert begin_or_resume(folder, {}) == begun == read_settings(folder)
    assert begun.recipe.optimizer.hidden == "muon"
    # another study trains the same by what this one says of itself
    again = begin_or_resume(StudyFolder(tmp_path / "again"), {"flops": 1e12, "recipe": begun.whole_recipe})
    assert again == begun
    folder.sweep.write_text("{}")
    path.write_text('family = "gpt"\ncontext = 64\n[optimizer]\nhidden = "adamw"\n')
    with pytest.raises(InputError, match="designed with recipe"):
        begin_or_resume(folder, {"recipe": path})


def test_another_recipe_before_the_design_leaves_nothing_of_the_first(folder, tmp_path):
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text('family = "gpt"\ncontext = 64\n')
    second.write_text('[optimizer]\nhidden = "muon"\n')
    begin_or_resume(folder, {"flops": 1e12, "recipe": first})
    settings = begin_or_resume(folder, {"recipe": second})
    assert (settings.family, settings.seq_len) == ("llama", None)
    assert settings.recipe.as_json() == {"optimizer": {"hidden": "muon"}}


@pytest.mark.parametrize(
    ("recipe", "requested", "said"),
    [
        ({"family": "gpt"}, {"family": "llama"}, "family: the recipe says gpt, got llama"),
        ({"context": 64}, {"seq_len": 128}, "the recipe says context = 64, got 128"),
        ({"optimizer": {"hidden": "muon"}}, {"engine": "olmo"}, "the engine olmo trains with adamw only"),
        ({"famly": "gpt"}, {"flops": -1}, "did you mean family?"),
    ],
)
def test_a_recipe_that_contradicts_the_options_is_refused(recipe, requested, said):
    with pytest.raises(InputError, match=re.escape(said)):
        checked_settings({"flops": 1e12, "recipe": recipe, **requested}, "study")


def test_the_text_of_a_recipe_is_a_setting_and_its_weights_stay_with_it(folder, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('[corpus]\ntext = ["novels", "poems"]\nweights = {novels = 2, poems = 1}\n')
    begun = begin_or_resume(folder, {"flops": 1e12, "recipe": path})
    assert begun.text == (str(tmp_path / "novels"), str(tmp_path / "poems"))
    assert begun.sources.weights == {"novels": 2.0, "poems": 1.0}
    assert begin_or_resume(folder, {"recipe": path}) == begun == read_settings(folder)
    with pytest.raises(InputError, match="--corpus: the recipe names its text"):
        begin_or_resume(folder, {"recipe": path, "corpus": "python"})
