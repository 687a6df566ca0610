import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.codec import from_json, to_json
from isoflop.errors import InputError, RefusedError
from isoflop.laws import (
    SIX_N,
    ChinchillaLaw,
    ComputeCost,
    compute_for_loss,
    compute_for_params,
    lifetime_optimum,
    published_law,
    wasted_compute,
)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "laws.json").read_text())
HOFFMANN = published_law("hoffmann2022-3-rounded")
BESIROGLU = published_law("besiroglu2024")
laws = st.builds(
    ChinchillaLaw,
    E=st.floats(0.5, 2),
    A=st.floats(50, 1000),
    B=st.floats(50, 5000),
    alpha=st.floats(0.2, 0.6),
    beta=st.floats(0.2, 0.6),
)


@given(laws, st.floats(1e17, 1e25), st.floats(0.5, 2))
def test_no_other_size_beats_the_optimum(law, C, factor):
    N, D = law.optimum(C)
    assert float(6 * N * D) == pytest.approx(C, rel=1e-9)
    assert float(law.loss(N * factor, D / factor)) >= float(law.loss(N, D)) * (1 - 1e-12)


@given(laws, st.floats(1e17, 1e25))
def test_knots_on_six_n_give_the_closed_form(law, C):
    cost = ComputeCost(params=(1e6, 1e9, 1e12), flops=(6e6, 6e9, 6e12))
    closed, solved = law.optimum(C), law.optimum(C, cost)
    assert np.allclose(closed, solved, rtol=1e-9)


@pytest.mark.parametrize("C", [1e11, 1e12, 1e14])
def test_the_optimum_under_an_uneven_cost_is_one(C):
    law = ChinchillaLaw(E=1.1, A=46.6, B=50.7, alpha=0.5, beta=0.33)
    sizes = np.geomspace(1e3, 1e7, 30)
    cost = ComputeCost.from_pairs(zip(sizes, 6 * sizes + 1200 * np.sqrt(sizes), strict=True))
    N, D = law.optimum(C, cost)
    around = N * np.geomspace(0.8, 1.25, 2001)
    losses = law.loss(around, cost.tokens(C, around))
    assert float(around[losses.argmin()]) == pytest.approx(float(N), rel=1e-3)
    assert float(D * cost.flops_per_token(N)) == pytest.approx(C, rel=1e-12)


def test_the_local_exponent_under_a_power_law_cost_is_beta_over_alpha_plus_k_beta() -> None:
    law = ChinchillaLaw(E=1.1, A=46.6, B=50.7, alpha=0.5, beta=0.33)
    k = 0.7
    cost = ComputeCost(params=(1e3, 1e5, 1e7), flops=tuple(300 * n**k for n in (1e3, 1e5, 1e7)))
    a, b = law.frontier_exponents(1e12, cost)
    assert float(a) == pytest.approx(0.33 / (0.5 + k * 0.33), rel=1e-9)
    assert float(b) == pytest.approx(1 - k * float(a), rel=1e-9)
    N, _ = law.optimum(1e12, cost)
    # [(alpha A)/(k beta B) (C/kappa)^beta]^(1/(alpha + k beta))
    closed = (0.5 * 46.6 / (k * 0.33 * 50.7) * (1e12 / 300) ** 0.33) ** (1 / (0.5 + k * 0.33))
    assert float(N) == pytest.approx(closed, rel=1e-9)


def test_draws_are_laws_too() -> None:
    law = ChinchillaLaw(E=np.array([1.69, 1.8172]), A=np.array([406.4, 482.01]), B=np.array([410.7, 2085.43]),
                        alpha=np.array([0.34, 0.3478]), beta=np.array([0.28, 0.3658]))  # fmt: skip
    N, _ = law.optimum(5.76e23)
    single = [float(law.optimum(5.76e23)[0]) for law in (HOFFMANN, BESIROGLU)]
    assert N.tolist() == pytest.approx(single)


def test_slopes_are_the_derivatives() -> None:
    by_size, by_tokens = BESIROGLU.slopes(7e10, 1.4e12)
    h = 1e-5
    size = (BESIROGLU.loss(7e10 * np.exp(h), 1.4e12) - BESIROGLU.loss(7e10 * np.exp(-h), 1.4e12)) / (2 * h)
    tokens = (BESIROGLU.loss(7e10, 1.4e12 * np.exp(h)) - BESIROGLU.loss(7e10, 1.4e12 * np.exp(-h))) / (2 * h)
    assert float(by_size) == pytest.approx(float(size), rel=1e-6)
    assert float(by_tokens) == pytest.approx(float(tokens), rel=1e-6)


@given(laws, st.floats(0.3, 3))
def test_an_optimal_run_reaches_the_same_loss_without_the_waste(law, m):
    C = 1e21
    N, D = law.optimum(C)
    w = float(wasted_compute(law, m))
    assert float(law.frontier_loss(C * (1 - w))) == pytest.approx(float(law.loss(N / m, D * m)), rel=1e-9)


