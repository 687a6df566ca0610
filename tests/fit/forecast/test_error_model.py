from dataclasses import replace

import numpy as np
import pytest

from isoflop.fit.forecast.error_model import PUBLIC, Judgement, judge, steepness
from isoflop.fit.forecast.rolling_origin import PastForecast


def _past(errors, factor=10.0, sd=0.001, share=1.0, span=403.4287934927351):  # e^6
    return PastForecast(
        origin_flops=1e20, target_flops=1e20 * factor, errors=errors, variance=sd**2, share=share, span=span
    )


def _all(error):
    return dict.fromkeys(PUBLIC.weights, error)


def test_without_a_past_it_is_the_prior():
    found = judge(())
    assert found.weights == pytest.approx(PUBLIC.weights)
    assert found.form_error == pytest.approx(PUBLIC.error)
    assert found.freedom == PUBLIC.count + 1
    assert (found.lean, found.lean_sd) == pytest.approx((PUBLIC.lean, PUBLIC.lean_sd))


def test_forms_that_erred_lose_weight():
    past = (_past({"chinchilla": 0.06, "coupled": 0.002, "logquadratic": 0.03}),)
    found = judge(past * 3)
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.weights["coupled"] > 0.9
    assert found.weights["chinchilla"] < 0.05
    assert found.mixed(past[0].errors) == pytest.approx(sum(found.weights[k] * v for k, v in past[0].errors.items()))


def test_one_wild_error_decides_nothing():
    upright = replace(PUBLIC, lean=0.0, lean_sd=1e-9)
    wild = judge((_past({"chinchilla": 0.01, "coupled": 5.0, "logquadratic": 0.01}),), upright).weights
    bad = judge((_past({"chinchilla": 0.01, "coupled": 0.5, "logquadratic": 0.01}),), upright).weights
    # Student's tail: ten times the error is 10^4 less weight, where the normal's would be e^-40000
    assert bad["coupled"] / wild["coupled"] == pytest.approx(1e4, rel=0.05)


def test_the_error_of_form_is_that_of_the_past_in_the_long_run():
    rng = np.random.default_rng(0)
    for scale in (0.002, 0.02):
        past = tuple(_past(_all(rng.normal(0, scale * np.log(f))), factor=f, sd=1e-5) for f in rng.uniform(2, 30, 1000))
        assert judge(past).form_error == pytest.approx(scale, rel=0.15)


def test_a_lean_of_the_past_is_learnt_and_is_no_error_of_form():
    rng = np.random.default_rng(1)
    past = tuple(
        _past(_all(0.01 * np.log(f) + rng.normal(0, 0.001)), factor=f, sd=0.001) for f in rng.uniform(2, 30, 200)
    )
    found = judge(past)
    assert found.lean == pytest.approx(0.01, abs=0.0005)
    assert found.lean_sd < 0.0005
    assert found.form_error < 0.3 * PUBLIC.error
    alone = judge(past[:1])  # one forecast moves it part of the way
    assert PUBLIC.lean < alone.lean < 0.0095
    assert 0 < found.lean_sd < alone.lean_sd < PUBLIC.lean_sd


def test_errors_within_their_variance_are_no_error_of_form():
    calm = judge(tuple(_past(_all(0.01), sd=0.02) for _ in range(6)))
    assert calm.form_error < 0.7 * PUBLIC.error


def test_targets_of_one_origin_share_their_vote():
    alone, shared = judge((_past(_all(0.05)),)), judge((_past(_all(0.05), share=0.5),) * 2)
    assert alone.form_error == pytest.approx(shared.form_error)
    assert alone.freedom == shared.freedom
    assert Judgement.from_json(alone.as_json()) == alone


def test_rows_that_span_little_compute_say_less_of_what_lies_beyond():
    assert steepness(np.exp(6.0)) == pytest.approx(1)
    assert steepness(np.exp(1.5)) == pytest.approx(2)
    # The same error counts for less where it was to be expected.
    wide, narrow = judge((_past(_all(0.05)),)), judge((_past(_all(0.05), span=8.0),))
    assert narrow.form_error < wide.form_error
