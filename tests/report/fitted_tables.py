"""Small tables of runs drawn from a law with seeded noise, fitted for real, for the report of a fit alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from isoflop.fit import FitReport, fit_all
from isoflop.fit.forecast.past_forecast import PastForecast
from isoflop.fit.lack_of_fit import LackOfFit, Trend
from isoflop.laws import published_law
from isoflop.observations import Observations

LAW = published_law("besiroglu2024")


def budgets_of_runs(noise: float = 0.004) -> list[dict[str, Any]]:
    """Five budgets of nine sizes around the optimum, a negative loss and an empty one at the end."""
    rng = np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    for flops in np.geomspace(1e18, 1e20, 5):
        best = float(LAW.optimum(flops)[0])
        for factor in np.geomspace(0.2, 5, 9):
            N = best * factor
            D = flops / (6 * N)
            rows.append(
                {"params": N, "tokens": D, "loss": float(LAW.loss(N, D) * np.exp(noise * rng.standard_normal()))}
            )
    rows.append({"params": 1e8, "tokens": 1e9, "loss": -1.0})
    rows.append({"params": 1e8, "tokens": 2e9, "loss": ""})
    return rows


def twenty_tokens_a_parameter() -> list[dict[str, Any]]:
    """D = 20 N throughout: approach 3 is refused."""
    sizes = np.geomspace(1e8, 1e10, 10)
    return [{"params": N, "tokens": 20 * N, "loss": float(LAW.loss(N, 20 * N))} for N in sizes]


def fitted(rows: list[dict[str, Any]], draws: int = 200) -> FitReport:
    return fit_all(Observations.from_rows(rows), draws=draws)


def with_past_forecasts(report: FitReport) -> FitReport:
    """`report` with past forecasts whose errors are known, and a trend in its residuals."""
    steps = [(1e18, 3.16e18), (1e18, 1e19), (1e18, 1e20), (1e19, 3.16e19), (1e19, 1e20)]
    errors = {
        "chinchilla": (0.002, 0.004, 0.011, 0.001, 0.006),
        "coupled": (0.001, -0.002, 0.004, -0.001, 0.002),
        "logquadratic": (-0.004, -0.012, -0.05, -0.003, -0.015),
    }
    past = tuple(
        PastForecast(
            origin_flops=origin,
            target_flops=target,
            errors={form: float(np.log1p(of_form[place])) for form, of_form in errors.items()},
            variance=1e-6,
            share=0.5,
            span=10.0,
        )
        for place, (origin, target) in enumerate(steps)
    )
    trend = Trend(slope=0.004, se=0.001, bend=0.0, bend_se=0.0)
    misfit = LackOfFit(by={"tokens_per_param": trend}, removed_by="coupled", runs=45)
    return replace(report, past=past, lack_of_fit=misfit)
