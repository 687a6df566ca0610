"""A machine to bill, and settings of a study, for the tests of designs. No figure here is a measurement."""

from isoflop.recipe import Recipe
from isoflop.sweep import Speed

RECIPE = Recipe(vocab_size=257)
SPEED = Speed(flops=(1e6, 1e9), flops_per_second=(1e9, 2e10), eval_tokens_per_second=(1e5, 2e4))
STUDY = {"corpus": "c" * 64, "seed": 3, "workers": 2, "budgets": 5, "budget_ratio": 3.0, "final_ratio": 4.0}
