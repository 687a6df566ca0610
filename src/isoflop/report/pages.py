"""The panels of each page, in order."""

from __future__ import annotations

from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.constants import constants_panel
from isoflop.report.panels.forecast import proof_panel
from isoflop.report.panels.isoflop_curves import profiles_panel, valleys_panel
from isoflop.report.panels.landscape import landscape_panel
from isoflop.report.panels.learning_rates import rates_panel
from isoflop.report.panels.loss_surface import surface_panel
from isoflop.report.panels.optimum import scaling_panel
from isoflop.report.panels.papers import TABLE_PANELS, counts_panel, losses_panel, map_panel, optima_panel, rules_panel
from isoflop.report.panels.past_forecasts import backtest_panel
from isoflop.report.panels.planned_vs_larger import contest_panel
from isoflop.report.panels.residuals import residuals_panel
from isoflop.report.panels.rows_read import read_panel
from isoflop.report.panels.runs import runs_panel
from isoflop.report.panels.training_curves import curves_panel, training_panel
from isoflop.report.panels.warnings import warnings_panel
from isoflop.report.view import View, is_fit, is_paper

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
