"""The pages: a study's, a fit's alone, and the papers'. A figure is a file in panels/ and a line in one of them."""

from __future__ import annotations

import time

from isoflop.errors import Notice
from isoflop.fit import FitReport
from isoflop.report.fit_summary import fit_summary, forecast_ahead
from isoflop.report.fitted_runs import runs_of_fit, runs_of_study
from isoflop.report.page_grade import report_grade, study_grade
from isoflop.report.panel import Page
from isoflop.report.panels.best_size import size_notices
from isoflop.report.panels.constants import constants_panel
from isoflop.report.panels.decisions import decisions_panel
from isoflop.report.panels.first_picture import fit_picture, study_picture
from isoflop.report.panels.forecast import forecast_panel
from isoflop.report.panels.isoflop_curves import isoflop_panel
from isoflop.report.panels.landscape import landscape_panel
from isoflop.report.panels.learning_rates import rates_panel
from isoflop.report.panels.loss_surface import surface_panel
from isoflop.report.panels.methods import fit_methods, papers_methods, study_methods
from isoflop.report.panels.optimum import optimum_panel
from isoflop.report.panels.optimum_tables import fit_optima
from isoflop.report.panels.papers import Sections, papers_panels, papers_summary
from isoflop.report.panels.past_forecasts import past_forecasts_panel
from isoflop.report.panels.planned_vs_larger import comparison_panel
from isoflop.report.panels.residuals import residuals_panel
from isoflop.report.panels.rows_read import left_out_panel
from isoflop.report.panels.runs import runs_panel
from isoflop.report.panels.training_curves import training_panel
from isoflop.report.panels.warnings import SourcedNotice, fit_warnings, warnings_panel, without_repeats
from isoflop.report.panels.watched import watched_panel
from isoflop.report.planner.widget import budget_widgets
from isoflop.report.record import StudyRecord, versions
from isoflop.report.summary import study_summary


def study_page(record: StudyRecord) -> Page:
    """The page of a study, as far as it has come."""
    fitted, notices = runs_of_study(record), study_warnings(record)
    plan_waste = record.plan.expected_waste if record.plan else None
    return Page(
        title=record.title,
        about="Compute-optimal training: the plan and its proof.",
        created=record.created,
        versions=record.versions,
        summary=study_summary(record),
        grade=study_grade(record),
        picture=study_picture(record, fitted),
        panels=(
            isoflop_panel(fitted),
            optimum_panel(fitted, record.plan.size if record.plan else None),
            landscape_panel(fitted),
            forecast_panel(record),
            watched_panel(record),
            comparison_panel(record),
            training_panel(fitted),
            surface_panel(fitted),
            residuals_panel(fitted),
            rates_panel(record),
            *(() if record.sweep is None else (decisions_panel(record.sweep, plan_waste),)),
            runs_panel(record),
        ),
        widgets=budget_widgets(record.fit, record.plan.budget_flops if record.plan else None),
        methods=study_methods(record, fitted, notices),
    )


def study_warnings(record: StudyRecord) -> tuple[SourcedNotice, ...]:
    """Everything that a study and its fit and plan warn of, each once."""
    return without_repeats(
        [
            *(("", notice) for notice in record.notices),
            *(fit_warnings(record.fit) if record.fit else ()),
            *(("plan", notice) for notice in (record.plan.warnings if record.plan else ())),
        ]
    )


def fit_page(report: FitReport, title: str) -> Page:
    """The page of a fit alone; `title` names the table or the file of the fit."""
    fitted, optima, notices = runs_of_fit(report), fit_optima(report), report_warnings(report)
    return Page(
        title=title,
        about="Scaling laws fitted to a table of runs, and what the runs cannot tell.",
        created=time.time(),
        versions=versions(),
        summary=fit_summary(report, optima),
        grade=report_grade(report, optima),
        picture=fit_picture(fitted, optima),
        panels=(
            warnings_panel(notices),
            left_out_panel(report.observations),
            isoflop_panel(fitted),
            optimum_panel(fitted, forecast_ahead(optima)),
            training_panel(fitted),
            constants_panel(fitted, optima),
            surface_panel(fitted),
            residuals_panel(fitted),
            past_forecasts_panel(report),
        ),
        widgets=budget_widgets(report),
        methods=fit_methods(fitted, versions()),
    )


def report_warnings(report: FitReport) -> tuple[SourcedNotice, ...]:
    """Everything that a fit alone warns of, each once."""
    own: list[tuple[str, Notice]] = [("", notice) for notice in size_notices(report)]
    return without_repeats([*own, *fit_warnings(report)])


def papers_page(sections: Sections, refit: FitReport | None = None) -> Page:
    """The papers reproduced; `refit` is the fit of Figure 4's points, where these are given."""
    panels, fitted, grade = papers_panels(sections), None, None
    if refit is not None:
        fitted, optima = runs_of_fit(refit), fit_optima(refit)
        grade = report_grade(refit, optima, of="the fit of Figure 4's points")
        panels += [
            optimum_panel(fitted, forecast_ahead(optima)),
            constants_panel(fitted, optima),
            surface_panel(fitted),
            residuals_panel(fitted),
            past_forecasts_panel(refit),
        ]
    return Page(
        title="Chinchilla, reproduced",
        about="Hoffmann et al. 2022 and the systems it is about: published numbers next to ours.",
        created=time.time(),
        versions=versions(),
        summary=papers_summary(sections),
        grade=grade,
        panels=panels,
        methods=papers_methods(fitted, versions()),
    )
