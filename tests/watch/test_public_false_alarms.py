"""Public seeds of one recipe, one left out: right ones stay on course, changed ones are found in time."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from isoflop.logs import read_logs
from isoflop.watch import Curve
from isoflop.watch.course import course_of_repeats
from isoflop.watch.verdict import judge

DATA = Path(__file__).parents[3] / "shared" / "data" / "optimizer_runs"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs shared/data/optimizer_runs")
OFF = {"above", "below", "off_shape", "diverging", "spiking"}


@pytest.fixture(scope="module")
def recipes():
    found = {}
    for run in read_logs(DATA):
        series = run.evaluations["loss"]
        at = series.steps > 0
        curve = Curve(
            name=run.name,
            tokens=series.steps[at],
            loss=series.values[at],
            schedule_tokens=np.zeros(0),
            schedule_rates=np.zeros(0),
            total_tokens=float(run.planned_steps),
        )
        if curve.share[0] < 0.1:  # others are the ends of runs that are there whole
            found.setdefault((run.settings["recipe"], run.planned_steps), []).append(curve)
    return [curves for curves in found.values() if len(curves) > 1]


def found_at(run, like):
    history = judge(run, partial(course_of_repeats, like)).history
    return next((change.share for change in history if change.verdict in OFF), np.inf)


def left_out(recipes, change, *, every):
    """Shares at which each `every`-th run is called off course, `change` being put in from a fifth of it on."""
    pairs = [(run, [other for other in curves if other is not run]) for curves in recipes for run in curves]
    return np.array(
        [
            found_at(replace(run, loss=run.loss * np.where(run.share >= 0.2, 1 + change, 1.0)), like)
            for run, like in pairs[::every]
        ]
    )


def test_right_runs_ring_in_at_most_one_of_twenty(recipes):
    shares = left_out(recipes, 0.0, every=2)
    assert len(shares) > 120
    assert np.mean(np.isfinite(shares)) <= 0.05


def test_one_per_cent_from_a_fifth_on_is_found_before_thirty_per_cent(recipes):
    assert np.mean(left_out(recipes, 0.01, every=3) < 0.3) >= 0.95


def test_three_per_mille_from_a_fifth_on_are_found_before_sixty_per_cent(recipes):
    assert np.mean(left_out(recipes, 0.003, every=3) < 0.6) >= 0.8
