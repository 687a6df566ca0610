import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit.precision import log_params_se

from .designs import TRUTHS, isoflop_sweep

LAW = TRUTHS["besiroglu"]


@pytest.mark.parametrize(("span", "se"), [(2, 0.172), (4, 0.088), (8, 0.061)])
def test_wider_sweeps_promise_smaller_errors(span, se):
    # Five budgets 1e18 to 1e21, eight sizes, .5 % noise: ln N_opt at 1e23.
    data = isoflop_sweep(LAW, np.geomspace(1e18, 1e21, 5), sizes=8, span=span)
    assert log_params_se(LAW, data.N, data.D, noise=0.005, flops=1e23) == pytest.approx(se, abs=0.003)


def test_the_gradient_is_that_of_the_law():
    data = isoflop_sweep(LAW, np.geomspace(1e18, 1e21, 4), sizes=6, span=4)
    theta = np.array([np.log(LAW.A), np.log(LAW.B), np.log(LAW.E), LAW.alpha, LAW.beta])

    def law_of(values):
        A, B, E, alpha, beta = values
        return type(LAW)(A=np.exp(A), B=np.exp(B), E=np.exp(E), alpha=alpha, beta=beta)

    steps = 1e-5 * np.eye(5)
    jacobian = [np.log(law_of(theta + h).loss(data.N, data.D) / law_of(theta - h).loss(data.N, data.D)) for h in steps]
    gradient = [np.log(law_of(theta + h).optimum(1e23)[0] / law_of(theta - h).optimum(1e23)[0]) for h in steps]
    J, g = np.array(jacobian).T / 2e-5, np.array(gradient) / 2e-5
    expected = 0.01 * np.sqrt(g @ np.linalg.solve(J.T @ J, g))
    assert log_params_se(LAW, data.N, data.D, noise=0.01, flops=1e23) == pytest.approx(expected, rel=1e-3)


def test_one_budget_and_one_ratio_promise_nothing():
    N = np.geomspace(1e8, 1e10, 10)
    for D in (20 * N, np.full(10, 1e10)):
        with pytest.raises(RefusedError) as caught:
            log_params_se(LAW, N, D, noise=0.005, flops=1e23)
        assert caught.value.code == "not_identified"
