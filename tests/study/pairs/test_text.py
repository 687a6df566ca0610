"""The text of a side: the study's, a mixture of its domains, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from conftest import made_up_text

from isoflop.errors import InputError
from isoflop.recipe.file import RecipeFile, recipe_of
from isoflop.study.folder import StudyFolder
from isoflop.study.pairs.text import text_of
from isoflop.study.settings import checked_settings
from isoflop.study.training_stages import Study, corpus


def recipe(**table: object) -> RecipeFile:
    return recipe_of({"corpus": table} if table else {}, "new.toml")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    """Text of two domains, and no run."""
    place = tmp_path_factory.mktemp("mixed")
    paths = []
    for number, name in enumerate(("first", "second")):
        paths.append(place / name)
        paths[-1].mkdir()
        for part, text in enumerate(made_up_text(300, seed=number)):
            (paths[-1] / f"{part:03d}.txt").write_text(text)
    values = {"flops": 3e10, "corpus": "text", "text": [str(path) for path in paths]}
    return Study(folder=StudyFolder(place / "study"), settings=checked_settings(values, "study"))


@pytest.fixture(scope="module")
def own(study):
    return corpus(study)


def test_a_recipe_that_names_no_text_has_the_studys(study, own, tmp_path):
    assert text_of(study, own, recipe(), tmp_path / "b", "new") is own
    assert text_of(study, own, recipe(text=list(study.settings.text)), tmp_path / "b", "new") is own
    assert not (tmp_path / "b").exists()


def test_a_mixture_trains_on_other_shares_and_is_validated_on_the_same(study, own, tmp_path):
    first, second = own.validation
    mixed = text_of(study, own, recipe(weights={first: 1.0, second: 0.25}), tmp_path / "b", "new")
    assert mixed.digest != own.digest
    assert mixed.train_tokens < 0.8 * own.train_tokens
    for name, tokens in own.validation.items():
        assert np.array_equal(tokens, mixed.validation[name])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"name": "english"}, "names other text than the study's"),
        ({"text": ["elsewhere"]}, "names other text than the study's"),
        ({"weights": {"third": 1.0}}, "no domain of this text"),
    ],
)
def test_other_text_is_refused(study, own, tmp_path, table, said):
    with pytest.raises(InputError, match=said):
        text_of(study, own, recipe(**table), tmp_path / "b", "new")
    assert not Path(tmp_path / "b" / "corpus.json").exists()
