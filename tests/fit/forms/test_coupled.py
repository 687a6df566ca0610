import numpy as np
import pytest

from isoflop.fit.forms.coupled import fit_coupled, jacobian, residuals
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.forms.table import CHINCHILLA
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.laws import ChinchillaLaw
from isoflop.laws.coupled import CoupledLaw

from ..designs import TRUTHS, figure_rows, isoflop_sweep

COUPLED = [
    CoupledLaw(E=1.7, A=60.0, B=120.0, alpha=0.28, beta=0.3, gamma=1.3),
    CoupledLaw(E=1.757, A=2305.0, B=9957.0, alpha=0.4244, beta=0.4305, gamma=0.774),
    CoupledLaw(E=1.2, A=4000.0, B=6000.0, alpha=0.5, beta=0.45, gamma=0.5),
]


def _sweep(law, noise=0.0, seed=0):
    inside = ChinchillaLaw(E=0, A=law.A, B=law.B, alpha=law.alpha, beta=law.beta)
    return isoflop_sweep(inside, np.geomspace(1e18, 1e22, 5), surface=law.loss, noise=noise, seed=seed)


@pytest.mark.parametrize("law", COUPLED, ids=["1.3", "0.774", "0.5"])
def test_it_finds_its_own_constants_again(law):
    constants = FittedForms.of(_sweep(law), 1e-3).fits()["coupled"].law.constants()
    assert constants == {name: pytest.approx(value, rel=1e-6) for name, value in law.constants().items()}


@pytest.mark.parametrize("name", sorted(TRUTHS))
def test_of_chinchilla_data_gamma_is_one(name):
    data = isoflop_sweep(TRUTHS[name], np.geomspace(1e18, 1e22, 5))
    constants = FittedForms.of(data, 1e-3).fits()["coupled"].law.constants()
    assert constants["gamma"] == pytest.approx(1, abs=1e-6)
    assert constants["alpha"] == pytest.approx(TRUTHS[name].alpha, rel=1e-6)


def test_its_slopes_are_those_of_its_residuals() -> None:
    data = _sweep(COUPLED[0])
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    theta = np.array([[0.5, -0.7, -0.8, 0.3, 0.35, -0.3]])
    steps = 1e-6 * np.eye(6)
    slopes = [(residuals(problem, theta + h) - residuals(problem, theta - h))[0] / 2e-6 for h in steps]
    assert np.allclose(jacobian(problem, theta)[0], slopes, rtol=1e-6, atol=1e-9)


def test_of_the_published_figure_it_fits_better_than_its_special_case() -> None:
    # 240 points of Hoffmann et al., Figure 4; F of the Chinchilla form is that of Besiroglu et al.'s data.
    problems = FittedForms.of(figure_rows(240), 1e-3)
    assert problems.values["chinchilla"] == pytest.approx(0.0010182740178, rel=1e-9)
    assert problems.values["coupled"] < 0.00096
    assert float(np.asarray(problems.fits()["coupled"].law.gamma)) == pytest.approx(0.774, abs=0.01)


def test_resamples_end_at_the_optimum_wherever_they_start() -> None:
    data = _sweep(COUPLED[1], noise=0.005)
    problem = HuberObjective.of(data.N, data.D, data.loss, 1e-3)
    first = FittedForms.of(data, 1e-3)
    weights = np.random.default_rng(0).multinomial(len(data), np.full(len(data), 1 / len(data)), 20).astype(float)
    starts = CHINCHILLA.refit(first.rows, first.best["chinchilla"], first.best["chinchilla"], weights)
    warm = fit_coupled(problem, starts, weights, first.best["coupled"])[1]
    cold = fit_coupled(problem, np.repeat(first.best["chinchilla"], 20, axis=0), weights)[1]
    assert np.all(warm <= cold * (1 + 1e-3))
