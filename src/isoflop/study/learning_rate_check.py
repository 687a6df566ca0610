"""The recipe of a study's final runs: its own, with the peak rate moved by what its learning-rate check found."""

from __future__ import annotations

from dataclasses import replace

from isoflop.laws.rate_trend import CheckedCell, RateTrend, rate_trend
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.study.folder import StudyFolder
from isoflop.study.shown_runs import rate_checks, run_entry
from isoflop.sweep import Design

UNKNOWN_SCATTER = 0.005
"""Relative scatter of single runs where a fit does not say it: of two initial weights (`recipe.FAMILY_TUNINGS`)."""


def tuned_recipe(recipe: SmallRecipe, folder: StudyFolder, scatter: float) -> SmallRecipe:
    """`recipe` for runs outside the sweep of `folder`: the same where the check has not ended or finds nothing.

    `scatter` is that of single runs about the fit, relative to their loss; 0 where it is not known.
    """
    found = rate_trend_of(folder, scatter)
    return recipe if found is None else replace(recipe, rate_trend=found)


def rate_trend_of(folder: StudyFolder, scatter: float) -> RateTrend | None:
    """What the check of the study in `folder` says of the rate; None where the recipe's stands, or nothing is said."""
    if not folder.sweep.exists():
        return None
    design = Design.load(folder.sweep)
    checked = [
        run_entry(RunFolder(folder.runs / name), design.by_id[name], purposes, None)
        for name, purposes in design.purposes().items()
        if "learning_rate_check" in purposes
    ]
    cells = [
        CheckedCell(
            params=check["params"], rates=tuple(check["rates"]), losses=tuple(check["losses"]), chosen=check["chosen"]
        )
        for check in rate_checks(checked)
    ]
    # not the error of evaluation: all runs of a study are evaluated on the same text
    return rate_trend(cells, scatter or UNKNOWN_SCATTER)
