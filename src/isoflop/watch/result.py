"""The answer about a run that is under way, typed, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from isoflop.errors import Notice
from isoflop.plan.expected_course import ExpectedCourse
from isoflop.watch.endings import WhatIf
from isoflop.watch.excursions import Spike
from isoflop.watch.history import Change, Verdict
from isoflop.watch.method import MethodForecast


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Where a run stands, where it will end, and whether that is where it was expected."""

    json_without: ClassVar = ("course",)

    name: str
    """Of the run."""
    share: float
    """Share of the schedule done."""
    tokens: float | None
    """Training tokens seen; None where the log tells steps only."""
    total_tokens: float | None
    """Of the whole schedule."""
    steps: float
    """Optimiser steps done."""
    loss: float
    """The last loss of `measured`, as logged."""
    loss_unit: str
    measured: str
    """The evaluation set along the way, or `training`."""
    final_measured: str
    """What the predicted final loss is of."""
    predicted_final: float | None
    """By all methods together, in `loss_unit`; None where none says anything yet; `final` of a run that ended."""
    interval: tuple[float, float] | None
    """Where the final loss is expected with probability `level`."""
    level: float
    methods: Mapping[str, MethodForecast]
    weights: Mapping[str, float]
    """Of the methods in `predicted_final`; they sum to 1."""
    references: tuple[str, ...]
    """Finished runs that it is held against."""
    final: float | None
    """The final loss itself, of a run that ended."""
    verdict: Verdict
    reason: str
    """What the verdict rests on, in a clause."""
    since: float
    """Share of the schedule at which this verdict was first given."""
    history: tuple[Change, ...]
    """Every change of the verdict, in order; the last is the present one."""
    spikes: tuple[Spike, ...]
    expected: tuple[float, float, float] | None
    """Low, middle and high of the band at this share; None without a forecast."""
    inside_forecast_probability: float | None
    """That the run ends inside the interval of its forecast; None without one."""
    what_if: tuple[WhatIf, ...] = ()
    """What a decay from now on, or a longer run, would end at, while the rate is at its peak."""
    course: ExpectedCourse | None = None
    notices: tuple[Notice, ...] = ()
