"""study.toml that was edited after the runs were designed is refused, whatever wrote the design."""

import json

import pytest

from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.study.design_check import check_settings
from isoflop.study.folder import StudyFolder
from isoflop.study.settings import CHANGEABLE, StudySettings, begin_or_resume, read_settings
from isoflop.sweep import Design
from isoflop.sweep.study_design import comparison_design, sweep_design

REQUESTED = {"flops": 1e13, "seed": 3, "budgets": 3, "seq_len": 64}


@pytest.fixture
def folder(tmp_path) -> StudyFolder:
    """A study whose runs are designed."""
    folder = StudyFolder(tmp_path / "study")
    settings = begin_or_resume(folder, REQUESTED)
    design(settings).save(folder.sweep)
    return folder


def design(settings: StudySettings, **changes) -> Design:
    recipe = SmallRecipe(family=settings.family, vocab_size=257, seq_len=settings.seq_len)
    made = sweep_design(recipe, 4e12, corpus="c", seed=settings.seed, budgets=settings.budgets, budget_ratio=2.0)
    return Design(**{"runs": made.runs, "asked": settings.deciding, **changes})


def edited(folder: StudyFolder, old: str, new: str) -> None:
    text = folder.settings.read_text()
    assert old in text
    folder.settings.write_text(text.replace(old, new))


def test_a_design_keeps_what_it_was_made_for(folder):
    asked = Design.load(folder.sweep).asked
    assert asked == read_settings(folder).deciding
    assert {"family", "seed", "budget_ratio", "final_ratio", "corpus", "tokenizer"} <= set(asked)
    assert not (CHANGEABLE | {"text"}) & set(asked), "a text may be moved: the specs have its digest"


EDITS = [
    ('family = "llama"', 'family = "gpt"', 'family: .* with "llama", and the file says "gpt"'),
    ("seed = 3", "seed = 4", "seed: .* with 3, and the file says 4"),
    ("budget_ratio = 2.0", "budget_ratio = 2.01", "budget_ratio: .* with 2.0, and the file says 2.01"),
    ("final_ratio = 4.0", "final_ratio = 8.0", "final_ratio: .* with 4.0, and the file says 8.0"),
    ("budgets = 3", "budgets = 4", "budgets: .* with 3"),
    ("seq_len = 64\n", "", "seq_len: .* with 64, and the file says nothing"),
    ('tokenizer = "bytes"', 'tokenizer = "bpe:512"', 'tokenizer: .* with "bytes"'),
    ('corpus = "english"', 'corpus = "python"', 'corpus: .* with "english"'),
    ("flops = 10000000000000.0", "flops = 2e13", "flops: .* with 10000000000000.0"),
    ("flops = 10000000000000.0", "minutes = 3.0", "minutes: .* with nothing, and the file says 3.0"),
]


@pytest.mark.parametrize(("old", "new", "said"), EDITS)
def test_an_edited_setting_is_refused_by_name(folder, old, new, said):
    edited(folder, old, new)
    with pytest.raises(InputError, match=rf"(?s)study\.toml: .*{said}") as refused:
        read_settings(folder)
    assert "set it back to continue this study, or begin another in another folder" in str(refused.value)
    with pytest.raises(InputError, match="designed with"):
        begin_or_resume(folder, {})


def test_all_edits_are_listed_at_once(folder):
    edited(folder, "seed = 3", "seed = 4")
    edited(folder, "final_ratio = 4.0", "final_ratio = 8.0")
    with pytest.raises(InputError, match=r"(?s)2 problems.*final_ratio.*seed"):
        read_settings(folder)


def test_what_decides_no_number_may_be_edited(folder):
    edited(folder, 'engine = "local"', 'engine = "slurm"\nworkers = 9')
    assert (read_settings(folder).engine, read_settings(folder).workers) == ("slurm", 9)


