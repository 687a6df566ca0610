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
from isoflop.report.paper_panels import (
    TABLE_PANELS,
    counts_panel,
    losses_panel,
    map_panel,
    optima_panel,
    rules_panel,
)
from isoflop.report.study_panels import contest_panel, landscape_panel, proof_panel, rates_panel, runs_panel
from isoflop.report.view import Absent, View, is_fit, is_paper

_OF_A_STUDY = (
    profiles_panel, scaling_panel, landscape_panel, proof_panel, contest_panel, training_panel, surface_panel,
    residuals_panel, rates_panel, runs_panel,
)  # fmt: skip
_OF_A_FIT = (
    warnings_panel, read_panel, valleys_panel, scaling_panel, curves_panel, constants_panel, surface_panel,
    residuals_panel, backtest_panel,
)  # fmt: skip
_OF_THE_PAPERS = (map_panel, losses_panel, rules_panel, optima_panel, counts_panel, *TABLE_PANELS)
_OF_FIGURE_4 = (scaling_panel, constants_panel, surface_panel, residuals_panel, backtest_panel)


def panels(view: View) -> list[Panel | Absent]:
    """All panels of a study, of a fit alone or of the papers, in order.

    An Absent stands where the view has nothing to show.
    """
    if is_paper(view):
        return [make(view) for make in (*_OF_THE_PAPERS, *(_OF_FIGURE_4 if view.get("fit") else ()))]
    return [make(view) for make in (_OF_A_FIT if is_fit(view) else _OF_A_STUDY)]
