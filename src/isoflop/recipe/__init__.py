"""How to train a model of any size: from a requested size and token count to a RunSpec.

A law says WHAT to train, a recipe says HOW. `isoflop.recipe.file` reads one from recipe.toml.
"""

from isoflop.recipe.small import LARGEST_WIDTH, SMALLEST_WIDTH, WIDTH_STEP, SmallRecipe
from isoflop.recipe.training import TrainingRecipe
from isoflop.recipe.tunings import FAMILY_TUNINGS, FamilyTuning

__all__ = [
    "FAMILY_TUNINGS",
    "LARGEST_WIDTH",
    "SMALLEST_WIDTH",
    "WIDTH_STEP",
    "FamilyTuning",
    "SmallRecipe",
    "TrainingRecipe",
]
