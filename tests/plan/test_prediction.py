"""Predictions against published numbers; intervals from draws and scatter."""

import math

import numpy as np
import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.laws import ChinchillaLaw, published_law
from isoflop.plan import FixedParams, LawSource, LimitedData, make_plan, predict, published_source


@pytest.mark.parametrize(
    ("name", "params", "tokens", "loss"),
    [
        # predicted loss of trained systems at their printed N and D
        ("besiroglu2024", 280e9, 300e9, 1.999608),
        ("besiroglu2024", 530e9, 270e9, 1.994783),
        ("besiroglu2024", 70e9, 1.4e12, 1.973882),
        ("besiroglu2024", 540e9, 780e9, 1.950369),
        ("hoffmann2022-3-rounded", 280e9, 300e9, 1.993258),
        ("hoffmann2022-3-rounded", 70e9, 1.4e12, 1.936645),
        ("hoffmann2022-3", 70e9, 1.4e12, 1.920846),
        ("hoffmann2022-3", 540e9, 780e9, 1.904031),
    ],
)
def test_published_systems(name, params, tokens, loss):
    assert predict(published_source(name), params, tokens).loss == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize("name", ["besiroglu2024", "hoffmann2022-3", "hoffmann2022-3-rounded"])
def test_every_law_ranks_chinchilla_below_gopher_and_mt_nlg(name):
    law = published_law(name)
    chinchilla, gopher, mt_nlg = (
        predict(law, params, tokens).loss for params, tokens in ((70e9, 1.4e12), (280e9, 300e9), (530e9, 270e9))
    )
    assert chinchilla < min(gopher, mt_nlg)


def test_scatter_of_single_runs_widens_the_interval_as_the_normal_does():
    law = published_law("besiroglu2024")
    constants = {key: np.full(50, value) for key, value in law.constants().items()}
    draws = ChinchillaLaw(**constants)
    low, high = predict(LawSource(law=law, draws=draws, scatter=0.01), 1e9, 2e10, level=0.9).interval
    loss = float(law.loss(1e9, 2e10))
    # the 5th and 95th percentile of a normal lie at 1.645 standard deviations
    assert math.log(high / loss) == pytest.approx(0.01645, rel=0.02)
    assert math.log(low / loss) == pytest.approx(-0.01645, rel=0.02)
    exact = predict(LawSource(law=law, draws=draws), 1e9, 2e10).interval
    assert exact == (pytest.approx(loss), pytest.approx(loss))


def test_extrapolation_factor_and_flops():
    far = predict(published_source("besiroglu2024"), 70e9, 1.4e12)
    assert far.flops == pytest.approx(5.88e23)
    assert far.extrapolation_factor == pytest.approx(5.88e23 / 1.296e22)
    assert {notice.code for notice in far.notices} == {"extrapolation"}


def test_the_interval_of_a_published_law_holds_its_loss_and_the_forecast_of_its_points():
    source = published_source("besiroglu2024")
    for factor in (1, 10, 100):
        flops = 1e22 * factor
        N, D = (float(part) for part in source.law.optimum(flops))
        prediction = predict(source, N, D)
        low, high = prediction.interval
        forecast, (least, most) = float(source.forms_around.point(N, D)[0]), source.forms_around.interval(N, D, 0.9)[0]
        assert prediction.loss == float(source.law.loss(N, D))
        assert low <= min(least, prediction.loss) < max(most, prediction.loss) <= high
        assert low < forecast < high


def test_what_cannot_be_predicted_is_refused():
    law = published_law("besiroglu2024")
    for params, tokens in ((0, 1e9), (1e9, -1), (math.nan, 1e9), (1e9, math.inf)):
        with pytest.raises(InputError, match="positive"):
            predict(law, params, tokens)
    with pytest.raises(InputError, match="level"):
        predict(law, 1e9, 1e9, level=95)
    with pytest.raises(RefusedError, match="besiroglu2024"):
        predict(published_law("hoffmann2022-2"), 1e9, 1e9)


def test_repeated_tokens_count_less():
    # Muennighoff et al. 2023: 6.34B parameters on 242B tokens of 25B different ones
    run = predict("muennighoff2023", 6.34e9, 242e9, unique_tokens="25B")
    assert run.loss == pytest.approx(2.2256440889984477, rel=1e-12)
    assert run.as_json()["epochs"] == pytest.approx(9.68)
    (notice,) = [notice for notice in run.notices if notice.code == "repeated_tokens"]
    assert "the text is read 9.68 times: each epoch adds less" in notice.message
    fresh = predict("muennighoff2023", 6.34e9, 242e9)
    assert (fresh.unique_tokens, fresh.epochs) == (None, None)
    assert fresh.loss < run.loss
    # several at once, as a plan with that size and text expects them
    many = predict("besiroglu2024", [1e9, 7e9], 1e11, unique_tokens=1e10)
    for N, loss, low, high in zip([1e9, 7e9], many.loss, *many.interval, strict=True):
        stated = [FixedParams(params=N), LimitedData(unique_tokens=1e10)]
        plan = make_plan("besiroglu2024", 6 * N * 1e11, objective=stated, recipe=None)
        assert loss == pytest.approx(plan.loss, rel=1e-12)
        assert low < loss < high
    with pytest.raises(RefusedError, match="another form"):
        predict("kaplan2020-loss", 1e9, 1e11, unique_tokens=1e10)
