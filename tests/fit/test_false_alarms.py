"""The alarms of a fit on sweeps from the right law and from others: a small version of bench/fit/false_alarms.py."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench" / "fit"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module("false_alarms")
    finally:
        sys.path.remove(str(BENCH))
        for name in ("false_alarms", "made_up_sweeps"):
            sys.modules.pop(name, None)


def most(tables, rate=0.05):
    """Rings that a true rate gives in one of a thousand tries, at most."""
    hits = np.random.default_rng(0).binomial(tables, rate, 100_000)
    return int(np.quantile(hits, 0.999))


@pytest.mark.parametrize("alarm", ["frontier_bends", "lack_of_fit", "few_rows_decide"])
def test_an_alarm_rings_seldom_where_nothing_is_wrong(bench, alarm):
    conditions = [bench.guide, bench.Sweep(budgets=4, sizes=6).table, bench.Sweep(sizes=6, noise=0.01).table]
    rings = sum(bench.counted(table, 25, alarm).hits[alarm] for table in conditions)
    assert rings <= most(75)


def test_residuals_of_rounding_ring_nothing(bench):
    for sweep in (bench.Sweep(noise=1e-9, off_centre=0.3), bench.Sweep(noise=0.0)):
        for seed in range(5):
            assert bench.rings(sweep.table(seed)) == set()


@pytest.mark.parametrize(
    ("alarm", "sweep"),
    [
        ("frontier_bends", {"bend": -0.027}),
        ("frontier_bends", {"bend": -0.01, "noise": 0.001}),
        ("frontier_bends", {"bend": 0.01, "noise": 0.001}),
        ("lack_of_fit", {"sizes": 9, "noise": 0.001, "surface": "coupled"}),
        ("lack_of_fit", {"sizes": 6, "surface": "crossed"}),
    ],
)
def test_it_rings_where_it_is_due(bench, alarm, sweep):
    made = {key: getattr(bench, value) if key == "surface" else value for key, value in sweep.items()}
    assert bench.counted(bench.Sweep(**made).table, 20, alarm).hits[alarm] >= 19


def test_a_bend_that_moves_no_size_is_no_alarm(bench):
    fine = bench.Sweep(budgets=9, sizes=9, noise=0.0002, bend=-0.001)
    assert bench.counted(fine.table, 5, "frontier_bends").hits["frontier_bends"] == 0
