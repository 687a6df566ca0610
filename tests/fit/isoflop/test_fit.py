from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import RefusedError
from isoflop.fit import fit_isoflop
from isoflop.fit.budgets import budget_labels, budgets_among_others
from isoflop.laws.tradeoffs import wasted_compute
from isoflop.observations import Observations

from .. import porian
from ..designs import TINY, TINY_COST, TRUTHS, figure_rows, isoflop_sweep, tiny_sweep

BUDGETS = np.geomspace(1e17, 1e21, 5)


def _bias(fit, law):
    """D_opt at 1e24, 1,000 times beyond the largest budget, against the truth."""
    return float(fit.law.tokens_coefficient * 1e24**fit.law.b) / float(law.optimum(1e24)[1]) - 1


@pytest.mark.parametrize(
    ("name", "span", "drift", "parabola", "within", "waste", "ours"),
    [
        ("hoffmann", 8, 1, -0.029, 0.001, 0.00027, 0.005),
        ("asym", 8, 1, -0.139, 0.002, 0.0068, 0.005),
        ("asym", 4, 1 / 3, 0.300, 0.002, 0.022, 0.025),
    ],
)
def test_the_parabola_s_bias_is_the_known_one_and_ours_is_less(name, span, drift, parabola, within, waste, ours):
    # Noise-free, five budgets, 15 sizes within a factor `span`, their middle `drift` times the optimum at the last.
    law = TRUTHS[name]
    data = isoflop_sweep(law, BUDGETS, span=span, drift=drift)
    bias = _bias(fit_isoflop(data, draws=0, vertices="parabola"), law)
    assert bias == pytest.approx(parabola, abs=within)
    # D too large by a factor is N too small by it.
    assert float(wasted_compute(law, 1 + bias)) == pytest.approx(waste, rel=0.03)
    assert abs(_bias(fit_isoflop(data, draws=0), law)) < ours


def test_the_published_exponents_of_15_conditions_come_back():
    assert len(porian.published()) == 15
    for condition, results in porian.published().items():
        fit = fit_isoflop(porian.points(condition), draws=0)
        assert fit.exponents[0] == pytest.approx(results["basic"]["n_exponent"], abs=0.03), condition


def test_a_symmetric_law_has_no_bias():
    fit = fit_isoflop(isoflop_sweep(TRUTHS["besiroglu"], BUDGETS, span=2), draws=0)
    assert fit.exponents == pytest.approx((0.51261, 0.48739), abs=2e-4)
    assert fit.law.b == pytest.approx(1 - fit.law.a, abs=1e-9)
    for budget, C in zip(fit.budgets, BUDGETS, strict=True):
        assert budget.params == pytest.approx(float(TRUTHS["besiroglu"].optimum(C)[0]), rel=0.01)
        assert 6 * budget.params * budget.tokens == pytest.approx(C, rel=1e-9)
        assert budget.loss == pytest.approx(float(TRUTHS["besiroglu"].frontier_loss(C)), rel=1e-3)


def test_tokens_of_a_vertex_follow_the_exact_cost():
    fit = fit_isoflop(tiny_sweep(0), cost=TINY_COST, draws=200)
    for budget in fit.budgets:
        assert budget.tokens * float(TINY_COST.flops_per_token(budget.params)) == pytest.approx(budget.flops)
        assert budget.params_interval[0] < budget.params < budget.params_interval[1]
        assert budget.tokens_interval[0] < budget.tokens < budget.tokens_interval[1]
        assert budget.loss_interval[0] < budget.loss < budget.loss_interval[1]


def test_runs_that_spent_a_little_more_do_not_tilt_the_parabola():
    steady = fit_isoflop(isoflop_sweep(TRUTHS["hoffmann"], BUDGETS, sizes=7, span=4), draws=0)
    ragged = fit_isoflop(isoflop_sweep(TRUTHS["hoffmann"], BUDGETS, sizes=7, span=4, flops_noise=0.03), draws=0)
    for one, other in zip(steady.budgets, ragged.budgets, strict=True):
        assert other.params == pytest.approx(one.params, rel=0.03)


