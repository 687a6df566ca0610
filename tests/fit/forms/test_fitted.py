import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.errors import RefusedError
from isoflop.fit import fit_parametric
from isoflop.fit.forms.fitted import FittedForms, FormFile
from isoflop.fit.forms.table import FORMS
from isoflop.fit.resampling import percentile_interval
from isoflop.observations import Observations

from ..designs import TRUTHS, isoflop_sweep

TRUTH = TRUTHS["besiroglu"]
BUDGETS = np.geomspace(1e18, 1e21, 5)


def test_the_chinchilla_form_is_that_of_approach_3() -> None:
    data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=0.004)
    fit = fit_parametric(data, draws=0)
    cold, warm = (FittedForms.of(data, 1e-3, start=start).fits() for start in (None, fit.law))
    for fitted in (cold, warm):
        assert fitted["chinchilla"].objective == pytest.approx(fit.objective, rel=1e-9)
        assert fitted["chinchilla"].law.constants() == pytest.approx(fit.law.constants(), rel=1e-4)
        assert fitted["coupled"].objective <= fitted["chinchilla"].objective


def test_the_log_quadratic_finds_its_own_constants_again() -> None:
    from isoflop.laws import LogQuadraticLaw

    data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4)
    centre = (float(np.log(data.N).mean()), float(np.log(data.D).mean()))
    law = LogQuadraticLaw(
        level=1.1,
        by_params=-0.06,
        by_tokens=-0.07,
        by_params_squared=0.006,
        by_both=0.002,
        by_tokens_squared=0.005,
        centre=centre,
    )
    again = Observations.from_arrays(N=data.N, D=data.D, loss=law.loss(data.N, data.D))
    fitted = FittedForms.of(again, 1e-3).fits()["logquadratic"].law
    assert fitted.constants() == {name: pytest.approx(value, rel=1e-6) for name, value in law.constants().items()}


@pytest.mark.parametrize("form", [form.name for form in FORMS])
def test_resamples_surround_the_fit(form):
    data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=0.004, seed=1)
    problems = FittedForms.of(data, 1e-3)
    weights = np.random.default_rng(0).multinomial(40, np.full(40, 1 / 40), 60).astype(float)
    drawn = problems.draws(weights)[form].loss(2e8, 5e9)
    low, high = percentile_interval(drawn, 0.99)
    assert low < float(problems.fits()[form].law.loss(2e8, 5e9)) < high
    assert high / low < 1.03


def test_rows_without_weight_play_no_part() -> None:
    data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=0.004)
    keep = np.arange(40) % 3 > 0
    some = FittedForms.of(data.select(keep), 1e-3).fits()
    weighted = FittedForms.of(data, 1e-3, keep.astype(float)).fits()
    for form in weighted:
        assert float(weighted[form].law.loss(1e9, 1e10)) == pytest.approx(
            float(some[form].law.loss(1e9, 1e10)), rel=1e-5
        )


def test_a_resample_of_few_different_rows_stays_a_number() -> None:
    data = isoflop_sweep(TRUTH, BUDGETS[:3], sizes=4, span=2, noise=0.05, seed=3)
    problems = FittedForms.of(data, 1e-3, start=TRUTH)
    weights = np.zeros((12, 12))
    for row in range(12):
        weights[row, [row, (row + 1) % 12, (row + 5) % 12]] = 4.0
    for form, law in problems.draws(weights).items():
        assert np.all(np.isfinite(law.loss(1e9, 1e10))), form


def test_written_and_read_again() -> None:
    data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4, noise=0.004)
    for fitted in FittedForms.of(data, 1e-3).fits().values():
        again = from_json(FormFile, to_json(fitted), "form").fit()
        assert again.as_json() == fitted.as_json()
        assert float(again.law.loss(1e9, 1e10)) == float(fitted.law.loss(1e9, 1e10))


def test_losses_that_rise_are_refused() -> None:
    data = isoflop_sweep(TRUTH, BUDGETS, sizes=8, span=4)
    rising = Observations.from_arrays(N=data.N, D=data.D, loss=1 / data.loss)
    with pytest.raises(RefusedError, match="do not fall"):
        FittedForms.of(rising, 1e-3)
