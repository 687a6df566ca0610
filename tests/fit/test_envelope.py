from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit import fit_all, fit_envelope
from isoflop.observations import Observations

from .designs import TRUTHS

LAW = TRUTHS["besiroglu"]


def horizons(noise=0.0, seed=0, sizes=12, ends=(0.5, 2.0), late=0.2):
    """Runs of several horizons a size whose curve lies above the law until its end, as under a decay."""
    rng = np.random.default_rng(seed)
    rows, curves = [], {}
    for N in np.geomspace(5e7, 5e9, sizes):
        # D_opt of this N on the frontier
        D_best = ((LAW.alpha * LAW.A * N**-LAW.alpha) / (LAW.beta * LAW.B)) ** (-1 / LAW.beta)
        for factor in np.geomspace(ends[0], ends[-1], 9):
            D, run = D_best * factor, f"{N:.4g}-{factor:.4g}"
            tokens = np.linspace(D / 400, D, 400)
            above = 0.25 * late * (1 - tokens / D) ** 0.7
            loss = (LAW.loss(N, tokens) + above) * np.exp(rng.normal(0, noise, 400))
            curves[run] = (tokens, 6 * N * tokens, loss)
            rows.append({"N": N, "D": D, "loss": float(loss[-1]), "run_id": run})
    return Observations.from_rows(rows), curves


def test_the_exponent_of_the_truth_comes_back():
    fit = fit_envelope(*horizons(), draws=300)
    assert fit.exponents == pytest.approx((0.5126, 0.4874), abs=0.04)
    assert fit.exponents[0] + fit.exponents[1] == pytest.approx(1, abs=1e-6)
    assert fit.details["share_in_last_15_percent"] > 0.95
    assert not fit.warnings
    low, high = fit.intervals["a"]
    assert low < 0.5126 < high


def test_noise_of_small_batches_is_smoothed():
    quiet, noisy = fit_envelope(*horizons(), draws=0), fit_envelope(*horizons(noise=0.02), draws=0)
    assert noisy.exponents[0] == pytest.approx(quiet.exponents[0], abs=0.05)
    least = np.array(noisy.details["envelope"]["loss"])
    # Unsmoothed, the least of noisy losses lies several standard deviations (10 %) below the truth.
    assert np.abs(least / np.interp(noisy.details["envelope"]["flops"], quiet.details["envelope"]["flops"],
                                    quiet.details["envelope"]["loss"]) - 1).max() < 0.025  # fmt: skip


def test_schedules_that_outlast_the_envelope_are_warned_of():
    fit = fit_envelope(*horizons(ends=(4.0, 16.0), late=0.02), draws=0)
    assert "envelope_before_end" in {notice.code for notice in fit.warnings}


def test_draws_are_seeded():
    data = horizons(noise=0.01)
    assert fit_envelope(*data, draws=100, seed=1).intervals == fit_envelope(*data, draws=100, seed=1).intervals


def as_rows(data, curves, every=20):
    """The same runs as one table: a row each 20 points, the end among them."""
    size = dict(zip(data.run_id, data.N, strict=True))
    columns = {"N": [], "D": [], "C": [], "loss": [], "run_id": []}
    for run, (tokens, flops, loss) in curves.items():
        at = np.arange(len(tokens) - 1, 0, -every)[::-1]
        columns["N"] += [size[run]] * len(at)
        columns["D"] += tokens[at].tolist()
        columns["C"] += flops[at].tolist()
        columns["loss"] += loss[at].tolist()
        columns["run_id"] += [run] * len(at)
    return Observations.from_arrays(**columns)


def test_rows_of_a_run_make_its_curve():
    data, curves = horizons()
    given, found = fit_envelope(data, curves, draws=0), fit_envelope(as_rows(data, curves), draws=0)
    assert (given.details["curves"], found.details["curves"]) == ("given", "rows")
    assert found.details["runs"] == given.details["runs"] == len(curves)
    assert found.exponents[0] == pytest.approx(given.exponents[0], abs=0.02)
    assert found.details["matched"]


def test_neither_the_order_of_rows_nor_what_runs_are_called_matters():
    rows = as_rows(*horizons(noise=0.01))
    order = np.random.default_rng(0).permutation(len(rows))
    other = replace(
        rows.select(np.ones(len(rows), dtype=bool)),
        **{name: getattr(rows, name)[order] for name in ("N", "D", "C", "loss", "budget", "is_final", "row")},
        run_id=tuple(rows.run_id[i][::-1] for i in order),
    )
    one, two = fit_envelope(rows, draws=100), fit_envelope(other, draws=100)
    assert one.exponents == two.exponents
    assert one.intervals == two.intervals


def test_units_change_nothing():
    rows = as_rows(*horizons(noise=0.005, sizes=6))
    moved = replace(rows, N=7.0 * rows.N, D=0.3 * rows.D, C=2.1 * rows.C, loss=1.44 * rows.loss)
    one, two = fit_envelope(rows, draws=50), fit_envelope(moved, draws=50)
    assert two.exponents == pytest.approx(one.exponents, rel=1e-6)
    assert two.intervals["a"] == pytest.approx(one.intervals["a"], rel=1e-6)
    assert two.optimum(2.1e20)[0] == pytest.approx(7 * one.optimum(1e20)[0], rel=1e-6)


def test_an_envelope_of_unfinished_runs_has_no_say_in_the_disagreement():
    rows = as_rows(*horizons(ends=(4.0, 16.0), late=0.02, sizes=5), every=100)
    report = fit_all(rows, draws=20)
    assert not report.envelope.details["matched"]
    assert list(report.disagreement()["left_out"]) == ["envelope"]
    stated = fit_envelope(replace(rows, schedule="matched"), draws=0)
    assert stated.details["matched"]
    assert not stated.warnings


def test_without_curves_it_does_not_apply():
    data, curves = horizons()
    with pytest.raises(RefusedError) as caught:
        fit_envelope(data, None)
    assert caught.value.code == "no_curves"
    with pytest.raises(RefusedError, match="runs"):
        fit_envelope(data, dict(list(curves.items())[:2]))


def test_curves_that_cover_almost_no_compute_are_refused():
    # Each curve is its last thousandth: nearly no compute of the range has a loss to choose from.
    curves, N, ends = {}, [1e6, 2e6, 4e6], [1e15, 4e15, 1.6e16]
    for size, end in zip(N, ends, strict=True):
        flops = end * np.array([0.999, 0.9995, 1.0])
        curves[f"{size:g}"] = (flops / (6 * size), flops, np.array([3.002, 3.001, 3.0]) - size / 1e8)
    data = Observations.from_arrays(N=N, C=ends, loss=[3.0 - size / 1e8 for size in N], run_id=list(curves))
    with pytest.raises(RefusedError, match="too little compute"):
        fit_envelope(data, curves)
