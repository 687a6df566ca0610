"""Typed results of our own runs: equal to a table of them, with the reasons of runs that failed."""

import numpy as np
import pytest

from isoflop.observations import Observations, RunOutcome

CONVENTIONS = {"params_convention": "non_embedding", "flops_convention": "matmul"}


def outcomes(count: int = 6) -> list[RunOutcome]:
    sizes = np.geomspace(1e6, 1e8, count)
    return [
        RunOutcome(
            run_id=f"run-{i}",
            status="done",
            params=float(N),
            tokens=20.0 * N,
            flops=7.0 * N * 20.0 * N,
            budget=120.0 * N * N,
            loss=1.7 + 400.0 / N**0.34,
            loss_se=0.01,
        )
        for i, N in enumerate(sizes.round())
    ]


def test_the_columns_are_those_of_the_results():
    runs = outcomes()
    made = Observations.from_results(runs, **CONVENTIONS)
    assert made.run_id == tuple(run.run_id for run in runs)
    for column, name in (
        (made.N, "params"), (made.D, "tokens"), (made.C, "flops"), (made.budget, "budget"), (made.loss, "loss"),
        (made.loss_se, "loss_se"),
    ):  # fmt: skip
        assert column is not None
        assert column.tolist() == [getattr(run, name) for run in runs]
    assert (made.params_convention, made.flops_convention, made.schedule) == ("non_embedding", "matmul", "matched")


def test_the_same_as_from_a_table_of_the_results():
    runs = outcomes()
    rows = [
        {
            "run_id": run.run_id, "params": run.params, "tokens": run.tokens, "flops": run.flops, "budget": run.budget,
            "loss": run.loss, "loss_se": run.loss_se, "status": run.status,
            "tree": run.tree, "failure_reason": run.reason,
        }
        for run in runs
    ]  # fmt: skip
    table = Observations.from_rows(rows, **CONVENTIONS, loss_unit="nats_per_token", schedule="matched")
    assert Observations.from_results(runs, **CONVENTIONS).summary() == table.summary()


def test_a_run_that_did_not_end_well_is_dropped_with_its_reason():
    diverged = RunOutcome(run_id="a", status="failed", reason="diverged", params=1e6, tokens=1e7, budget=6e13)
    waiting = RunOutcome(run_id="b", status="unfinished", reason="not trained yet")
    silent = RunOutcome(run_id="c", status="failed")
    made = Observations.from_results([diverged, *outcomes(), waiting, silent], **CONVENTIONS)
    assert len(made) == 6
    assert [(item.row, item.run_id, item.code, item.reason) for item in made.dropped] == [
        (1, "a", "unfinished", "the run failed: diverged"),
        (8, "b", "unfinished", "the run is not finished: not trained yet"),
        (9, "c", "unfinished", "the run failed"),
    ]


def test_no_column_is_guessed_from_the_names_of_runs():
    """Run ids that look like numbers, dates or logarithms stay names; losses are not taken for perplexities."""
    runs = [RunOutcome(run_id="1,5", status="done", params=1e6, tokens=2e7, flops=1.4e14, loss=3.0)]
    made = Observations.from_results(runs, **CONVENTIONS)
    assert made.run_id == ("1,5",)
    assert made.loss.tolist() == pytest.approx([3.0], abs=0)


def test_no_results_are_no_observations():
    assert len(Observations.from_results([], **CONVENTIONS)) == 0
