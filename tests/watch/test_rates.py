"""A run at other learning rates than those that its band was sealed for is named from its log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.logs.run import LoggedRun, Series
from isoflop.plan import ExpectedCourse
from isoflop.schedule import Schedule
from isoflop.watch import Curve
from isoflop.watch.rates import OFF, OtherRates, other_rates
from isoflop.watch.verdict import judge

TOTAL, WARMUP, PEAK = 1e6, 5e4, 0.01
STEPS = np.arange(1.0, 201.0)
TOKENS = STEPS * TOTAL / 200
SHAPE = Schedule(kind="wsd", final_fraction=0.0)
BAND = ExpectedCourse(
    shares=(0.1, 1.0),
    loss=(2.0, 1.5),
    low=(1.9, 1.4),
    high=(2.1, 1.6),
    level=0.9,
    course_sd=(0.01, 0.01),
    degrees=20.0,
    measured="training",
    made_from=("small",),
    peak_rate=PEAK,
)


def factors(tokens: np.ndarray, total: float, warmup: float) -> np.ndarray:
    return np.array([SHAPE.factor(float(at), tokens=total, warmup_tokens=warmup) for at in tokens])


def curve(name: str, total: float, peak: float, *, until: float = 1.0) -> Curve:
    at = np.linspace(0, total, 1001)
    seen = TOKENS[until * TOTAL >= TOKENS] * total / TOTAL
    return Curve(
        name=name,
        tokens=seen,
        loss=2.0 - 0.5 * seen / total,
        schedule_tokens=at,
        schedule_rates=peak * factors(at, total, WARMUP * total / TOTAL),
        total_tokens=total,
    )


def logged(factor: float) -> LoggedRun:
    """A run whose rate is `factor` times the planned one."""
    return LoggedRun(
        name="run",
        source="a log",
        tokens=Series(steps=STEPS, values=TOKENS),
        learning_rate=Series(steps=STEPS, values=factor * PEAK * factors(TOKENS, TOTAL, WARMUP)),
        training=Series(steps=STEPS, values=2.0 - 0.5 * TOKENS / TOTAL),
    )


# the smaller run had a peak of its own: sizes differ in their rates, shapes do not
SMALL = curve("small", TOTAL / 4, 3 * PEAK)


def found(factor: float, *, until: float = 1.0, band: ExpectedCourse | None = BAND) -> OtherRates | None:
    run = curve("run", TOTAL, factor * PEAK, until=until)
    return other_rates(logged(factor), run, [SMALL], band, warmup=WARMUP / TOTAL)


@pytest.mark.parametrize("factor", [3.0, 0.5, 1.1 * OFF])
def test_another_rate_is_seen_right_after_the_warm_up(factor: float) -> None:
    seen = found(factor)
    assert seen is not None
    assert seen.factor == pytest.approx(factor, rel=1e-6)
    assert WARMUP / TOTAL < seen.since < 0.1


@pytest.mark.parametrize("factor", [1.0, 1.1, 0.9])
def test_the_planned_rate_is_not(factor: float) -> None:
    assert found(factor) is None


def test_nothing_is_said_during_the_warm_up_or_without_a_sealed_rate() -> None:
    assert found(3.0, until=0.06) is None
    assert found(3.0, band=None) is None
    assert found(3.0, band=replace(BAND, peak_rate=None)) is None
    assert other_rates(logged(3.0), curve("run", TOTAL, PEAK), [], BAND, warmup=0.05) is None


def test_a_single_line_is_not_enough() -> None:
    run = logged(1.0)
    assert run.learning_rate is not None
    values = run.learning_rate.values.copy()
    values[50:52] *= 10
    torn = replace(run, learning_rate=Series(steps=STEPS, values=values))
    assert other_rates(torn, curve("run", TOTAL, PEAK), [SMALL], BAND, warmup=0.05) is None


def test_the_verdict_is_off_the_shape_and_names_the_factor() -> None:
    run = curve("run", TOTAL, 3 * PEAK, until=0.2)
    rates = found(3.0, until=0.2)
    assert rates is not None
    judged = judge(run, None, rates=rates)
    assert judged.verdict == "off_shape"
    assert judged.reason == "its learning rate is 3 times the planned one at 20.0% of the schedule"
    assert judged.since == rates.since
    assert judge(run, None).verdict == "cannot_tell"
