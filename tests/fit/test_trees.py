"""Runs that begin from one trunk are drawn as one in every interval."""

import numpy as np

from isoflop.fit import fit_envelope, fit_parametric
from isoflop.fit.parametric.resampling_units import resample_weights, resampling_units
from isoflop.laws import published_law
from isoflop.observations import Observations, RunOutcome

SIZES, HORIZONS = np.geomspace(1e7, 1e9, 12), np.geomspace(2e8, 2e10, 4)


def observations(*, trees: bool, sd: float = 0.01) -> Observations:
    """Twelve trunks of four horizons each, whose rows have the error of their trunk."""
    law = published_law("besiroglu2024")
    errors = np.random.Generator(np.random.Philox(3)).normal(0, sd, len(SIZES))
    outcomes = [
        RunOutcome(
            run_id=f"{i}-{j}",
            tree=f"{i}-3" if trees and j < 3 else "",
            status="done",
            params=N,
            tokens=D,
            flops=6 * N * D,
            loss=float(law.loss(N, D)) * np.exp(errors[i]),
        )
        for i, N in enumerate(SIZES.tolist())
        for j, D in enumerate(HORIZONS.tolist())
    ]
    return Observations.from_results(outcomes, params_convention="non_embedding", flops_convention="six_n")


def test_a_trunk_and_its_branches_are_one_unit_and_have_one_weight():
    data = observations(trees=True)
    units = resampling_units(data)
    assert (units.kind, units.count) == ("run", len(SIZES))
    weights = resample_weights(data, np.zeros(len(data), dtype=np.int64), 50, np.random.default_rng(0))
    by_tree = weights.reshape(50, len(SIZES), len(HORIZONS))
    assert (by_tree == by_tree[:, :, :1]).all()
    assert (by_tree.max(axis=0) > 1).all()
    alone = resampling_units(observations(trees=False))
    assert (alone.kind, alone.count) == ("row", len(data))


def test_runs_keep_their_own_names_and_are_no_checkpoints_of_each_other():
    data = observations(trees=True)
    assert len(set(data.run_id)) == len(data)
    assert data.is_final.all()
    assert data.trees[:4] == ("0-3",) * 4
    half = data.select(data.N < 1e8)
    assert len(half.trees) == len(half)
    assert int(half.tree_number.max()) + 1 == 6


def test_an_interval_is_that_of_twelve_errors_and_not_of_forty_eight():
    shared, rows = (fit_parametric(observations(trees=trees), draws=400) for trees in (True, False))
    assert shared.exponents == rows.exponents

    def width(fit):
        low, high = fit.intervals["alpha"]
        return high - low

    assert width(shared) > 1.3 * width(rows)


def test_the_envelope_is_drawn_by_trunk_too():
    shared, rows = (fit_envelope(observations(trees=trees, sd=0.002)) for trees in (True, False))
    assert shared.exponents == rows.exponents
    assert shared.intervals["a"] != rows.intervals["a"]


def test_a_table_names_its_trees():
    rows = [
        {"run": f"{i}-{j}", "tree": f"{i}-3", "params": N, "tokens": D, "loss": 3.0 - j / 10 - i / 100}
        for i, N in enumerate(SIZES[:6].tolist())
        for j, D in enumerate(HORIZONS.tolist())
    ]
    data = Observations.from_rows(rows, schedule="matched")
    assert (resampling_units(data).kind, resampling_units(data).count) == ("run", 6)
    assert len(set(data.run_id)) == len(rows)
