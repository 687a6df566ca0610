"""When `isoflop compare` trains, and what it says of options that do not fit."""

from pathlib import Path

import pytest

from isoflop.cli.options.pairs import PairsAsked
from isoflop.errors import InputError


def asked(**options: object) -> PairsAsked:
    fields = ("recipe", "pairs", "minutes", "seed", "name", "into")
    return PairsAsked(**{name: options.get(name) for name in fields})


def test_a_study_with_a_recipe_and_two_recipes_are_trained():
    assert asked(recipe=Path("new.toml")).trains(["mine"])
    assert asked().trains(["a.toml", "b.toml"])
    assert asked(seed=3, into=Path("x"), minutes=5.0).trains(["a.toml", "b.toml"])


def test_everything_else_is_read():
    assert not asked().trains(["a.csv", "b.csv"])
    assert not asked().trains(["a.csv", "adamw", "muon"])


def test_the_folder_of_two_recipes():
    assert asked().place(["old/a.toml", "b.toml"]) == Path("a-b")
    assert asked(into=Path("x")).place(["a.toml", "b.toml"]) == Path("x")


@pytest.mark.parametrize(
    ("sides", "options", "said"),
    [
        (["a.csv", "b.csv"], {"recipe": Path("new.toml")}, "--recipe: expected one study"),
        (["a.toml"], {"recipe": Path("new.toml")}, "--recipe: expected one study"),
        (["mine"], {"recipe": Path("new.toml"), "seed": 1}, "--seed: of two recipes; a study has its own"),
        (["a.csv", "b.csv"], {"pairs": 3, "minutes": 2.0}, "--pairs and --minutes: expected a recipe to train"),
        (["mine"], {"into": Path("x")}, "--into: expected a recipe to train"),
    ],
)
def test_options_that_do_not_fit(sides, options, said):
    with pytest.raises(InputError, match=said):
        asked(**options).trains(sides)
