"""Designs of every kind, drawn: a comparison answers or refuses, its numbers agree with each other, and nothing else
happens."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compare.drawn_comparisons import BASE
from isoflop.compare import CompareOptions, Comparison, FinalRun, LawSlope, SetVerdict, Side, StatedSlope, compare_runs
from isoflop.errors import IsoflopError

SIZES, RATIOS = (1e6, 1e7, 3e7, 1e8, 1e9), (1.0, 5.0, 20.0, 80.0)
SLOPES = (None, StatedSlope(per_log=0.05, source="a"), LawSlope(law=BASE, source="b"))


@st.composite
def sides(draw: st.DrawFn, name: str) -> Side:
    """Runs at some places, with or without noise, labels, sizes and times."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    places = draw(st.lists(st.tuples(st.sampled_from(SIZES), st.sampled_from(RATIOS)), min_size=1, max_size=8))
    noise = draw(st.sampled_from([0.0, 1e-3, 0.1]))
    gain = draw(st.sampled_from([1.0, 1.1, 30.0, 0.01]))
    sized, timed, labelled = (draw(st.booleans()) for _ in range(3))
    known = draw(st.sampled_from(["tokens", "steps", "neither"]))
    runs = []
    for k, (N, ratio) in enumerate(places):
        D = ratio * N
        loss = float(BASE.loss(N, gain * D)) * math.exp(noise * rng.standard_normal())
        runs.append(
            FinalRun(
                name=f"{name}{k}",
                losses={"val": loss} | ({"code": 2 * loss} if draw(st.booleans()) else {}),
                params=N if sized else None,
                tokens=D if known == "tokens" else None,
                steps=D / 1e3 if known != "neither" else None,
                seconds=D * N if timed else None,
                label=f"seed {k % 3}" if labelled else None,
                finished=draw(st.sampled_from([True, False, None])),
            )
        )
    return Side(name=name, runs=tuple(runs))


OPTIONS = st.builds(
    CompareOptions,
    axis=st.sampled_from(["data", "compute", "time", "money"]),
    slope=st.sampled_from(SLOPES),
    at=st.sampled_from([None, 1e16, 1e25]),
    throughput_ratio=st.sampled_from([None, 0.5]),
    variants=st.sampled_from([1, 5]),
    draws=st.just(60),
)


def compared(a: Side, b: Side, options: CompareOptions) -> Comparison | None:
    try:
        return compare_runs(a, b, options)
    except IsoflopError:
        return None


def agrees(verdict: SetVerdict) -> None:
    if verdict.interval is not None:
        assert verdict.multiplier is not None
        low, high = verdict.interval
        assert 0 < low <= verdict.multiplier * (1 + 1e-9)
        assert verdict.multiplier * (1 - 1e-9) <= high
        assert (verdict.verdict == "better") == (low > 1)
        assert (verdict.verdict == "worse") == (high < 1)
    elif verdict.multiplier is not None:
        assert verdict.verdict == "cannot_tell"
    assert verdict.reason
    assert (verdict.verdict == "equal") == (verdict.equal_within is not None)
    assert verdict.probability_above_1 is None or 0 <= verdict.probability_above_1 <= 1
    assert all(sd > 0 for sd in verdict.parts.values())


@settings(max_examples=150)
@given(sides("a"), sides("b"), OPTIONS)
def test_every_design_is_answered_or_refused(a: Side, b: Side, options: CompareOptions) -> None:
    # One way round may be refused alone: the baseline is the side whose own law is asked for.
    found, other = compared(a, b, options), compared(b, a, options)
    if found is None or other is None:
        return
    for verdict in (*found.sets, *other.sets):
        agrees(verdict)
    opposite = {"better": "worse", "worse": "better"}
    for one, two in zip(sorted(found.sets, key=name_of), sorted(other.sets, key=name_of), strict=True):
        shared = one.constant is not False and two.constant is not False and bool(one.cells)
        # A mean leaves out what the baseline does not reach, which is another cell the other way round.
        shared = shared and all(cell.reach != "never" for cell in (*one.cells, *two.cells))
        if shared and one.multiplier is not None and two.multiplier is not None and options.throughput_ratio is None:
            assert one.multiplier * two.multiplier == pytest.approx(1, abs=1e-9)
            assert two.verdict == opposite.get(one.verdict, one.verdict)


def name_of(verdict: SetVerdict) -> str:
    return verdict.name
