import numpy as np
import pytest

from isoflop.fit.parametric.objective import HuberObjective, expand, expand_at_one, huber, row_shares

from ..designs import TRUTHS, isoflop_sweep

LAW = TRUTHS["hoffmann"]


@pytest.fixture(scope="module")
def problem():
    data = isoflop_sweep(LAW, np.geomspace(1e17, 1e21, 5), sizes=6, noise=0.005)
    return HuberObjective.of(data.N, data.D, data.loss, 1e-3)


@pytest.fixture(scope="module")
def batch(problem):
    rng = np.random.default_rng(1)
    theta = problem.theta(LAW.constants()) + rng.normal(0, 1e-3, (4, 5))
    return theta, rng.integers(0, 3, size=(4, len(problem.x))).astype(float)


def test_huber_is_a_square_then_a_line():
    r = np.array([[-3e-3, -5e-4, 0.0, 1e-3, 2.0]])
    expected = [1e-3 * (3e-3 - 5e-4), 0.5 * 25e-8, 0.0, 0.5e-6, 1e-3 * (2.0 - 5e-4)]
    for i, value in enumerate(expected):
        assert huber(r, 1e-3, np.eye(5)[i][None])[0] == pytest.approx(value, rel=1e-14)
    assert huber(r, 1e-3, np.ones((1, 5)))[0] == pytest.approx(sum(expected), rel=1e-14)


def test_the_objective_is_a_sum_and_no_mean(problem):
    # Hoffmann et al. 2022 averaged it: at usual tolerances L-BFGS-B then stops early (Besiroglu et al. 2024)
    theta = problem.theta(LAW.constants())[None]
    twice = problem.rows(np.tile(np.arange(len(problem.x)), 2))
    once = problem.value(theta, np.ones((1, len(problem.x))))
    assert twice.value(theta, np.ones((1, len(twice.x)))) == pytest.approx(2 * once, rel=1e-12)


def test_constants_and_theta_are_inverses(problem):
    constants = LAW.constants()
    back = problem.constants(problem.theta(constants))
    assert {name: float(value) for name, value in back.items()} == pytest.approx(constants, rel=1e-12)


def test_the_objective_is_the_published_one(problem):
    data = isoflop_sweep(LAW, np.geomspace(1e17, 1e21, 5), sizes=6, noise=0.005)
    terms = [np.log(406.4) - 0.34 * np.log(data.N), np.log(410.7) - 0.28 * np.log(data.D), np.full(30, np.log(1.69))]
    r = np.abs(np.logaddexp.reduce(terms) - np.log(data.loss))
    expected = np.where(r <= 1e-3, r**2 / 2, 1e-3 * (r - 0.5e-3)).sum()
    assert problem.value(problem.theta(LAW.constants())[None], np.ones((1, 30)))[0] == pytest.approx(expected, rel=1e-9)


def test_derivatives_are_those_of_the_objective(problem, batch):
    theta, weights = batch
    found = expand(problem, theta, weights)
    assert found.value == pytest.approx(problem.value(theta, weights), rel=1e-12)
    h = 1e-7
    for k in range(5):
        step = np.eye(5)[k] * h
        up, down = problem.value(theta + step, weights), problem.value(theta - step, weights)
        assert found.gradient[:, k] == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-8)
        g_up, g_down = (expand(problem, theta + sign * step, weights).gradient for sign in (1, -1))
        assert found.hessian[:, k] == pytest.approx((g_up - g_down) / (2 * h), rel=1e-3, abs=1e-4)


def test_gauss_newton_is_least_squares_where_every_residual_is_inside(problem, batch):
    theta, weights = batch
    wide = HuberObjective(x=problem.x, y=problem.y, z=problem.z, x_mean=0.0, y_mean=0.0, delta=10.0)
    h, jacobian = 1e-6, np.empty((4, 5, len(problem.x)))
    for k in range(5):
        step = np.eye(5)[k] * h
        jacobian[:, k] = (wide.residuals(theta + step) - wide.residuals(theta - step)) / (2 * h)
    expected = np.einsum("bin,bn,bjn->bij", jacobian, weights, jacobian)
    assert expand(wide, theta, weights).gauss == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert np.all(np.linalg.eigvalsh(expand(problem, theta, weights).gauss) > 0)


def test_rows_add_up_to_the_expansion(problem, batch):
    theta, weights = batch
    each = expand(problem, np.repeat(theta[:1], 4, axis=0), weights)
    at_one = expand_at_one(problem, theta[0], weights)
    assert at_one.packed == pytest.approx(each.packed, rel=1e-9, abs=1e-12)
    shares = row_shares(problem, theta[0])
    assert shares.shape == (len(problem.x), 56)
    alone = expand(problem, theta[:1], np.eye(len(problem.x))[3:4])
    assert shares[3] == pytest.approx(alone.packed[0], rel=1e-9, abs=1e-15)


def test_a_law_that_overflows_has_no_finite_value(problem):
    theta = problem.theta(LAW.constants())[None] + np.array([[0.0, 900.0, 0.0, 0.0, 0.0]])
    assert not np.isfinite(expand(problem, theta, np.ones((1, len(problem.x)))).value[0])


def test_a_problem_of_some_rows_keeps_its_coordinates(problem):
    part = problem.rows(np.array([4, 9, 2]))
    theta = problem.theta(LAW.constants())
    assert part.residuals(theta) == pytest.approx(problem.residuals(theta)[[4, 9, 2]], rel=1e-14)
    assert part.constants(theta) == pytest.approx(problem.constants(theta))
