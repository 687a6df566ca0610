import numpy as np
import pytest

from isoflop.codec import from_json, to_json
from isoflop.fit.size.bend import FORM_ERROR
from isoflop.fit.size.rolling import PastSize
from isoflop.fit.size.weights import PRIOR_TRUST, SizeTrust, weigh_estimators

NAMES = tuple(PRIOR_TRUST)
SURE = dict.fromkeys(NAMES, 0.05)


def _past(errors, factor=4.0, sd=0.05, share=1.0, se=0.02):
    return PastSize(
        origin_flops=1e20,
        target_flops=factor * 1e20,
        predicted={name: 20 + error for name, error in errors.items()},
        sd=dict.fromkeys(errors, sd),
        actual=20.0,
        actual_se=se,
        share=share,
    )


def test_without_a_past_it_is_the_prior() -> None:
    model = weigh_estimators(NAMES, ())
    assert model.trust == pytest.approx(PRIOR_TRUST)
    assert model.form_error == pytest.approx(FORM_ERROR)
    assert from_json(SizeTrust, to_json(model), "trust") == model


def test_an_estimator_that_erred_beyond_its_noise_makes_no_plan() -> None:
    errors = dict.fromkeys(NAMES, 0.02) | {"parametric": 1.0, "chinchilla": 0.6}
    weights = weigh_estimators(NAMES, [_past(errors)] * 4).weights(SURE)
    assert weights["parametric"] == weights["chinchilla"] == 0
    assert sum(weights.values()) == pytest.approx(1)


def test_an_estimator_that_is_not_sure_makes_no_plan() -> None:
    weights = weigh_estimators(NAMES, ()).weights(SURE | {"parametric": 0.8})
    assert weights["parametric"] == 0
    assert weights["isoflop"] > weights["coupled"] > 0


def test_one_estimator_alone_is_taken_whatever_it_did() -> None:
    model = weigh_estimators(("isoflop",), [_past({"isoflop": 3.0})])
    assert model.weights({"isoflop": 2.0}) == {"isoflop": 1.0}
    assert weigh_estimators(NAMES, ()).weights({"other": 0.1}) == {"other": 1.0}


def test_an_estimator_that_was_refused_is_neither_better_nor_worse_for_it() -> None:
    known = {name: 0.05 for name in NAMES if name != "parametric"}
    model = weigh_estimators(NAMES, [_past(known)] * 3)
    assert model.trust["parametric"] == pytest.approx(PRIOR_TRUST["parametric"], rel=0.05)


def test_the_error_of_form_is_that_of_the_past_in_the_long_run() -> None:
    rng = np.random.default_rng(0)
    for scale in (0.01, 0.1):
        past = [
            _past(dict.fromkeys(NAMES, rng.normal(0, scale * np.log(f))), factor=f, sd=1e-4, se=1e-4)
            for f in rng.uniform(2, 30, 1000)
        ]
        assert weigh_estimators(NAMES, past).form_error == pytest.approx(scale, rel=0.15)


def test_errors_within_their_variance_are_no_error_of_form() -> None:
    within = weigh_estimators(NAMES, [_past(dict.fromkeys(NAMES, 0.04))] * 6)
    assert within.form_error == pytest.approx(FORM_ERROR, rel=0.05)
    assert within.dof == pytest.approx(4, abs=0.5)  # they say nothing: as many as the prior
    calm = weigh_estimators(NAMES, [_past(dict.fromkeys(NAMES, 0.002), sd=0.001, se=0.001)] * 6)
    assert calm.form_error < 0.7 * FORM_ERROR
    assert calm.dof > 8


def test_noise_alone_shows_no_error_of_form() -> None:
    rng = np.random.default_rng(0)
    past = [_past(dict.fromkeys(NAMES, rng.normal(0, np.hypot(0.05, 0.02)))) for _ in range(300)]
    assert weigh_estimators(NAMES, past).form_error < 1.5 * FORM_ERROR
