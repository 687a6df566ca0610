"""The price of a sweep before it starts."""

import numpy as np

from isoflop.sweep.adaptive import Limits, price_of_sweep
from isoflop.sweep.adaptive.price import assumed_law
from sweep.adaptive.sweeps import TARGET, grid, guess

SPAN = (1e17, 1e19)


def test_the_assumed_law_has_the_best_sizes_of_the_guess() -> None:
    law = assumed_law(lambda flops: 45e3 * (flops / 1e12) ** 0.6, (1e10, 1e12))
    for flops in (1e10, 1e11, 1e12):
        np.testing.assert_allclose(law.optimum(flops)[0], 45e3 * (flops / 1e12) ** 0.6, rtol=1e-9)


def test_a_tighter_tolerance_costs_more() -> None:
    prices = [
        price_of_sweep(
            grid(), guess, span=SPAN, target_flops=TARGET, limits=Limits(tolerance=tolerance, largest_run=TARGET / 16)
        )
        for tolerance in (0.1, 0.01)
    ]
    loose, tight = prices
    assert loose.share < tight.share
    assert loose.share_interval[0] <= loose.share <= loose.share_interval[1]
    assert loose.stop == "tolerance reached"
    assert " of the target (" in loose.sentence
    assert loose.as_json()["flops"] == loose.share * TARGET


def test_runs_without_a_row_belong_to_the_price() -> None:
    limits = Limits(tolerance=0.1, largest_run=TARGET / 16)
    checks = [0.02 * TARGET, 0.03 * TARGET]
    bare, whole = (
        price_of_sweep(grid(), guess, span=SPAN, target_flops=TARGET, limits=limits, without_row=runs)
        for runs in ((), checks)
    )
    np.testing.assert_allclose(whole.share - bare.share, 0.05, rtol=1e-9)
    np.testing.assert_allclose(whole.share_interval, np.add(bare.share_interval, 0.05), rtol=1e-9)
    assert whole.runs == bare.runs + 2
    assert whole.waste == bare.waste
