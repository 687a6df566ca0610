"""What must not matter does not: units, the order of rows, the names of runs, rows of runs told in turns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.fit import fit_envelope, fit_isoflop, fit_parametric
from isoflop.fit.parametric.resampling_units import resample_weights
from isoflop.fit.preconditions import strata
from isoflop.observations import Observations

from .designs import TRUTHS, isoflop_sweep

# Rounding moves an end of an interval by no more than this, relative.
ROUNDING = 1e-6
DRAWS = 120
LAW = TRUTHS["hoffmann"]


def sweep(budget=True):
    """Four budgets of seven sizes, two seeds a cell as two runs, or one run of two rows."""
    rows = isoflop_sweep(LAW, np.geomspace(1e18, 1e21, 4), sizes=7, span=5, noise=0.004, seed=2)
    again = isoflop_sweep(LAW, np.geomspace(1e18, 1e21, 4), sizes=7, span=5, noise=0.004, seed=3)
    return Observations.from_arrays(
        N=np.concatenate([rows.N, again.N * 1.001]),
        D=np.concatenate([rows.D, again.D / 1.001]),
        loss=np.concatenate([rows.loss, again.loss]),
        budget=np.concatenate([rows.budget, again.budget]) if budget else None,
        run_id=[f"run {i % 28:02d}" for i in range(56)],
    )


DATA = sweep()
BASE = {}


def changed(data, order=None, size=1.0, tokens=1.0, loss=1.0, names=None):
    """The same table in other units, order and names."""
    order = np.arange(len(data)) if order is None else np.asarray(order)
    names = names or {}
    return Observations.from_arrays(
        N=data.N[order] * size,
        D=data.D[order] * tokens,
        C=data.C[order] * size * tokens,
        loss=data.loss[order] * loss,
        budget=data.budget[order] * size * tokens,
        run_id=[names.get(data.run_id[i], data.run_id[i]) for i in order],
    )


def answers(fit, flops, size, unit):
    """Exponents, N_opt at three budgets and all their intervals, in the first table's units."""
    found = {"a": fit.exponents[0], "b": fit.exponents[1]}
    for factor in (1.0, 10.0, 100.0):
        target = factor * flops * unit
        found[f"N_opt at {factor:g}"] = fit.optimum(target)[0] / size
        low, high = fit.interval(lambda law, target=target: law.optimum(target)[0])
        found[f"N_opt at {factor:g}, low"], found[f"N_opt at {factor:g}, high"] = low / size, high / size
    for name in ("a", "b", *(("alpha", "beta") if fit.approach == "parametric" else ())):
        found[f"{name}, low"], found[f"{name}, high"] = fit.intervals[name]
    return found


def fits_of(data):
    return fit_parametric(data, draws=DRAWS, seed=4), fit_isoflop(data, draws=DRAWS, seed=4)


def base():
    if not BASE:
        for fit in fits_of(DATA):
            BASE[fit.approach] = answers(fit, 1e21, 1.0, 1.0)
    return BASE


def assert_same(data, size=1.0, unit=1.0):
    for fit in fits_of(data):
        expected = base()[fit.approach]
        for name, value in answers(fit, 1e21, size, unit).items():
            assert value == pytest.approx(expected[name], rel=ROUNDING), (fit.approach, name)


@settings(max_examples=8, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-2, 1e2))
def test_units_of_size_tokens_and_loss(size, tokens, loss):
    assert_same(changed(DATA, size=size, tokens=tokens, loss=loss), size=size, unit=size * tokens)


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(56)))
def test_order_of_rows(order):
    """Rows of one run are interleaved with others' by it."""
    assert_same(changed(DATA, order=order))


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(28)))
def test_names_of_runs(numbers):
    assert_same(changed(DATA, names={f"run {i:02d}": f"other {number}" for i, number in enumerate(numbers)}))


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(56)), st.permutations(range(28)), st.floats(0.1, 10))
def test_weights_belong_to_the_data_of_a_run(order, numbers, size):
    names = {f"run {i:02d}": f"{number}" for i, number in enumerate(numbers)}
    other = changed(DATA, order=order, size=size, names=names)
    first, second = (resample_weights(data, strata(data), 20, np.random.default_rng(1)) for data in (DATA, other))
    assert np.array_equal(first[:, order], second)


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(9)), st.floats(0.1, 10), st.floats(0.1, 10))
def test_envelope_of_curves(numbers, size, loss):
    curves, rows = {}, {"N": [], "D": [], "loss": [], "run_id": []}
    for i, (N, D) in enumerate((N, D) for N in (1e7, 4e7, 1.6e8) for D in (4e8, 1.6e9, 6.4e9)):
        tokens = np.geomspace(D / 50, D, 60)
        # Above the law until the rate has fallen at the end, as schedules make it.
        curve = LAW.loss(N, tokens) * (1 + 0.05 * (1 - tokens / D))
        curves[f"run {i}"] = (tokens, 6 * N * tokens, curve)
        for name, value in zip(rows, (N, D, curve[-1], f"run {i}"), strict=True):
            rows[name].append(value)
    first = fit_envelope(Observations.from_arrays(**rows), curves, draws=DRAWS, seed=4)
    named = {f"run {i}": f"other {number}" for i, number in enumerate(numbers)}
    other = {name: [rows[name][i] for i in numbers] for name in rows}
    data = Observations.from_arrays(
        N=np.array(other["N"]) * size, D=other["D"], loss=np.array(other["loss"]) * loss,
        run_id=[named[name] for name in other["run_id"]],
    )  # fmt: skip
    moved = {named[name]: (tokens, flops * size, curve * loss) for name, (tokens, flops, curve) in curves.items()}
    second = fit_envelope(data, moved, draws=DRAWS, seed=4)
    one, two = answers(first, 1e19, 1.0, 1.0), answers(second, 1e19, size, size)
    for name, value in two.items():
        assert value == pytest.approx(one[name], rel=ROUNDING), name
