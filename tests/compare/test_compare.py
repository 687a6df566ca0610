import math

import numpy as np
import pytest
from scipy import stats

from isoflop.compare import CompareOptions, FinalRun, Side, StatedSlope, compare_runs
from isoflop.errors import InputError, RefusedError


def side(name: str, losses: list[float], **known: float) -> Side:
    runs = tuple(FinalRun(name=f"{name}{k}", losses={"c4": loss}, **known) for k, loss in enumerate(losses))
    return Side(name=name, runs=runs)


A = side("a", [3.010, 3.004, 3.007, 3.002], params=1e8, tokens=2e9)
B = side("b", [2.981, 2.985, 2.978, 2.984], params=1e8, tokens=2e9)


def test_one_cell_is_a_t_test_of_ln_loss() -> None:
    verdict = compare_runs(A, B).sets[0]
    logs = [np.log([run.losses["c4"] for run in each.runs]) for each in (A, B)]
    oracle = stats.ttest_ind(*logs, equal_var=False)
    assert verdict.gap == pytest.approx(logs[0].mean() - logs[1].mean())
    assert verdict.gap_interval == pytest.approx(tuple(oracle.confidence_interval(0.9)), rel=1e-6)
    assert verdict.probability_above_1 == pytest.approx(1 - oracle.pvalue / 2, rel=1e-6)
    assert verdict.verdict == "better"
    assert verdict.multiplier is None
    assert "no multiplier" in verdict.reason


def test_a_stated_slope_makes_the_multiplier() -> None:
    slope = StatedSlope(per_log=0.05, source="a law")
    verdict = compare_runs(A, B, CompareOptions(slope=slope)).sets[0]
    assert verdict.gap is not None
    assert verdict.gap_interval is not None
    assert verdict.multiplier == pytest.approx(math.exp(verdict.gap / 0.05))
    assert verdict.interval == pytest.approx(tuple(math.exp(end / 0.05) for end in verdict.gap_interval), rel=1e-3)
    assert "a law" in verdict.reason


def test_exchanged_sides_give_the_inverse() -> None:
    options = CompareOptions(slope=StatedSlope(per_log=0.05, sd=0.01, source="a law"))
    one, other = compare_runs(A, B, options).sets[0], compare_runs(B, A, options).sets[0]
    assert one.multiplier is not None
    assert one.interval is not None
    assert other.multiplier is not None
    assert other.interval is not None
    assert one.multiplier * other.multiplier == pytest.approx(1, abs=1e-12)
    assert one.interval[0] * other.interval[1] == pytest.approx(1, abs=1e-9)
    assert other.verdict == "worse"


def test_one_run_a_side_without_noise_cannot_tell() -> None:
    verdict = compare_runs(side("a", [3.0]), side("b", [2.9])).sets[0]
    assert verdict.verdict == "cannot_tell"
    assert verdict.gap_interval is None
    assert "one run a side" in verdict.reason


def test_the_noise_of_others_decides_one_pair() -> None:
    one, other = side("a", [3.0], params=1e8, tokens=2e9), side("b", [2.9], params=1e8, tokens=2e9)
    assert compare_runs(one, other, CompareOptions(noise_from=(A, B))).sets[0].verdict == "better"


def test_no_common_set_and_no_common_cell_are_refused() -> None:
    other = Side(name="b", runs=(FinalRun(name="b", losses={"pile": 2.9}),))
    with pytest.raises(RefusedError, match="no evaluation set in common"):
        compare_runs(A, other)
    with pytest.raises(RefusedError, match="size and length"):
        compare_runs(A, side("b", [2.9], params=1e9, tokens=2e9))


def test_two_tokenizers_are_refused() -> None:
    one = Side(name="a", runs=A.runs, tokenizer="gpt2")
    with pytest.raises(RefusedError, match="tokenizer: gpt2 against llama"):
        compare_runs(one, Side(name="b", runs=B.runs, tokenizer="llama"))


def test_bad_values_are_listed_together() -> None:
    runs = (FinalRun(name="x", losses={"c4": -1.0}), FinalRun(name="y", losses={"c4": 3.0}, tokens=0.0))
    with pytest.raises(InputError, match="2 problems"):
        Side(name="a", runs=runs)
