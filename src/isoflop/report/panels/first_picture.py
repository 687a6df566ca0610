"""The picture of the first screen with its caption."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.fit import LEVEL
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.formatting import share_text
from isoflop.report.panel import Absent, Picture
from isoflop.report.panels.first_picture_drawn import draw_first_picture
from isoflop.report.panels.first_picture_values import FirstPicture, picture_of_fit, picture_of_study
from isoflop.report.panels.optimum_tables import OptimaAt
from isoflop.report.panels.runs_picture import draw_runs_picture, runs_picture
from isoflop.report.record import Conventions, StudyRecord


def study_picture(record: StudyRecord, fitted: FittedRuns) -> Picture | None:
    """Profiles, optima, the sealed interval, the run that came and the larger model; None before the first run."""
    values = picture_of_study(record, fitted)
    return None if isinstance(values, Absent) else _picture(values, fitted.conventions, "validation loss")


def fit_picture(fitted: FittedRuns, optima: Sequence[OptimaAt]) -> Picture | None:
    """Profiles, or without budgets the runs, the optima, and the forecast at ten times the compute.

    None where the rows have no losses.
    """
    values = picture_of_fit(fitted, optima)
    if not isinstance(values, Absent):
        return _picture(values, fitted.conventions, "loss")
    runs, words = runs_picture(fitted, optima), fitted.conventions
    if isinstance(runs, Absent):
        return None
    caption = f"A point is a run (N: {words.params} parameters)."
    if runs.next_loss is not None and runs.next_loss.level is not None:
        caption += f" Bar: {share_text(runs.next_loss.level)} interval of the loss of one run of the best size."
    return Picture(drawing=draw_runs_picture(runs, words), caption=caption)


def _picture(values: FirstPicture, words: Conventions, loss_words: str) -> Picture:
    caption = f"Points are runs; the compute of each curve is written at its end (FLOPs, {words.flops})."
    if values.next_loss is not None and values.next_loss.level is not None:
        level = share_text(values.next_loss.level)
        caption += f" Bars: {level} intervals of N, and of the loss of one run at the next budget."
    elif any(one.vertex_interval for one in values.profiles):
        caption += f" Bars: {share_text(LEVEL)} intervals of N."
    if values.next_profile_params:
        caption += " Dashed: the loss forecast; the best size rests on more than that, and may lie off its minimum."
    hollow = any(one.kept is False or not all(one.inside) for one in values.profiles)
    return Picture(
        drawing=draw_first_picture(values, words, loss_words),
        caption=caption + (" Hollow points are not used by approach 2." if hollow else ""),
    )
