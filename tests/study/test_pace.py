"""The time left of runs on a simulated clock: right from the first minute, and again when the speed changes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from isoflop.study.pace import RunsLeft
from isoflop.sweep.study_design import SPEED_MARGIN

Slowness = Callable[[float, str], float]
"""(time, run) -> seconds taken for a second expected"""


def simulated(runs: dict[str, float], workers: int, slowness: Slowness, begun: dict[str, float]) -> Iterator[tuple[
    float, RunsLeft
]]:  # fmt: skip
    """(time, the runs left then) once a second, from real workers that train the longest runs first; the last time is
    the end."""
    left = RunsLeft.of(runs, workers, begun, SPEED_MARGIN)
    waiting = sorted(runs, key=lambda name: -runs[name])
    at_work: dict[str, float] = {}
    now = 6.0  # workers start
    while waiting or at_work:
        while waiting and len(at_work) < workers:
            name = waiting.pop(0)
            at_work[name] = begun.get(name, 0.0)
            left.start(name)
        now += 1.0
        for name, share in list(at_work.items()):
            at_work[name] = share + 1.0 / (runs[name] * slowness(now, name))
            ended = at_work[name] >= 1
            left.record(name, 1.0 if ended else min(0.999, at_work[name]), now)
            if ended:
                del at_work[name]
        yield now, left


def worst(
    runs: dict[str, float], workers: int, slowness: Slowness, after: float, begun: dict[str, float] | None = None
) -> float:
    """The largest error of a time left, as a share of it, from `after` seconds on until 15 s before the end."""
    said = [(now, left.left(now)) for now, left in simulated(runs, workers, slowness, begun or {})]
    end = said[-1][0]
    errors = [abs(estimate / (end - now) - 1) for now, estimate in said if after <= now <= end - 15]
    assert errors
    return max(errors)


def sweep(seconds: float, seed: int = 0, runs: int = 30) -> dict[str, float]:
    """Runs of a sweep over 16 times in length, on two workers of `seconds` in all."""
    lengths = np.geomspace(1, 16, runs) * np.random.Generator(np.random.Philox(seed)).uniform(0.8, 1.2, runs)
    return {f"run {i}": float(length) for i, length in enumerate(2 * seconds * lengths / lengths.sum())}


def of_runs(seed: int, middle: float, spread: float = 0.07) -> Slowness:
    """Each run slower than expected by its own factor: 7 % is what the fit of speeds leaves (sweep/cost.py)."""
    chance = np.random.Generator(np.random.Philox(seed))
    factors: dict[str, float] = {}
    return lambda _, name: factors.setdefault(name, middle * float(np.exp(chance.normal(0, spread))))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("middle", [1.0, 1.2, 1.4])
@pytest.mark.parametrize("seconds", [300.0, 660.0, 7200.0])
def test_from_the_first_minute_it_is_right_within_a_fifth(seed: int, middle: float, seconds: float) -> None:
    assert worst(sweep(seconds, seed), 2, of_runs(seed, middle), after=60.0) < 0.2


@pytest.mark.parametrize("change", [2.0, 0.5])
def test_it_follows_a_machine_that_changes_its_speed(change: float) -> None:
    """Three minutes after others begin to use it, or leave it; the average since the start would be far off."""

    def slowness(now: float, name: str) -> float:
        del name
        return 1.2 if now < 400 else 1.2 * change

    assert worst(sweep(900.0), 2, slowness, after=580.0) < 0.2


def test_work_of_an_earlier_start_is_no_speed_of_this_one() -> None:
    runs = {"a": 200.0, "b": 200.0, "c": 100.0, "d": 100.0}
    assert worst(runs, 2, lambda *_: 1.2, after=20.0, begun={"a": 0.7, "b": 0.4}) < 0.1


def test_the_last_run_alone_takes_its_own_time() -> None:
    left = RunsLeft.of({"a": 100.0, "b": 100.0, "c": 100.0}, 2, {}, 1.0)
    assert left.left(0.0) == pytest.approx(200.0), "two runs after one another on one of the workers"
    for name in ("a", "b"):
        left.record(name, 1.0, 10.0)
    assert left.finished == 2
    assert left.left(10.0) == pytest.approx(100 * left.pace.factor)


def test_between_two_reports_the_time_passes() -> None:
    left = RunsLeft.of({"a": 100.0}, 1, {}, 1.0)
    left.record("a", 0.1, 10.0)
    assert left.left(15.0) == pytest.approx(left.left(10.0) - 5.0)
    assert left.left(1e9) == 0.0


def test_it_is_known_once_the_speed_was_watched() -> None:
    assert [left.known for now, left in simulated({"a": 100.0}, 1, lambda *_: 1.0, {}) if now in (10, 50)] == [
        False,
        True,
    ]


def test_ten_thousand_runs_end_when_they_do_one_by_one() -> None:
    left = RunsLeft.of({str(i): 1.0 + i for i in range(10_000)}, 64, {}, 1.0)
    ends = [0.0] * 64
    for length in range(10_000, 0, -1):
        heapq.heapreplace(ends, ends[0] + length)
    assert left.left(0.0) == pytest.approx(max(ends), rel=1e-3)