@pytest.mark.parametrize("x", [0.05, 0.15, 0.25])
def test_the_waste_identity(x):
    # w = 1 - exp(-(alpha+beta)/2 x^2), to .1 point within a quarter in ln N
    for law in (HOFFMANN, BESIROGLU):
        expected = 1 - np.exp(-(law.alpha + law.beta) / 2 * x**2)
        assert float(wasted_compute(law, np.exp(x))) == pytest.approx(expected, abs=1e-3)
        assert float(wasted_compute(law, 2.0)) == pytest.approx(0.15, abs=0.012)


def test_inference_demand_moves_the_optimum_to_smaller_models() -> None:
    # Sardana et al. 2024: the quality of a compute-optimal 13B model, 2e12 inference tokens, exponents .336 and .283.
    law = ChinchillaLaw(E=1.69, A=406.4, B=410.7, alpha=0.336, beta=0.283)
    D = ((law.alpha * law.A * 13e9**-law.alpha) / (law.beta * law.B)) ** (-1 / law.beta)
    best = lifetime_optimum(law, float(law.loss(13e9, D)), 2e12)
    assert best.params == pytest.approx(6.97e9, rel=0.01)
    assert best.tokens == pytest.approx(1.25e12, rel=0.01)
    assert best.saving == pytest.approx(0.174, abs=0.003)


@pytest.mark.parametrize("row", GOLDEN["lifetimes"], ids=lambda row: f"{row[0]}, {row[2]:g}")
def test_inference_demand_matches_golden_optima(row):
    name, loss, served, params, tokens, flops, without = row
    law = published_law(name)
    assert float(law.loss(70e9, 1.4e12)) == pytest.approx(loss, abs=6e-10)
    best = lifetime_optimum(law, float(law.loss(70e9, 1.4e12)), served)
    assert (best.params, best.tokens, best.flops, best.flops_without) == pytest.approx(
        (params, tokens, flops, without), rel=6e-7
    )


@given(laws, st.floats(1e8, 1e13))
def test_compute_for_params_inverts_the_frontier(law, N):
    assert float(law.optimum(compute_for_params(law, N))[0]) == pytest.approx(N, rel=1e-9)


def test_compute_for_params_of_a_power_law() -> None:
    # Hoffmann et al. 2022, Table 3: 280 billion at 9.90e24
    assert compute_for_params(published_law("hoffmann2022-1"), 280e9) == pytest.approx(9.90e24, rel=1e-3)


@given(laws, st.floats(1e18, 1e24))
def test_compute_for_loss_inverts_the_frontier(law, C):
    assert compute_for_loss(law, float(law.frontier_loss(C))) == pytest.approx(C, rel=1e-6)


def test_no_compute_reaches_the_floor() -> None:
    with pytest.raises(RefusedError, match="floor"):
        compute_for_loss(BESIROGLU, 1.8)


def test_a_law_without_falling_terms_has_no_optimum() -> None:
    with pytest.raises(RefusedError):
        ChinchillaLaw(E=1, A=1, B=1, alpha=-0.1, beta=0.3).optimum(1e20)


def test_costs_refuse_what_is_no_cost() -> None:
    with pytest.raises(InputError):
        ComputeCost.from_pairs([(1e6, 6e6)])
    with pytest.raises(InputError):
        ComputeCost.from_pairs([(1e6, 6e6), (1e7, -1)])
    with pytest.raises(InputError):
        ComputeCost(params=(2.0, 1.0), flops=(1.0, 2.0))


@given(st.lists(st.tuples(st.floats(1e3, 1e9), st.floats(0.7, 1.4)), min_size=2, max_size=40))
def test_costs_rise_with_size_whatever_the_shapes(pairs):
    if len({n for n, _ in pairs}) < 2 or max(n for n, _ in pairs) < 4 * min(n for n, _ in pairs):
        return
    cost = ComputeCost.from_pairs([(n, 6 * n * wobble) for n, wobble in pairs])
    at = cost.flops_per_token(np.geomspace(1e2, 1e10, 300))
    assert np.all(np.diff(at) > 0)
    assert from_json(ComputeCost, to_json(cost), "cost") == cost
    assert SIX_N.is_six_n


def test_cost_passes_its_knots_and_goes_on_below_them() -> None:
    cost = ComputeCost(params=(1e4, 1e5, 1e6), flops=(2e5, 9e5, 7e6))
    assert cost.flops_per_token([1e4, 1e5, 1e6]) == pytest.approx([2e5, 9e5, 7e6])
    k = float(cost.exponent(1e3))
    assert float(cost.flops_per_token(1e3)) == pytest.approx(2e5 / 10**k)
