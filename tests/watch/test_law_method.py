"""A law of loss curves as a method: what it says of a run under way, and where it says nothing."""

from dataclasses import replace

import numpy as np
import pytest

from isoflop.laws.annealing import AnnealingLaw
from isoflop.watch.law_method import ANNEALING, MULTI_POWER
from watch.schedule_curves import FITTED, LONG, TESTED, drawn_curve, published_curve

METHODS = {method.name: method for method in (ANNEALING, MULTI_POWER)}


def law(params: float) -> AnnealingLaw:
    return AnnealingLaw(L0=1.8 + 480 * params**-0.35, A=0.3, alpha=0.45, gain=0.13, memory=0.008, rate_power=0.6)


def finished(kind="sqrt", sizes=(1e6, 2e6)):
    return [drawn_curve(law(size), kind, params=size, tokens=size) for size in sizes]


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.mark.parametrize("until", [0.3, 0.6, 0.95])
def test_a_larger_run_of_the_same_schedule(method, until):
    run = drawn_curve(law(4e6), "sqrt", params=4e6, tokens=4e6)
    assert method.predicted_final(run.until(until), finished()) == pytest.approx(run.final, rel=0.004)


def test_a_final_loss_of_another_set_is_predicted_as_such(method):
    like = [replace(curve, final=1.05 * curve.final) for curve in finished()]
    run = drawn_curve(law(4e6), "sqrt", params=4e6, tokens=4e6)
    assert method.predicted_final(run.until(0.6), like) == pytest.approx(1.05 * run.final, rel=0.004)


def test_nothing_is_said_too_early_or_without_runs_or_rates(method):
    run = drawn_curve(law(4e6), "sqrt", params=4e6, tokens=4e6).until(0.5)
    assert method.predicted_final(run.until(0.05), finished()) is None
    assert method.predicted_final(run, []) is None
    unknown = replace(run, schedule_tokens=np.zeros(0), schedule_rates=np.zeros(0))
    assert method.predicted_final(unknown, finished()) is None
    assert method.predicted_final(replace(run, schedule_rates=0 * run.schedule_rates), finished()) is None
    half = run.schedule_tokens <= run.total_tokens / 2
    cut = replace(run, schedule_tokens=run.schedule_tokens[half], schedule_rates=run.schedule_rates[half])
    assert method.predicted_final(cut, finished()) is None


def test_what_a_drop_brings_is_not_known_from_constant_rates(method):
    run = drawn_curve(law(4e6), "sqrt", params=4e6, tokens=4e6).until(0.5)
    assert method.predicted_final(run, finished("constant")) is None
    constant = drawn_curve(law(4e6), "constant", params=4e6, tokens=4e6)
    assert method.predicted_final(constant.until(0.5), finished("constant")) == pytest.approx(constant.final, rel=0.004)


def test_one_finished_run_is_enough(method):
    run = drawn_curve(law(4e6), "sqrt", params=4e6, tokens=4e6)
    assert method.predicted_final(run.until(0.5), finished(sizes=(2e6,))) == pytest.approx(run.final, rel=0.004)


def test_a_prefix_within_its_warm_up_says_nothing(method):
    run = drawn_curve(law(4e6), "sqrt", params=4e6, tokens=4e6)
    slow = np.minimum(run.schedule_rates, 3e-4 * run.schedule_tokens / (0.4 * run.total_tokens))
    assert method.predicted_final(replace(run.until(0.3), schedule_rates=slow), finished()) is None


@pytest.mark.parametrize(("size", "other"), [("25M", "100M"), ("100M", "25M")])
def test_published_runs_of_another_size(method, size, other):
    like = [published_curve(size, name) for name in (*FITTED, *TESTED)]
    for name in LONG:
        run = published_curve(other, name)
        for share, most in ((0.3, 0.0065), (0.5, 0.005)):
            assert method.predicted_final(run.until(share), like) == pytest.approx(run.final, rel=most)
