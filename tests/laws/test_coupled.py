import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import RefusedError
from isoflop.laws import ComputeCost, published_law
from isoflop.laws.coupled import CoupledLaw

laws = st.builds(
    CoupledLaw,
    E=st.floats(0, 2),
    A=st.floats(50, 5000),
    B=st.floats(50, 5000),
    alpha=st.floats(0.2, 0.6),
    beta=st.floats(0.2, 0.6),
    gamma=st.floats(0.3, 2),
)
UNEVEN = ComputeCost.from_pairs([(1e6, 1.1e7), (1e8, 7e8), (1e10, 6.2e10)])


@given(st.floats(1e6, 1e12), st.floats(1e8, 1e13))
def test_at_gamma_one_it_is_the_chinchilla_law(N, D):
    law = published_law("besiroglu2024")
    assert float(CoupledLaw(**law.constants(), gamma=1.0).loss(N, D)) == pytest.approx(float(law.loss(N, D)), rel=1e-14)


@pytest.mark.parametrize(("N", "D", "loss"), [(175e9, 300e9, 1.660957), (1.5e9, 22e9, 2.312548)])
def test_kaplans_law_is_of_this_form(N, D, loss):
    # Kaplan et al. 2020, Eq. 1.5, with the constants of its Table 2
    power = 0.076 / 0.103
    law = CoupledLaw(E=0, A=6.4e13**power, B=1.8e13, alpha=power, beta=1, gamma=0.103)
    assert float(law.loss(N, D)) == pytest.approx(loss, abs=5e-7)


@given(laws, st.floats(1e18, 1e24))
def test_the_optimum_is_the_least_loss_at_six_n(law, C):
    N = float(law.optimum(C)[0])
    around = N * np.geomspace(0.8, 1.25, 201)
    assert float(law.loss(N, C / 6 / N)) <= float(law.loss(around, C / 6 / around).min()) * (1 + 1e-12)


@pytest.mark.parametrize("C", [1e17, 1e20])
def test_the_optimum_is_the_least_loss_under_another_cost(C):
    law = CoupledLaw(E=1.7, A=500, B=900, alpha=0.4, beta=0.38, gamma=0.8)
    N, D = law.optimum(C, UNEVEN)
    around = N * np.geomspace(0.8, 1.25, 2001)
    losses = law.loss(around, UNEVEN.tokens(C, around))
    assert float(around[losses.argmin()]) == pytest.approx(float(N), rel=1e-3)
    assert float(D * UNEVEN.flops_per_token(N)) == pytest.approx(C, rel=1e-12)


def test_draws_broadcast_and_can_be_chosen() -> None:
    law = CoupledLaw(**{name: np.array([0.5, 0.6, 0.7]) for name in ("E", "A", "B", "alpha", "beta", "gamma")})
    assert law.loss(1e9, 1e10).shape == (3,)
    assert law.draw([0, 2]).loss(1e9, 1e10).tolist() == law.loss(1e9, 1e10)[[0, 2]].tolist()


def test_what_has_no_optimum_is_refused() -> None:
    with pytest.raises(RefusedError, match="optimum"):
        CoupledLaw(E=1, A=-4, B=9, alpha=0.3, beta=0.3, gamma=1).optimum(1e20)
