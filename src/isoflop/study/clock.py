"""The time of a study with an adaptive sweep: what is left of it, at the pace at which the runs so far went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.study.pace import PRIOR_SECONDS
from isoflop.study.settings import StudySettings
from isoflop.sweep import Speed, comparison_design, sweep_cost
from isoflop.sweep.adaptive import Decision
from isoflop.sweep.allowance import (
    SWEEP_TIME,
    Allowance,
    affordable,
    final_of_total,
    for_target,
    of_time,
    of_total,
)
from isoflop.sweep.designs import first_guess
from isoflop.sweep.study_design import OVERHEAD_SECONDS, SPEED_MARGIN, STAGE_SECONDS

AFTER = ("fit", "final", "serve", "report")
"""Stages after the sweep that take time besides the training."""
RECENT = 120.0
"""Expected seconds of the newest runs by which the pace is known, about two batches of a default study: a machine that
others begin to use is followed."""


@dataclass(kw_only=True)
class Clock:
    """Answers from the settings: FLOPs of the study, FLOPs of the planned run, or minutes."""

    settings: StudySettings
    recipe: SmallRecipe
    speed: Speed
    workers: int
    elapsed: Callable[[], float]
    """Seconds of the study so far."""
    pace: float = SPEED_MARGIN
    """Times as long as by `speed` that runs take."""

    def observe(self, ended: Sequence[tuple[RunSpec, RunResult]]) -> None:
        """Takes the runs that ended: the newest RECENT seconds of them say how fast the machine is now."""
        taken, expected = PRIOR_SECONDS * SPEED_MARGIN, PRIOR_SECONDS
        for spec, result in sorted(ended, key=lambda run: run[1].finished, reverse=True):
            if result.wall_seconds and expected < RECENT:
                taken, expected = taken + result.wall_seconds, expected + self.speed.seconds(spec)
        self.pace = taken / expected

    def allowance(self, sweep_flops: float, last: Decision | None) -> Allowance:
        """What the next batch may cost after a sweep of `sweep_flops` FLOPs whose newest decision is `last`."""
        settings = self.settings
        if settings.target_flops is not None:
            return for_target(settings.target_flops)
        if settings.flops is not None:
            return of_total(settings.flops, sweep_flops)
        return of_time(self._final_seconds(last), left=self.left, sweep_left=self.sweep_left, workers=self.workers)

    def final_flops(self, sweep_flops: float, last: Decision) -> float:
        """FLOPs of the planned run where the sweep ends now."""
        settings = self.settings
        if settings.target_flops is not None:
            return settings.target_flops
        if settings.flops is not None:
            return final_of_total(settings.flops, sweep_flops)
        return affordable(self._final_seconds(last), self.left)

    @property
    def left(self) -> float:
        """Seconds for training until the end of the minutes that were asked for, the stages besides it left out."""
        after = sum(STAGE_SECONDS[name] for name in AFTER) * max(1.0, self.pace / SPEED_MARGIN)
        return max(0.0, self._seconds - self.elapsed() - after)

    @property
    def sweep_left(self) -> float:
        """Seconds of those that are left which belong to the sweep."""
        final = (1 - SWEEP_TIME) * max(0.0, self._seconds - OVERHEAD_SECONDS)
        return max(0.0, self.left - final)

    def expected(self, missing: Sequence[RunSpec], *, ended: bool) -> dict[str, float]:
        """{stage: expected seconds} once the runs `missing` are begun, for the time left that is displayed.

        Seconds of training are those of `speed`, as everywhere.
        """
        batch = sweep_cost(missing, self.speed, self.workers).seconds
        allowance = self.allowance(0.0, None)
        later = 0.0
        if not ended:
            if self.settings.minutes is not None:
                later = max(0.0, self.sweep_left / self.pace - batch)
            else:
                dearest = max((self.speed.seconds(spec) / spec.flops for spec in missing), default=0.0)
                later = 0.5 * max(0.0, allowance.sweep_flops * dearest / self.workers - batch)
        final = self._final_seconds(None)(allowance.target_flops) / self.pace
        return {**STAGE_SECONDS, "sweep": batch + later, "final": final}

    @property
    def _seconds(self) -> float:
        return 60 * (self.settings.minutes or 0.0)

    def _final_seconds(self, last: Decision | None) -> Callable[[float], float]:
        """How long final runs of some FLOPs take, of the best size by `last`, else of the first guess."""

        def seconds(flops: float) -> float:
            size = first_guess(self.recipe, flops)
            if last is not None:
                size = last.params * (flops / last.target_flops) ** 0.5
            try:
                final = comparison_design(self.recipe, self.recipe.architecture(size), flops, corpus="", seed=0)
            except InputError:  # less than a batch
                return 0.0
            return sweep_cost(final.specs, self.speed, self.workers).seconds * self.pace

        return seconds