def test_before_there_is_a_design_everything_may_be_edited(folder):
    folder.sweep.unlink()
    edited(folder, "seed = 3", "seed = 4")
    assert read_settings(folder).seed == 4


@pytest.mark.parametrize(
    ("old", "new", "said"), [edit for edit in EDITS if edit[0][:6] in ("family", "seed =", "budget")]
)
def test_designs_of_earlier_versions_are_held_by_their_specs(folder, old, new, said):
    design(read_settings(folder), asked={}).save(folder.sweep)
    assert "asked" not in json.loads(folder.sweep.read_text())
    assert read_settings(folder).seed == 3
    edited(folder, old, new)
    if new == "budget_ratio = 2.01":  # budgets are rounded: they cannot tell
        assert read_settings(folder).budget_ratio == 2.01
        return
    with pytest.raises(InputError, match=said.split(":")[0]):
        read_settings(folder)


def test_the_context_of_the_recipe_is_not_known_of_earlier_versions(folder):
    design(read_settings(folder), asked={}).save(folder.sweep)
    edited(folder, "seq_len = 64\n", "")
    assert read_settings(folder).seq_len is None


@pytest.mark.parametrize(("name", "now"), [("budget_ratio", "2.5"), ("final_ratio", "8.0")])
def test_ratios_of_earlier_versions_show_in_their_budgets(folder, name, now):
    settings = read_settings(folder)
    design(settings, asked={}).save(folder.sweep)
    recipe = SmallRecipe(vocab_size=257, seq_len=64)
    shape = recipe.architecture(5e4)
    folder.final_design.parent.mkdir()
    comparison_design(recipe, shape, 1.6e13, corpus="c", seed=3).save(folder.final_design)
    assert read_settings(folder) == settings
    edited(folder, f"{name} = {getattr(settings, name)}", f"{name} = {now}")
    with pytest.raises(InputError, match=f"{name}: the runs of this study"):
        read_settings(folder)


def test_a_design_that_was_changed_is_refused(folder):
    value = json.loads(folder.sweep.read_text())
    value["asked"]["seed"] = 4
    folder.sweep.write_text(json.dumps(value))
    edited(folder, "seed = 3", "seed = 4")
    with pytest.raises(InputError, match=r"sweep\.json: changed after it was written"):
        read_settings(folder)


def test_a_setting_that_a_later_version_added_is_not_missed(folder):
    values = read_settings(folder).model_dump(by_alias=True)
    place = {"file": folder.settings, "sweep": folder.sweep, "final_design": folder.final_design, "free": CHANGEABLE}
    check_settings({**values, "colour": "red"}, **place)
    values.pop("tokenizer")
    check_settings(values, **place)


RECIPE = '[schedule]\nkind = "cosine"\nfinal_fraction = 0.2\n[optimizer]\nweight_decay = 0.1\nhidden = "muon"\n'


def test_a_designed_study_keeps_its_recipe_and_no_other(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text(RECIPE)
    folder = StudyFolder(tmp_path / "study")
    settings = begin_or_resume(folder, {**REQUESTED, "recipe": file})
    design(settings).save(folder.sweep)
    assert read_settings(folder) == settings
    assert begin_or_resume(folder, {"recipe": file}) == settings
    edited(folder, "weight_decay = 0.1", "weight_decay = 0.2")
    with pytest.raises(InputError, match=r"recipe: the runs of this study were designed with .*0\.1"):
        read_settings(folder)


def test_a_recipe_put_into_a_study_that_was_designed_without_one_is_refused(folder):
    older = {name: value for name, value in read_settings(folder).deciding.items() if name != "recipe"}
    design(read_settings(folder), asked=older).save(folder.sweep)
    read_settings(folder)
    folder.settings.write_text(folder.settings.read_text() + '[recipe.optimizer]\nhidden = "muon"\n')
    with pytest.raises(InputError, match="recipe: the runs of this study were designed with nothing"):
        read_settings(folder)
