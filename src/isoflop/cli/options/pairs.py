"""Options of a comparison that trains its own pairs of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cloup
from cloup import option_group

from isoflop.cli.options.types import PATH, QUANTITY, SEED, WholeNumber
from isoflop.errors import InputError

pairs_options = option_group(
    "Training pairs of runs: A is a study or a recipe.toml, B a recipe.toml",
    cloup.option("--recipe", type=PATH, help="The new recipe, held against the one of the study A."),
    cloup.option("--pairs", type=WholeNumber(1, 1000), help="Pairs of runs at the most. [8, or as it was begun]"),
    cloup.option("--minutes", type=QUANTITY, help="Wall time at the most. [no limit; two recipes are sized for 15]"),
    cloup.option("--seed", type=SEED, help="Seed of the first pair of two recipes. [0]"),
    cloup.option("--name", help="Name of the comparison's folder in the study. [that of the recipe's file]"),
    cloup.option("--into", type=PATH, help="Folder for two recipes. [A-B]"),
)
"""What a comparison by training is asked for, besides the question."""


@dataclass(frozen=True, kw_only=True)
class PairsAsked:
    """What the options of `pairs_options` say."""

    recipe: Path | None
    pairs: int | None
    minutes: float | None
    seed: int | None
    name: str | None
    into: Path | None

    def trains(self, sides: Sequence[str]) -> bool:
        """Whether runs are to be trained: with --recipe, or of two recipes.

        Raises InputError for options of training without anything to train, and for sides that do not fit to them.
        """
        recipes = len(sides) == 2 and all(side.endswith(".toml") for side in sides)
        if self.recipe is not None and (len(sides) != 1 or sides[0].endswith(".toml")):
            raise InputError(
                f"--recipe: expected one study to hold it against, isoflop compare STUDY --recipe {self.recipe}; of "
                "two recipes: isoflop compare A.toml B.toml"
            )
        if self.recipe is not None or recipes:
            of_recipes = {"--seed": self.seed, "--into": self.into}
            if unfit := [name for name, value in of_recipes.items() if value is not None and not recipes]:
                raise InputError(f"{' and '.join(unfit)}: of two recipes; a study has its own seed and folder")
            return True
        given = {
            "--pairs": self.pairs,
            "--minutes": self.minutes,
            "--seed": self.seed,
            "--name": self.name,
            "--into": self.into,
        }
        if unfit := [name for name, value in given.items() if value is not None]:
            raise InputError(
                f"{' and '.join(unfit)}: expected a recipe to train, isoflop compare STUDY --recipe new.toml, or two: "
                "isoflop compare A.toml B.toml"
            )
        return False

    def place(self, sides: Sequence[str]) -> Path:
        """The folder of two recipes: `A-B` in this folder, unless another is named."""
        return self.into or Path(f"{Path(sides[0]).stem}-{Path(sides[1]).stem}")
