import numpy as np
import pytest

from isoflop.fit import fit_isoflop
from isoflop.fit.isoflop.budget_noise import budget_noises
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)
FLOPS = np.geomspace(1e18, 1e21, 7)


def _drawn(noise: np.ndarray, free: int, rng: np.random.Generator) -> np.ndarray:
    return budget_noises(noise**2 * rng.chisquare(free, len(noise)), np.full(len(noise), float(free)), np.log(FLOPS))


def test_equal_noise_is_pooled() -> None:
    rng = np.random.default_rng(0)
    found = np.array([_drawn(np.full(7, 0.005), 5, rng) for _ in range(200)])
    # each budget's own estimate is off by 32 %, the pooled one by 12 %
    assert np.sqrt(np.mean(np.log(found / 0.005) ** 2)) < 0.19
    assert np.median(found) == pytest.approx(0.005, rel=0.04)


def test_noise_that_falls_with_compute_is_found() -> None:
    rng = np.random.default_rng(1)
    truth = np.geomspace(0.012, 0.001, 7)
    found = np.array([_drawn(truth, 5, rng) for _ in range(200)])
    assert np.sqrt(np.mean(np.log(found / truth) ** 2)) < 0.3
    assert np.median(found, axis=0) == pytest.approx(truth, rel=0.15)


def test_one_loud_budget_does_not_speak_for_the_others() -> None:
    rng = np.random.default_rng(2)
    truth = np.array([0.002, 0.002, 0.002, 0.02, 0.002, 0.002, 0.002])
    found = np.median([_drawn(truth, 6, rng) for _ in range(100)], axis=0)
    assert found[3] > 0.01
    assert np.all(np.delete(found, 3) < 0.004)


def test_no_noise_and_two_budgets_are_no_question() -> None:
    assert budget_noises(np.zeros(5), np.full(5, 4.0), np.log(FLOPS[:5])) == pytest.approx(0)
    assert budget_noises(np.array([4e-4, 16e-4]), np.full(2, 4.0), np.log(FLOPS[:2])) == pytest.approx(
        np.sqrt(20e-4 / 8)
    )


def _sweep(noise: np.ndarray, seed: int) -> Observations:
    """Eight sizes within a factor 4 at each of FLOPS, the budgets' losses off by their own `noise`."""
    rng = np.random.default_rng(seed)
    C = np.repeat(FLOPS, 8)
    N = np.concatenate([np.geomspace(best / 4, best * 4, 8) for best in LAW.optimum(FLOPS)[0]])
    loss = LAW.loss(N, C / 6 / N) * np.exp(np.repeat(noise, 8) * rng.standard_normal(len(N)))
    return Observations.from_arrays(N=N, D=C / 6 / N, C=C, loss=loss, budget=C)


@pytest.mark.parametrize("noise", [np.full(7, 0.005), np.geomspace(0.008, 0.0008, 7)], ids=["equal", "falling"])
def test_the_error_of_a_vertex_is_as_large_as_stated(noise: np.ndarray) -> None:
    squares: list[list[float]] = [[] for _ in FLOPS]
    for seed in range(40):
        for vertex in fit_isoflop(_sweep(noise, seed), draws=0).optima:
            error = np.log(vertex.params) - np.log(LAW.optimum(vertex.flops)[0])
            stated = np.hypot(vertex.log_params_se, vertex.asymmetry_se)
            squares[int(np.argmin(np.abs(np.log(FLOPS / vertex.flops))))].append(float((error / stated) ** 2))
    assert min(len(each) for each in squares) > 30
    by_budget = np.array([np.mean(each) for each in squares])
    assert 0.6 < by_budget.mean() < 1.4
    # With one level for all budgets it is above 2 at the first and below .2 at the last, where the noise falls.
    assert np.all((by_budget > 0.4) & (by_budget < 1.8)), by_budget
