import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import RefusedError
from isoflop.laws import ComputeCost, published_law
from isoflop.laws.log_quadratic import LogQuadraticLaw

UNEVEN = ComputeCost.from_pairs([(1e6, 1.1e7), (1e8, 7e8), (1e10, 6.2e10)])
laws = st.builds(
    LogQuadraticLaw,
    level=st.floats(0.5, 1.5),
    by_params=st.floats(-0.1, -0.02),
    by_tokens=st.floats(-0.1, -0.02),
    by_params_squared=st.floats(0.002, 0.01),
    by_both=st.floats(-0.002, 0.002),
    by_tokens_squared=st.floats(0.002, 0.01),
    centre=st.just((20.0, 23.0)),
)


def test_it_is_the_quadratic_that_it_says() -> None:
    law = LogQuadraticLaw(
        level=1,
        by_params=-0.1,
        by_tokens=-0.2,
        by_params_squared=0.01,
        by_both=0.03,
        by_tokens_squared=0.02,
        centre=(20, 23),
    )
    # x = 2, y = -1: 1 - .2 + .2 + .04 - .06 + .02
    assert float(law.loss(np.exp(22), np.exp(22))) == pytest.approx(np.exp(1.0), rel=1e-12)


@given(laws, st.floats(1e16, 1e22))
def test_the_optimum_is_the_least_loss_at_six_n(law, C):
    N, D = law.optimum(C)
    around = N * np.geomspace(0.5, 2, 401)
    assert float(law.loss(N, D)) <= float(law.loss(around, C / 6 / around).min()) * (1 + 1e-12)


@given(laws, st.floats(1e16, 1e20))
def test_the_optimum_is_the_least_loss_under_another_cost(law, C):
    N, D = law.optimum(C, UNEVEN)
    around = N * np.geomspace(0.7, 1.4, 4001)
    losses = law.loss(around, UNEVEN.tokens(C, around))
    assert float(law.loss(N, D)) <= float(losses.min()) * (1 + 1e-12)


def test_a_ridge_has_no_optimum() -> None:
    flat = LogQuadraticLaw(
        level=1,
        by_params=-0.1,
        by_tokens=-0.1,
        by_params_squared=0.01,
        by_both=0.03,
        by_tokens_squared=0.01,
        centre=(20, 23),
    )
    with pytest.raises(RefusedError, match="no least loss"):
        flat.optimum(1e20)


def test_next_to_a_smooth_law_it_is_close_inside_and_not_outside() -> None:
    from isoflop.fit.forms.log_quadratic import LogQuadraticProblem
    from isoflop.laws.law import FITTED

    truth = published_law("besiroglu2024")
    N, D = (column.ravel() for column in np.meshgrid(np.geomspace(1e8, 1e10, 9), np.geomspace(1e9, 1e11, 9)))
    problem = LogQuadraticProblem.of(N, D, truth.loss(N, D))
    law = problem.law(problem.fit(np.ones((1, len(N))))[0], FITTED)
    assert np.abs(np.log(law.loss(N, D) / truth.loss(N, D))).max() < 0.02
    assert abs(np.log(law.loss(1e13, 1e14) / truth.loss(1e13, 1e14))) > 0.3


def test_a_nearly_flat_draw_has_a_finite_optimum():
    law = LogQuadraticLaw(
        level=1.0,
        by_params=-0.3,
        by_tokens=-0.2,
        by_params_squared=1e-6,
        by_both=0.0,
        by_tokens_squared=1e-6,
        centre=(20.0, 25.0),
    )
    N, D = law.optimum(1e21)
    assert np.isfinite(N)
    assert np.isfinite(D)
    assert N > 1e100
