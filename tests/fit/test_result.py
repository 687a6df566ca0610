import json

import numpy as np
import pytest

from isoflop.codec import from_json
from isoflop.errors import RefusedError
from isoflop.fit import Refused, fit_parametric
from isoflop.fit.result import Frontier, ParametricFile, RefusedFile
from isoflop.laws import SIX_N

from .designs import TRUTHS, isoflop_sweep

DATA = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e21, 4), sizes=7, noise=0.004)


@pytest.fixture(scope="module")
def fit():
    return fit_parametric(DATA, draws=150)


def test_json_and_draws_give_the_same_fit_back(fit):
    text = json.dumps(fit.as_json(), sort_keys=True)
    back = from_json(ParametricFile, json.loads(text), "fit").fit(fit.draws_array(), SIX_N)
    assert json.dumps(back.as_json(), sort_keys=True) == text
    assert back.law.constants() == fit.law.constants()
    size = lambda law: law.optimum(1e22)[0]  # noqa: E731
    assert back.interval(size, 0.8) == fit.interval(size, 0.8)
    assert back.optimum(1e22) == fit.optimum(1e22)


def test_an_interval_of_anything(fit):
    low, high = fit.interval(lambda law: law.loss(1e10, 2e11))
    assert low < float(fit.law.loss(1e10, 2e11)) < high
    narrow = fit.interval(lambda law: law.loss(1e10, 2e11), 0.5)
    assert low < narrow[0] < narrow[1] < high
    assert fit.intervals["a"] == pytest.approx(fit.interval(lambda law: law.a))


def test_without_draws_there_are_no_intervals(fit):
    bare = fit_parametric(DATA, draws=0)
    assert bare.intervals == {}
    assert bare.draws_array() is None
    assert bare.law.constants() == fit.law.constants()
    with pytest.raises(RefusedError) as caught:
        bare.interval(lambda law: law.a)
    assert caught.value.code == "no_draws"


def test_a_refused_fit_says_why():
    refused = Refused.by("parametric", RefusedError("one_size", "all runs have one size"))
    assert not refused.ok
    assert refused.as_json()["status"] == "refused"
    assert "parametric fit: all runs have one size" in str(refused.error())
    assert refused.error().code == "one_size"
    assert from_json(RefusedFile, refused.as_json(), "fit").refusal("parametric") == refused


def test_bands_surround_the_frontier_and_widen(fit):
    bands = Frontier.of(fit.law, fit.draws, SIX_N, float(DATA.C.min()), 100 * float(DATA.C.max()))
    for name in ("params", "tokens", "loss"):
        low, middle, high = (np.array(getattr(bands, key)) for key in (f"{name}_low", name, f"{name}_high"))
        assert np.all((low < middle) & (middle < high))
        assert high[-1] / low[-1] > high[12] / low[12]
    assert np.array(bands.params) * np.array(bands.tokens) * 6 == pytest.approx(np.array(bands.flops))
