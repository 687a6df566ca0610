"""The panels of the page, in order: each has values, drawings, a table, and the words around them."""

from __future__ import annotations

from isoflop.report.fit_panels import (
    backtest_panel,
    constants_panel,
    curves_panel,
    read_panel,
    valleys_panel,
    warnings_panel,
)
from isoflop.report.law_panels import profiles_panel, residuals_panel, scaling_panel, surface_panel, training_panel
from isoflop.report.panel import Panel
from isoflop.report.study_panels import contest_panel, landscape_panel, proof_panel, rates_panel, runs_panel
from isoflop.report.view import Absent, View, is_fit

_OF_A_STUDY = (
    profiles_panel, scaling_panel, landscape_panel, proof_panel, contest_panel, training_panel, surface_panel,
    residuals_panel, rates_panel, runs_panel,
)  # fmt: skip
_OF_A_FIT = (
    warnings_panel, read_panel, valleys_panel, scaling_panel, curves_panel, constants_panel, surface_panel,
    residuals_panel, backtest_panel,
)  # fmt: skip


def panels(view: View) -> list[Panel | Absent]:
    """All panels of a study, or of a fit alone, in order; an Absent stands where the view has nothing to show."""
    return [make(view) for make in (_OF_A_FIT if is_fit(view) else _OF_A_STUDY)]
