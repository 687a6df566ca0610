import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.laws import SIX_N, ComputeCost, RepeatedLaw, published_law

FRESH = published_law("muennighoff2023")
UNEVEN = ComputeCost.from_pairs([(1e6, 1.1e7), (1e8, 7e8), (1e10, 6.2e10)])


@given(st.floats(1e20, 1e24), st.floats(1e9, 1e12), st.sampled_from([SIX_N, UNEVEN]))
def test_the_optimum_is_the_least_loss(C, unique, cost):
    law = RepeatedLaw(fresh=FRESH, unique_tokens=unique)
    N, D = law.optimum(C, cost)
    around = float(N) * np.geomspace(0.6, 1.6, 401)
    assert float(law.loss(N, D)) <= float(law.loss(around, cost.tokens(C, around)).min()) * (1 + 1e-9)
    assert float(D * cost.flops_per_token(N)) == pytest.approx(C, rel=1e-9)


def test_the_authors_own_optimum() -> None:
    # datablations' grid: 1e22 FLOPs on 25e9 unique tokens
    N, D = RepeatedLaw(fresh=FRESH, unique_tokens=25e9).optimum(1e22)
    assert float(D) == pytest.approx(2.37337e11, rel=0.01)
    assert float(N) == pytest.approx(7.02236e9, rel=0.01)


def test_with_text_enough_it_is_the_fresh_law() -> None:
    law = RepeatedLaw(fresh=FRESH, unique_tokens=np.inf)
    assert float(law.loss(1e9, 1e11)) == pytest.approx(float(FRESH.loss(1e9, 1e11)), rel=1e-14)
    assert np.allclose(law.optimum(1e22), FRESH.optimum(1e22))
    assert set(law.constants()) == {"E", "A", "B", "alpha", "beta", "R_tokens", "R_params"}
    assert law.provenance is FRESH.provenance
    assert law.has_loss
