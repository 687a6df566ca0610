"""What `isoflop status --json` says of the budgets; the rest is tested with the record of a study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isoflop.fit import FitReport, fit_all
from isoflop.laws import published_law
from isoflop.observations import Observations
from isoflop.report.record import Conventions, RunRecord, StudyRecord
from isoflop.study.progress import Best
from isoflop.study.status import best_losses, budgets_of
from isoflop.sweep import Purpose

LAW = published_law("besiroglu2024")


def a_run(flops: float, purpose: Purpose = "isoflop") -> RunRecord:
    return RunRecord(
        run_id=f"{flops:g}",
        purposes=(purpose,),
        group="",
        status="done",
        params=5,
        params_by_convention={"non_embedding": 5},
        d_model=2,
        n_layers=2,
        budget_flops=flops,
        tokens_requested=100,
        peak_lr=1e-3,
        batch_tokens=10,
        seed=0,
    )


def study_with(fit: FitReport | None) -> StudyRecord:
    runs = (*map(a_run, (2e12, 1e12, 1e12)), a_run(8e12, "planned"))
    conventions = Conventions.of("non_embedding", "matmul", "nats_per_token")
    return StudyRecord(title="study", conventions=conventions, runs=runs, fit=fit)


def fit_of(sizes: int) -> FitReport:
    """Three budgets of `sizes` sizes."""
    budgets = np.geomspace(1e18, 1e20, 3)
    N = np.concatenate([float(LAW.optimum(C)[0]) * np.geomspace(0.25, 4, sizes) for C in budgets])
    D = np.repeat(budgets, sizes) / (6 * N)
    return fit_all(Observations.from_arrays(N=N, D=D, loss=LAW.loss(N, D)), draws=0)


def test_budgets_are_those_of_the_fit() -> None:
    budgets = budgets_of(study_with(fit_of(7)))
    assert budgets is not None
    assert [row["kept"] for row in budgets] == [True, True, True]
    assert set(budgets[0]) == {
        "flops", "kept", "reason", "params", "tokens", "loss", "params_interval", "loss_interval",
    }  # fmt: skip
    assert budgets[0]["params_interval"] is None, "without draws"


def test_where_approach_2_was_refused_every_budget_has_the_reason() -> None:
    fit = fit_of(2)
    assert not fit.isoflop.ok
    budgets = budgets_of(study_with(fit))
    assert budgets is not None
    assert [(row["flops"], row["kept"], row["params"]) for row in budgets] == [(1e12, False, None), (2e12, False, None)]
    assert all(row["reason"] for row in budgets)


def test_before_the_fit_there_are_none() -> None:
    assert budgets_of(study_with(None)) is None


def test_the_best_loss_of_each_budget_is_that_of_the_runs_that_ended() -> None:
    runs = (
        replace(a_run(2e12), loss=2.5, params=7, tokens_requested=70),
        replace(a_run(2e12, "learning_rate_check"), loss=2.25, params=5, tokens_requested=50),
        replace(a_run(2e12), status="failed"),
        replace(a_run(2e12), status="running"),
        replace(a_run(1e12), status="waiting"),
    )
    assert best_losses(runs) == [
        Best(flops=1e12, runs=1),
        Best(flops=2e12, runs=4, ended=3, loss=2.25, params=5, tokens=50),
    ]
