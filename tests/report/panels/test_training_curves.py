from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from isoflop.fit import Refused
from isoflop.report.fitted_runs import FittedRuns, runs_of_fit
from isoflop.report.panel import Absent, Panel
from isoflop.report.panels.training_curves import (
    Curve,
    envelope,
    smoothed,
    thinned,
    training_curves,
    training_panel,
)
from report.fitted_tables import LAW, fitted


def a_curve(exponent: float, height: float, low: float, high: float) -> Curve:
    flops = np.geomspace(low, high, 30)
    loss = height * flops**-exponent
    return Curve(run_id="r", params=1e4, flops=tuple(map(float, flops)), loss=tuple(map(float, loss)))


def test_envelope_takes_the_lower_of_two_crossing_curves() -> None:
    slow, fast = a_curve(0.05, 10.0, 1e9, 1e12), a_curve(0.1, 40.0, 1e9, 1e12)
    flops, least = (np.array(column) for column in envelope([slow, fast]))
    lower = np.minimum(10.0 * flops**-0.05, 40.0 * flops**-0.1)
    # Straight lines in log C between 30 points of a power law: at most (0.1 * 0.238)^2 / 8 above it.
    np.testing.assert_allclose(least, lower, rtol=1e-4)


@given(st.lists(st.tuples(st.floats(0.01, 0.3), st.floats(1, 50), st.floats(1, 3)), min_size=1, max_size=5))
def test_envelope_never_rises_and_never_lies_above_a_curve(shapes: list[tuple[float, float, float]]) -> None:
    curves = [a_curve(exponent, height, 1e9 * start, 1e11 * start) for exponent, height, start in shapes]
    flops, least = envelope(curves)
    assert all(b <= a for a, b in pairwise(least))
    for curve in curves:
        inside = [i for i, c in enumerate(flops) if curve.flops[0] <= c <= curve.flops[-1]]
        heights = np.interp(np.log([flops[i] for i in inside]), np.log(curve.flops), curve.loss)
        assert all(least[i] <= height + 1e-12 for i, height in zip(inside, heights, strict=True))


@given(st.integers(2, 3000))
def test_thinning_keeps_the_ends_and_at_most_160_points(count: int) -> None:
    x = [float(i + 1) for i in range(count)]
    xs, ys = thinned(x, [2 * value for value in x])
    assert (xs[0], xs[-1]) == (1.0, float(count))
    assert len(xs) <= 160
    assert all(y == 2 * value for value, y in zip(xs, ys, strict=True))


@given(st.integers(2, 400), st.integers(0, 2**16))
def test_a_smoothed_curve_stays_between_the_losses_and_keeps_a_constant(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flops, loss = np.cumsum(rng.uniform(0.5, 2, count)).tolist(), rng.uniform(1, 3, count).tolist()
    curve = smoothed(flops, loss)
    assert len(curve) == count
    assert min(loss) - 1e-12 <= min(curve) <= max(curve) <= max(loss) + 1e-12
    assert np.allclose(smoothed(flops, [2.0] * count), 2.0)


def test_smoothing_removes_the_noise_of_batches_and_not_the_fall() -> None:
    flops = np.arange(1.0, 2001.0)
    fall = 5 * flops**-0.1
    noisy = fall + np.random.default_rng(0).normal(0, 0.1, len(flops))
    late = slice(500, None)
    off = np.array(smoothed(flops.tolist(), noisy.tolist())) - fall
    assert np.std(off[late]) < 0.02, "of the 0.1: a window of 40 points"
    assert abs(np.mean(off[late])) < 0.01


def test_only_a_study_s_curves_are_smoothed(study_runs: FittedRuns) -> None:
    values = training_curves(study_runs)
    assert not isinstance(values, Absent)
    assert all(len(curve.recorded) == len(curve.loss) for curve in values.curves)
    panel = training_panel(study_runs)
    assert isinstance(panel, Panel)
    assert "moving average over 2 % of a run's compute" in panel.caption


def test_curves_are_sorted_by_size_and_hold_every_finished_run(study_runs: FittedRuns) -> None:
    values = training_curves(study_runs)
    assert not isinstance(values, Absent)
    assert len(values.curves) == 37
    assert [curve.params for curve in values.curves] == sorted(curve.params for curve in values.curves)


def test_curves_of_a_table_are_those_of_runs_with_several_rows() -> None:
    sizes, tokens = np.geomspace(1e8, 1e10, 5), np.geomspace(2e9, 2e11, 9)
    rows = [
        {"run": f"r{i}", "params": N, "tokens": D, "loss": float(LAW.loss(N, D))}
        for i, N in enumerate(sizes) for D in tokens
    ]  # fmt: skip
    runs = runs_of_fit(fitted(rows, draws=0))
    assert set(runs.curves) == {f"r{i}" for i in range(5)}
    values = training_curves(runs)
    assert not isinstance(values, Absent)
    assert len(values.curves) == 5
    assert not any(curve.recorded for curve in values.curves)
    for curve in values.curves:
        assert list(curve.flops) == sorted(curve.flops)


def test_an_envelope_without_an_exponent_is_drawn_with_the_reason() -> None:
    sizes, tokens = np.geomspace(1e8, 3e9, 8), np.geomspace(1e9, 6e10, 6)
    rows = [{"params": N, "tokens": D, "loss": float(LAW.loss(N, D)), "run": f"{N:.3g}"} for N in sizes for D in tokens]
    report = fitted(rows, draws=0)
    assert isinstance(report.envelope, Refused)
    assert report.envelope.applicable
    panel = training_panel(runs_of_fit(report))
    assert isinstance(panel, Panel)
    assert report.envelope.reason in panel.lead
    assert "picture" in panel.lead
    assert panel.drawings
