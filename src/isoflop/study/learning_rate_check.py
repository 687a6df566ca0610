"""The recipe of a study's final runs: its own, with the peak rate moved by what its learning-rate check showed."""

from __future__ import annotations

from dataclasses import replace

from isoflop.laws.rate_trend import CheckedCell, RateTrend, rate_trend
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.study.folder import StudyFolder
from isoflop.study.record import learning_rate_checks, run_record
from isoflop.sweep import Design

UNKNOWN_SCATTER = 0.005
"""Relative scatter of single runs where a fit does not state it: that of two initial weights
(`recipe.FAMILY_TUNINGS`)."""


def tuned_recipe(recipe: SmallRecipe, folder: StudyFolder, scatter: float) -> SmallRecipe:
    """`recipe` for runs outside the sweep of `folder`: the same where the check has not ended or finds nothing.

    `scatter` is the standard deviation of single runs about the fit, relative to their loss; 0 where it is unknown.
    """
    trend = rate_trend_of(folder, scatter)
    return recipe if trend is None else replace(recipe, rate_trend=trend)


def rate_trend_of(folder: StudyFolder, scatter: float) -> RateTrend | None:
    """How the best rate moves with the size in the check of the study in `folder`; None where the recipe's stands."""
    if not folder.sweep.exists():
        return None
    design = Design.load(folder.sweep)
    checked = [
        run_record(RunFolder(folder.runs / name), design.by_id[name], tuple(purposes), None)
        for name, purposes in design.purposes().items()
        if "learning_rate_check" in purposes
    ]
    cells = [
        CheckedCell(params=check.params, rates=check.rates, losses=check.losses, chosen=check.chosen)
        for check in learning_rate_checks(checked)
    ]
    # not the error of evaluation: all runs of a study are evaluated on the same text
    return rate_trend(cells, scatter or UNKNOWN_SCATTER)