def test_budgets_that_cannot_be_used_say_why():
    law = TRUTHS["besiroglu"]
    good = isoflop_sweep(law, BUDGETS[:3], sizes=7, span=4)
    N_best = float(law.optimum(BUDGETS[3])[0])
    extra = [(BUDGETS[3], N) for N in np.geomspace(N_best * 2, N_best * 20, 6)]
    extra += [(BUDGETS[4], N) for N in np.geomspace(1e8, 1e9, 3)]
    rows = [{"N": n, "D": d, "loss": v, "budget": b} for n, d, v, b in
            zip(good.N, good.D, good.loss, good.budget, strict=True)]  # fmt: skip
    rows += [{"N": N, "D": C / 6 / N, "loss": float(law.loss(N, C / 6 / N)), "budget": C} for C, N in extra]
    bent = [
        {"N": N, "D": 3e17 / 6 / N, "loss": 3 - 0.02 * np.log(N / 1e8) ** 2, "budget": 3e17}
        for N in (2e7, 5e7, 1e8, 2e8)
    ]
    fit = fit_isoflop(Observations.from_rows([*rows, *bent]), draws=200)
    reasons = {f"{b.flops:.3g}": (b.kept, b.reason) for b in fit.budgets}
    assert "below the smallest size" in reasons["1e+20"][1]
    assert "3 sizes" in reasons["1e+21"][1]
    assert "curve upwards" in reasons["3e+17"][1]
    assert sum(kept for kept, _ in reasons.values()) == 3
    assert "budgets_left_out" in {notice.code for notice in fit.notices}


def test_without_a_target_budgets_are_recognised_in_the_flops():
    data = isoflop_sweep(TRUTHS["hoffmann"], BUDGETS, sizes=7, span=4, flops_noise=0.02)
    plain = Observations.from_arrays(N=data.N, D=data.D, C=data.C, loss=data.loss)
    assert budget_labels(plain).tolist() == budget_labels(data).tolist()
    assert fit_isoflop(plain, draws=0).exponents == pytest.approx(fit_isoflop(data, draws=0).exponents, rel=1e-9)


def test_a_continuum_of_flops_is_no_budget():
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(17, 21, 100)), np.exp(rng.uniform(21, 24, 100))
    data = Observations.from_arrays(N=N, D=D, loss=TRUTHS["hoffmann"].loss(N, D))
    with pytest.raises(RefusedError) as caught:
        fit_isoflop(data)
    assert caught.value.code in ("no_budgets", "too_few_budgets")


def test_budgets_among_other_runs_are_found_and_the_others_left_alone():
    data = isoflop_sweep(TRUTHS["hoffmann"], BUDGETS, sizes=9, span=4, noise=0.002)
    rng = np.random.default_rng(1)
    N, D = np.exp(rng.uniform(17, 22, 60)), np.exp(rng.uniform(21, 25, 60))
    mixed = Observations.from_arrays(
        N=np.concatenate([data.N, N]),
        D=np.concatenate([data.D, D]),
        loss=np.concatenate([data.loss, TRUTHS["hoffmann"].loss(N, D)]),
    )
    labels = budgets_among_others(mixed)
    assert labels[:45].tolist() == budget_labels(data).tolist()
    assert np.sum(labels[45:] >= 0) <= 3
    fit = fit_isoflop(mixed, draws=0)
    assert fit.exponents[0] == pytest.approx(fit_isoflop(data, draws=0).exponents[0], abs=0.01)
    assert "budgets_among_others" in {notice.code for notice in fit.notices}


def test_the_nine_budgets_of_hoffmann_et_al_stand_in_their_figure_4():
    fit = fit_isoflop(figure_rows(240), draws=500)
    wishes = [6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21]
    found = [budget.flops for budget in fit.budgets]
    # Their FLOPs count more than 6ND, by a few per cent at the small sizes.
    assert found == pytest.approx(wishes, rel=0.1)
    assert all(budget.kept for budget in fit.budgets)
    # Their table 2: a = .49 (.462 to .534), b = .51 (.483 to .529) by approach 2.
    assert 0.462 < fit.exponents[0] < 0.534
    assert 0.483 < fit.exponents[1] < 0.529
    # Nobody stated these budgets: what they say of a bend stops no plan.
    assert "frontier_bends" not in {notice.code for notice in fit.notices}


def test_one_budget_is_too_few():
    with pytest.raises(RefusedError, match="at least two"):
        fit_isoflop(isoflop_sweep(TRUTHS["hoffmann"], BUDGETS[:1]))


def _bent(C, bend):
    """Profiles whose least loss follows ln N_opt = ... + bend (ln C)^2 about the middle of the budgets."""
    t = np.log(C) - np.log(3e19)
    return np.log(1e9) + 0.5 * t + bend * t * t


