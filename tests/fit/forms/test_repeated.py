from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import RefusedError
from isoflop.fit import FitReport, fit_all, fit_parametric
from isoflop.fit.forms.repeated import fit_repeated
from isoflop.laws import ChinchillaLaw, RepeatedLaw, published_law, repeated_loss
from isoflop.observations import Observations

FRESH = published_law("muennighoff2023")


def _runs(law, unique, noise=0.0, seed=0):
    """Sizes and horizons of the data-constrained experiments: up to sixty epochs, small and large models."""
    N, D = (column.ravel() for column in np.meshgrid(np.geomspace(5e7, 8e9, 8), np.geomspace(1e9, 2e11, 8)))
    U = np.resize(unique, len(N))
    values = repeated_loss(law.fresh, N, D, U, law.R_tokens, law.R_params)
    noisy = values * np.exp(np.random.default_rng(seed).normal(0, noise, len(N)))
    return replace(Observations.from_arrays(N=N, D=D, loss=noisy), unique_tokens=U)


def _start(data):
    law = fit_parametric(data, draws=0).law
    assert isinstance(law, ChinchillaLaw)
    return law


@pytest.mark.parametrize(("R_tokens", "R_params"), [(15.387756, 5.309743), (6.0, 9.0)])
def test_it_finds_its_own_constants_again(R_tokens, R_params):
    truth = RepeatedLaw(fresh=FRESH, unique_tokens=np.inf, R_tokens=R_tokens, R_params=R_params)
    data = _runs(truth, np.array([4e9, 12e9, 1e12]))
    again = fit_repeated(data, _start(data), 1e-3)
    assert again.law.constants() == {name: pytest.approx(value, rel=1e-6) for name, value in truth.constants().items()}
    assert again.objective < 1e-15
    assert again.residual_sd < 1e-7


def test_with_noise_it_comes_close() -> None:
    truth = RepeatedLaw(fresh=FRESH, unique_tokens=np.inf)
    data = _runs(truth, np.array([4e9, 12e9, 1e12]), noise=0.003)
    law = fit_repeated(data, _start(data), 1e-3).law
    assert float(law.R_tokens) == pytest.approx(15.39, rel=0.25)
    assert float(law.R_params) == pytest.approx(5.31, rel=0.35)


def test_where_nothing_is_repeated_it_refuses() -> None:
    data = _runs(RepeatedLaw(fresh=FRESH, unique_tokens=np.inf), np.array([1e12]))
    with pytest.raises(RefusedError, match="0 of 64 runs") as refused:
        fit_repeated(data, _start(data), 1e-3)
    assert refused.value.code == "nothing_repeated"


def test_the_report_has_it_where_runs_state_their_different_tokens(tmp_path):
    truth = RepeatedLaw(fresh=FRESH, unique_tokens=np.inf)
    data = _runs(truth, np.array([4e9, 12e9, 1e12]), noise=0.002)
    report = fit_all(data, draws=0)
    again = report.forms[-1]
    assert again.form.name == "repeated"
    assert again.residual_sd < 0.5 * report.forms[0].residual_sd
    assert FitReport.load(report.save(tmp_path / "fit.json")).as_json() == report.as_json()
    assert report.as_json()["forms"][-1]["backtest"] == []
    fresh = fit_all(_runs(truth, np.array([1e12]), noise=0.002), draws=0)
    assert "nothing_repeated" in {notice.code for notice in fresh.parametric.notices}
    assert len(fresh.forms) == 3
