"""Several methods together: the weights come from their errors, which are correlated; the interval from all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from isoflop.watch import RatioMethod
from isoflop.watch.combination import combine
from isoflop.watch.errors import PastErrors, past_errors
from isoflop.watch.final_loss import forecast_end
from isoflop.watch.method import Estimate
from watch.test_ratio import curve


def past(scaled=(), scale: float = 1.0) -> PastErrors:
    return PastErrors(scaled=np.array(scaled, dtype=float), bias=0.0, scale=scale, degrees=30.0)


def test_the_surer_method_has_the_larger_weight():
    estimates = {"a": Estimate(log_final=1.0, sd=0.001), "b": Estimate(log_final=1.001, sd=0.003)}
    found = combine(estimates, {"a": past(), "b": past()}, 0.9)
    assert found.weights["a"] > found.weights["b"]
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.sd <= 0.001 * (1 + 1e-9)


def test_no_weight_is_negative_even_of_methods_that_err_together():
    errors = np.linspace(-2, 2, 40)
    estimates = {"a": Estimate(log_final=1.0, sd=0.001), "b": Estimate(log_final=1.004, sd=0.004)}
    found = combine(estimates, {"a": past(errors), "b": past(errors)}, 0.9)
    assert found.weights == {"a": 1.0, "b": 0.0}
    assert found.predicted_final == pytest.approx(np.exp(1.0))


def test_methods_that_disagree_beyond_their_errors_widen_the_interval():
    near = {"a": Estimate(log_final=1.0, sd=0.001), "b": Estimate(log_final=1.0005, sd=0.001)}
    far = {"a": Estimate(log_final=1.0, sd=0.001), "b": Estimate(log_final=1.02, sd=0.001)}
    both = {"a": past(), "b": past()}
    assert combine(far, both, 0.9).sd > 5 * combine(near, both, 0.9).sd


@dataclass(frozen=True)
class Wrong:
    """A method that is always off by as much."""

    off: float
    name: str = "wrong"
    usual_error: float = 0.001

    def predicted_final(self, run, like):
        return float(2 + 100 * run.params**-0.3) * np.exp(self.off)


def test_a_method_that_always_errs_one_way_is_corrected_and_stays_unsure():
    like = [curve(f"{size}", size) for size in np.geomspace(1e5, 1e6, 12)]
    run = curve("run", 2e6).until(0.3)
    found = past_errors(Wrong(off=0.01), run, like, 0.3)
    stated = Estimate(log_final=float(np.log(2 + 100 * 2e6**-0.3)) + 0.01, sd=0.001)
    assert abs(found.corrected(stated).log_final - (stated.log_final - 0.01)) < 0.004
    assert found.scale > 1


def test_a_method_that_fails_on_the_finished_runs_weighs_little():
    like = [curve(f"{size}", size) for size in np.geomspace(1e5, 1e6, 6)]
    run = curve("run", 2e6)
    found = forecast_end(run.until(0.3), like, [RatioMethod(), Wrong(off=0.05)], 0.9)
    assert found.weights["ratio"] > 0.9
    assert found.predicted_final == pytest.approx(run.final, rel=5e-3)


def test_without_a_method_that_says_anything_there_is_no_forecast():
    assert forecast_end(curve("run", 2e6).until(0.3), [], [RatioMethod()], 0.9) is None
