"""A machine to bill, and settings of a study, for the tests of designs. No figure here is a measurement."""

from isoflop.recipe import SmallRecipe
from isoflop.sweep import Speed

RECIPE = SmallRecipe(vocab_size=257)
SPEED = Speed(step_seconds=5e-3, seconds_per_value=1.6e-7, seconds_per_flop=1.5e-11, eval_share=0.3)
STUDY = {"corpus": "c" * 64, "seed": 3, "workers": 2, "budgets": 5, "budget_ratio": 3.0, "final_ratio": 4.0}
