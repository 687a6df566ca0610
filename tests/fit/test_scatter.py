"""A fit about which the runs scatter by more than ten times the compute is worth is none, whatever its form."""

import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit import fit_all
from isoflop.fit.preconditions import refuse_scatter
from isoflop.laws import ChinchillaLaw
from isoflop.observations import Observations

LAW = ChinchillaLaw(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


def table(noise, budgets=5, sizes=7):
    C = np.repeat(np.geomspace(1e18, 1e21, budgets), sizes)
    N = np.sqrt(C / 120) * np.tile(np.geomspace(0.2, 5, sizes), budgets)
    drawn = np.random.default_rng(1).standard_normal(len(N))
    return Observations.from_arrays(
        N=N, D=C / (6 * N), loss=np.asarray(LAW.loss(N, C / (6 * N))) * np.exp(noise * drawn)
    )


def test_the_worst_rows_are_named():
    with pytest.raises(
        RefusedError, match=r"scatter by 118 % about a law, .* row 3 by \+171 %, row 1 by -10 %"
    ) as caught:
        refuse_scatter(1.18, "a law", np.array([1, 2, 3]), np.log([0.9, 1.01, 2.71]))
    assert caught.value.code == "poor_fit"
    refuse_scatter(0.1, "a law")


@pytest.mark.parametrize("noise", [0.001, 0.01, 0.03, 0.08])
def test_honest_noise_is_fitted(noise):
    report = fit_all(table(noise), draws=0)
    assert report.parametric.ok
    assert report.parametric.residual_sd == pytest.approx(noise, rel=0.4)


def test_noise_that_drowns_the_law_is_refused_by_every_approach():
    report = fit_all(table(0.6), draws=0)
    assert not any(fit.ok for fit in report.fits.values())
    assert report.parametric.code in ("poor_fit", "loss_does_not_fall")


def test_few_rows_of_which_one_diverged_are_refused():
    """Nine rows are too few to know which one is wrong, and the law through all of them is no law."""
    N = np.repeat([5e7, 2e8, 8e8], 3)
    D = N * np.tile([10, 40, 160], 3)
    loss = np.asarray(LAW.loss(N, D))
    loss[4] = 10.8
    fit = fit_all(Observations.from_arrays(N=N, D=D, loss=loss), draws=0).parametric
    assert (fit.status, fit.code) == ("refused", "poor_fit")
    assert "row 5" in fit.reason