@pytest.mark.parametrize(("bend", "least", "most"), [(0.0, 0.01, 0.25), (-0.027, 0.95, 1.0)])
def test_the_alarm_rings_for_bent_frontiers_and_seldom_for_straight_ones(bend, least, most):
    rings, sweeps = 0, 100
    for seed in range(sweeps):
        rng = np.random.default_rng(seed)
        rows = []
        for C in np.geomspace(1e18, 1e21, 5):
            middle = _bent(C, bend)
            floor = 2.0 + 30 * C**-0.08
            for x in np.linspace(-np.log(4), np.log(4), 8):
                loss = (floor + 0.06 * (np.cosh(x) - 1)) * np.exp(rng.normal(0, 0.005))
                N = np.exp(middle + x)
                rows.append({"N": N, "D": C / 6 / N, "loss": loss, "budget": C})
        fit = fit_isoflop(Observations.from_rows(rows), draws=0)
        rings += any(notice.code == "frontier_bends" for notice in fit.notices)
    # A true rate of 5 to 15 % lands in 1 to 25 of 100; the bend of public isoFLOP sets must not be missed.
    assert least <= rings / sweeps <= most


@pytest.mark.parametrize(("budgets", "sizes"), [(4, 5), (5, 6), (6, 7)])
def test_intervals_hold_the_exponent_and_the_vertices(budgets, sizes):
    # Against the parabola's own noise-free answer: its bias is no matter of sampling. 60 sweeps at a nominal 90 %.
    quiet = [fit_isoflop(tiny_sweep(s, budgets, sizes, noise=0.0), cost=TINY_COST, draws=0) for s in range(60)]
    hits, vertex_hits, vertices = 0, 0, 0
    for seed, still in enumerate(quiet):
        fit = fit_isoflop(tiny_sweep(seed, budgets, sizes), cost=TINY_COST, draws=300)
        low, high = fit.intervals["a"]
        hits += low <= still.law.a <= high
        for found, true in zip(fit.budgets, still.budgets, strict=True):
            if found.kept and true.kept:
                vertices += 1
                vertex_hits += found.params_interval[0] <= true.params <= found.params_interval[1]
    assert 0.78 <= hits / 60 <= 1.0
    assert 0.82 <= vertex_hits / vertices <= 0.97


def test_intervals_hold_the_true_optimum_inside_the_data():
    hits = 0
    for seed in range(40):
        fit = fit_isoflop(tiny_sweep(seed, 5, 7), cost=TINY_COST, draws=300)
        low, high = fit.interval(lambda law: law.optimum(8e11, TINY_COST)[0])
        hits += low <= float(TINY.optimum(8e11, TINY_COST)[0]) <= high
    assert hits >= 29


def test_row_order_and_run_names_change_nothing():
    data = tiny_sweep(3)
    order = np.random.default_rng(0).permutation(len(data))
    names = ("N", "D", "C", "loss", "budget", "is_final", "row")
    shuffled = replace(
        data, **{name: getattr(data, name)[order] for name in names}, run_id=tuple(f"x{i * 7 % 31}" for i in order)
    )
    one, other = (fit_isoflop(table, cost=TINY_COST, draws=50) for table in (data, shuffled))
    assert one.exponents == other.exponents
    assert one.intervals == other.intervals
    assert one.budgets == other.budgets


@given(scales=st.tuples(*[st.floats(-3, 3)] * 3), seed=st.integers(0, 50), span=st.sampled_from([2.0, 4.0, 12.0]))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_units_of_parameters_tokens_and_loss_change_nothing(scales, seed, span):
    u, v, w = (10.0**scale for scale in scales)
    data = isoflop_sweep(TRUTHS["hoffmann"], BUDGETS, sizes=9, span=span, noise=0.003, seed=seed)
    moved = replace(
        data, N=u * data.N, D=v * data.D, C=u * v * data.C, loss=w * data.loss, budget=u * v * data.budget
    )  # fmt: skip
    one, other = fit_isoflop(data, draws=50), fit_isoflop(moved, draws=50)
    assert other.exponents == pytest.approx(one.exponents, rel=1e-6)
    assert other.intervals["a"] == pytest.approx(one.intervals["a"], rel=1e-6)
    assert other.optimum(u * v * 1e22)[0] == pytest.approx(u * one.optimum(1e22)[0], rel=1e-6)
    bands = [fit.interval(lambda law, C=C: law.optimum(C)[0]) for fit, C in ((one, 1e22), (other, u * v * 1e22))]
    assert bands[1] == pytest.approx([u * edge for edge in bands[0]], rel=1e-6)
