from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from isoflop.fit import FitReport, Refused
from isoflop.report.fit_summary import forecast_ahead, open_size
from isoflop.report.formatting import loss_text, with_interval
from isoflop.report.html import page_html
from isoflop.report.pages import fit_page
from isoflop.report.panel import Summary
from isoflop.report.panels.best_size import backtest_sentence
from isoflop.report.panels.optimum_tables import fit_optima, optimum_table
from isoflop.report.text import fit_text, plain_text
from report.fitted_tables import budgets_of_runs, fitted, with_past_forecasts


def summary_of(report: FitReport) -> Summary:
    return fit_page(report, "runs.csv").summary


def test_a_saved_fit_gives_the_same_page(report: FitReport, tmp_path: Path) -> None:
    again = fit_page(FitReport.load(report.save(tmp_path / "fit.json")), "runs.csv")
    made = fit_page(report, "runs.csv")
    assert page_html(replace(again, created=made.created)) == page_html(made)


def test_without_draws_there_are_no_intervals() -> None:
    assert "(" not in summary_of(fitted(budgets_of_runs(), draws=0)).sentences[0]


def test_the_approach_that_knows_how_the_optimum_grows_speaks_first(report: FitReport) -> None:
    assert not isinstance(report.parametric, Refused)
    judged = {**report.parametric.identified, "a": False}
    unsure = replace(report, parametric=replace(report.parametric, identified=judged))
    assert summary_of(unsure).sentences[1].startswith("By approach 2")


def test_it_names_how_far_approaches_and_past_forecasts_are_apart(report: FitReport) -> None:
    ratios = list(report.disagreement().values())
    text = " ".join(summary_of(with_past_forecasts(report)).sentences)
    assert f"within a factor of {ratios[0]:.2f} of each other there, {ratios[1]:.2f} at ten times" in text
    near = np.array([0.002, 0.004, 0.001, 0.006])  # the Chinchilla form's, up to ten times
    assert f"at up to 10 times: Chinchilla by {100 * np.sqrt(np.mean(near**2)):.2f} %, coupled by" in text


def test_it_has_the_size_ahead_and_its_backtest(report: FitReport) -> None:
    optima = fit_optima(report)
    ahead = forecast_ahead(optima)
    assert ahead is not None
    assert report.size_backtest is not None
    summary = summary_of(report)
    first = summary.sentences[0]
    assert first.startswith("With 1e21 FLOPs, ten times the largest compute of these runs, train ")
    assert f"train {with_interval(ahead.params, ahead.interval)} parameters on " in first
    point = optima[1].forecast_point
    assert point is not None
    loss = report.forecast_loss(point.params, point.tokens)
    assert f"the loss is forecast as {with_interval(loss.loss, loss.interval, loss_text)} nats per token" in first
    assert summary.sentences[1].startswith("By approach 3")
    tested = backtest_sentence(report.size_backtest)
    assert f"T{tested[1:]}." in summary.sentences
    heading, facts = summary.groups[2]
    assert heading == "Best size at 1e21 FLOPs, ten times the largest compute"
    assert facts[0].label == "All, mixed"
    assert len(facts) == 1 + len(ahead.estimators)
    table = optimum_table(optima[1])
    assert table is not None
    assert table.rows[0][1] == facts[0].value, "the same number in both tables"
    assert tested in " ".join(plain_text(fit_text(report, "runs.csv"), 60).split())


def test_a_fit_that_leaves_the_size_open_begins_with_the_range_and_what_to_run(few: FitReport) -> None:
    ahead = open_size(fit_optima(few))
    assert ahead is not None
    assert ahead.identified is False
    first = summary_of(few).sentences[0]
    assert first.startswith(f"Parameters for {ahead.flops:.0e} FLOPs: between ".replace("e+", "e"))
    assert "not identified by these runs. Before the planned run, train five sizes or more from " in first
    lines = plain_text(fit_text(few, "few.csv"), 60).splitlines()
    assert lines[0] == "few.csv"
    assert lines[1].startswith("Parameters for ")
    assert first in " ".join(" ".join(lines).split())
