from dataclasses import replace

import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.fit.forecast.error_model import PUBLIC, ErrorModel, RunNoise, bias_distance, fit_error_model
from isoflop.fit.forecast.past_forecast import PastForecast


def _past(
    errors: dict[str, float],
    factor: float = 10.0,
    sd: float = 0.001,
    share: float = 1.0,
    span: float = float(np.exp(6.0)),
) -> PastForecast:
    return PastForecast(
        origin_flops=1e20, target_flops=1e20 * factor, errors=errors, variance=sd**2, share=share, span=span
    )


def _all(error: float) -> dict[str, float]:
    return dict.fromkeys(PUBLIC.weights, error)


def test_without_a_past_it_is_the_prior() -> None:
    model = fit_error_model(())
    assert model.weights == pytest.approx(PUBLIC.weights)
    assert model.form_error == pytest.approx(PUBLIC.error)
    assert model.dof == PUBLIC.count + 1
    assert (model.bias, model.bias_sd) == pytest.approx((PUBLIC.bias, PUBLIC.bias_sd))


def test_forms_that_erred_lose_weight() -> None:
    past = (_past({"chinchilla": 0.06, "coupled": 0.002, "logquadratic": 0.03}),)
    model = fit_error_model(past * 3)
    assert sum(model.weights.values()) == pytest.approx(1)
    assert model.weights["coupled"] > 0.9
    assert model.weights["chinchilla"] < 0.05
    assert model.mixed(past[0].errors) == pytest.approx(sum(model.weights[k] * v for k, v in past[0].errors.items()))


def test_one_wild_error_decides_nothing() -> None:
    unbiased = replace(PUBLIC, bias=0.0, bias_sd=1e-9)
    wild = fit_error_model((_past({"chinchilla": 0.01, "coupled": 5.0, "logquadratic": 0.01}),), unbiased).weights
    bad = fit_error_model((_past({"chinchilla": 0.01, "coupled": 0.5, "logquadratic": 0.01}),), unbiased).weights
    # Student's tail: ten times the error is 10^4 less weight, where the normal's would be e^-40000
    assert bad["coupled"] / wild["coupled"] == pytest.approx(1e4, rel=0.05)


def test_the_error_of_form_is_that_of_the_past_in_the_long_run() -> None:
    rng = np.random.default_rng(0)
    for scale in (0.002, 0.02):
        past = tuple(_past(_all(rng.normal(0, scale * np.log(f))), factor=f, sd=1e-5) for f in rng.uniform(2, 30, 1000))
        assert fit_error_model(past).form_error == pytest.approx(scale, rel=0.15)


def test_a_bias_of_the_past_is_learnt_and_is_no_error_of_form() -> None:
    rng = np.random.default_rng(1)
    past = tuple(
        _past(_all(0.015 * float(bias_distance(np.log(f))) + rng.normal(0, 0.001)), factor=f, sd=0.001)
        for f in rng.uniform(2, 30, 200)
    )
    model = fit_error_model(past)
    assert model.bias == pytest.approx(0.015, abs=0.0005)
    assert model.bias_sd < 0.0005
    assert model.form_error < 0.3 * PUBLIC.error
    alone = fit_error_model(past[:1])  # one forecast moves it part of the way
    assert PUBLIC.bias < alone.bias < 0.0145
    assert 0 < model.bias_sd < alone.bias_sd < PUBLIC.bias_sd


def test_the_bias_grows_faster_than_the_distance_as_far_as_was_seen() -> None:
    near, tenfold, seen, far = bias_distance(np.log([2.0, 10.0, 30.0, 900.0]))
    assert tenfold == pytest.approx(np.log(10))
    assert near / np.log(2) < 0.6 < 1 < seen / np.log(30)
    assert far == pytest.approx(2 * seen)


def test_errors_within_their_variance_change_nothing() -> None:
    # Of the bias that the prior expects, so that only the error of form is in question.
    within = fit_error_model(tuple(_past(_all(0.0161 + 0.01), sd=0.02) for _ in range(3)))
    assert within.form_error == pytest.approx(PUBLIC.error, rel=0.1)
    calm = fit_error_model(tuple(_past(_all(0.0161), sd=0.001) for _ in range(10)))
    assert calm.form_error < 0.8 * PUBLIC.error


def test_targets_of_one_origin_share_their_vote() -> None:
    alone, shared = fit_error_model((_past(_all(0.05)),)), fit_error_model((_past(_all(0.05), share=0.5),) * 2)
    assert alone.form_error == pytest.approx(shared.form_error)
    assert alone.dof == shared.dof
    assert from_json(ErrorModel, to_json(alone), "error model") == alone
    assert set(to_json(alone)) == {"weights", "form_error", "freedom", "lean", "lean_sd", "lean_power", "span_power"}


def _noise(near: float = 0.003, far: float = 0.03, count: int = 400, seed: int = 0) -> RunNoise:
    rng = np.random.default_rng(seed)
    excess = np.concatenate([rng.uniform(0, 0.05, count), rng.uniform(0.3, 0.5, count)])
    sd = np.where(excess < 0.1, near, far)
    ones = np.ones(2 * count)
    return RunNoise.of(excess, rng.normal(0, sd), ones, ones)


def test_runs_near_the_frontier_scatter_less() -> None:
    noise = _noise()
    assert float(noise.at(np.array(0.0))) == pytest.approx(0.003, rel=0.15)
    assert float(noise.at(np.array(0.4))) == pytest.approx(0.03, rel=0.15)
    assert noise.at(np.array([0.0, 0.4, 9.0])).shape == (3,)
    assert float(noise.at(np.array(9.0))) == noise.sd[-1]


def test_few_rows_have_few_degrees_of_freedom() -> None:
    rng = np.random.default_rng(1)
    spread = []
    for _ in range(200):
        residuals = rng.normal(0, 0.01, 8)
        one = RunNoise.of(np.zeros(8), residuals, np.ones(8), np.ones(8))
        assert one.dof == 3.0
        spread.append(one.sd[0] ** 2)
    # eight rows with two degrees of freedom count four times their mean square
    assert np.mean(spread) == pytest.approx(4 * 0.01**2, rel=0.15)


def test_the_noise_is_written_and_read_again() -> None:
    noise = _noise()
    assert from_json(RunNoise, to_json(noise), "noise") == noise
    assert set(to_json(noise)) == {"excess", "sd", "freedom"}
