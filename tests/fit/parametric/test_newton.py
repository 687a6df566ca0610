import numpy as np
import pytest
from scipy.optimize import minimize

from isoflop.fit.parametric import newton
from isoflop.fit.parametric.multistart import spread_starts
from isoflop.fit.parametric.newton import RESAMPLE, TIGHT, minimise
from isoflop.fit.parametric.objective import HuberObjective, expand

from ..designs import TRUTHS, isoflop_sweep

BUDGETS = np.geomspace(1e17, 1e21, 5)


def problem_of(name="besiroglu", sizes=8, noise=0.005, seed=3, delta=1e-3):
    data = isoflop_sweep(TRUTHS[name], BUDGETS, sizes=sizes, noise=noise, seed=seed)
    return HuberObjective.of(data.N, data.D, data.loss, delta)


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("delta", [1e-3, 1e-2, 10.0])
def test_scipy_finds_nothing_better(name, delta):
    problem = problem_of(name, delta=delta)
    ones = np.ones((1, 40))
    ends = minimise(problem, spread_starts(problem)[:8], ones)
    best = int(np.argmin(ends.value))
    scale = 1 / ends.value[best]

    def objective(theta):
        found = expand(problem, theta[None], ones)
        return scale * float(found.value[0]), scale * found.gradient[0]

    rng = np.random.default_rng(0)
    for _ in range(3):
        found = minimize(objective, ends.theta[best] + rng.normal(0, 0.02, 5), jac=True, method="BFGS", tol=1e-10)
        assert found.fun >= 1 - 1e-9
    assert ends.gradient[best] < 1e-8


def test_the_group_stays_full_and_every_member_gets_its_own_end(monkeypatch):
    problem = problem_of()
    starts = np.repeat(spread_starts(problem)[:6], 5, axis=0)
    weights = np.random.default_rng(0).integers(0, 3, size=(30, 40)).astype(float)
    together = minimise(problem, starts, weights)
    for size in (1, 3, 7):
        monkeypatch.setattr(newton, "_CHUNK_CELLS", size * 40)
        apart = minimise(problem, starts, weights)
        assert apart.theta == pytest.approx(together.theta, rel=1e-5, abs=1e-6)
        assert apart.value == pytest.approx(together.value, rel=1e-10)
        assert np.all(apart.steps > 0)


def test_a_known_expansion_saves_the_first_evaluation():
    problem = problem_of()
    starts = spread_starts(problem)[:4]
    ones = np.ones((1, 40))
    unknown = minimise(problem, starts, ones)
    known = minimise(problem, starts, ones, TIGHT, expand(problem, starts, ones))
    assert np.array_equal(known.steps, unknown.steps)
    assert known.theta == pytest.approx(unknown.theta, rel=1e-12)


def test_a_looser_tolerance_takes_fewer_steps_to_nearly_the_same_place():
    problem = problem_of()
    starts = spread_starts(problem)[:8]
    ones = np.ones((1, 40))
    tight, loose = minimise(problem, starts, ones), minimise(problem, starts, ones, RESAMPLE)
    assert np.all(loose.steps <= tight.steps)
    assert loose.value == pytest.approx(tight.value, rel=1e-8)


def test_a_member_that_meets_its_place_goes_no_further():
    problem = problem_of()
    starts = spread_starts(problem)[:6]
    ones = np.ones((1, 40))
    free = minimise(problem, starts, ones)
    places, radius = np.repeat(free.theta[:1], 6, axis=0), np.full(5, 0.05)
    places[5] += 100.0  # never met: goes to its own end
    met = minimise(problem, starts, ones, TIGHT, meeting=(places, radius))
    assert np.all(np.abs(met.theta[:5] - places[:5]) < radius)
    assert np.all(met.steps[:5] < free.steps[:5])
    assert met.theta[5] == pytest.approx(free.theta[5], rel=1e-9)


def test_a_start_where_nothing_is_finite_stays_and_says_so():
    problem = problem_of()
    wild = spread_starts(problem)[:2] + np.array([[0.0] * 5, [0.0, 2000.0, 0.0, 0.0, 0.0]])
    ends = minimise(problem, wild, np.ones((1, 40)))
    assert np.isfinite(ends.value[0])
    assert ends.value[1] == np.inf


def test_a_term_that_vanishes_ends_at_a_tiny_value():
    # No floor at all: ln E runs to its lower limit instead of minus infinity.
    data = isoflop_sweep(TRUTHS["besiroglu"], BUDGETS, sizes=8)
    bare = HuberObjective.of(data.N, data.D, 400 * data.N**-0.3 + 900 * data.D**-0.3, 1e-3)
    ends = minimise(bare, spread_starts(bare)[:8], np.ones((1, 40)))
    best = bare.constants(ends.theta[int(np.argmin(ends.value))])
    assert float(best["E"]) < 1e-4
    assert float(best["alpha"]) == pytest.approx(0.3, abs=1e-3)
