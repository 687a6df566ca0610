"""The time of a study with an adaptive sweep: what is left of it, at the pace at which the runs so far went."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.study.pace import PRIOR_SECONDS
from isoflop.study.settings import StudySettings
from isoflop.sweep import comparison_design
from isoflop.sweep.adaptive import Decision
from isoflop.sweep.allowance import (
    SWEEP_TIME,
    Allowance,
    affordable,
    final_of_total,
    for_target,
    of_time,
    of_total,
    readable,
)
from isoflop.sweep.designs import first_guess
from isoflop.sweep.places import TrainingPlaces
from isoflop.sweep.study_design import OVERHEAD_SECONDS, SPEED_MARGIN, STAGE_SECONDS

AFTER = ("fit", "final", "serve", "report")
"""Stages after the sweep that take time besides the training."""
RECENT = 240.0
"""Expected seconds of the newest runs by which the speed is known, about four batches of a default study: a machine
that others begin to use is followed."""

TIME_ERROR = 0.07
"""Of the expected time of a run of 20 s, root mean square (sweep/speed.py)."""
MORE_SECONDS = 2e-3
"""Standard deviation of the prior of what a step takes longer in a run than where steps alone were timed."""


@dataclass(kw_only=True)
class Clock:
    """Answers from the settings: FLOPs of the study, FLOPs of the planned run, or minutes."""

    settings: StudySettings
    recipe: SmallRecipe
    places: TrainingPlaces
    """Where runs are trained, with the speeds that were measured."""
    elapsed: Callable[[], float]
    """Seconds of the study so far."""
    pace: float = SPEED_MARGIN
    """Times as long as by `places` that the runs so far took."""
    most_tokens: float = math.inf
    """Of a run, by what the text allows."""
    places_now: TrainingPlaces = field(init=False)
    """The same with the speeds of trainers as they are now."""

    def __post_init__(self) -> None:
        self.places_now = self.places.slower(SPEED_MARGIN, 0.0)

    def observe(self, ended: Sequence[tuple[RunSpec, RunResult]]) -> None:
        """Takes the runs that ended: the newest RECENT seconds of them say how fast the machine is now.

        They take some times as long as expected, and each of their steps some time longer. What a step costs on
        top of its products weighs on the short steps of the sweep: with one factor for all, final runs were expected
        to take 1.1 to 1.3 times as long as they did.
        """
        taken, expected, steps = [PRIOR_SECONDS * SPEED_MARGIN], [PRIOR_SECONDS], [0.0]
        for spec, result in sorted(ended, key=lambda run: run[1].finished, reverse=True):
            if result.wall_seconds and sum(expected) < RECENT:
                taken.append(result.wall_seconds)
                expected.append(self.places.seconds_on(spec, result.device))
                steps.append(spec.spent_tokens / spec.batch_tokens)
        self.pace = sum(taken) / sum(expected)
        found = _factor_and_step(np.array(taken), np.array(expected), np.array(steps))
        self.places_now = self.places.slower(*found)

    def allowance(self, sweep_flops: float, last: Decision | None) -> Allowance:
        """What the next batch may cost after a sweep of `sweep_flops` FLOPs whose newest decision is `last`."""
        return self._by_size(sweep_flops, last).within(self.text_limit(last))

    def _by_size(self, sweep_flops: float, last: Decision | None) -> Allowance:
        """The allowance by the size of the study alone."""
        settings = self.settings
        if settings.target_flops is not None:
            return for_target(settings.target_flops)
        if settings.flops is not None:
            return of_total(settings.flops, sweep_flops)
        return of_time(
            self._final_seconds(last),
            left=self.left,
            sweep_left=self.sweep_left,
            at_once=lambda flops: self._at_once(flops, last),
        )

    def final_flops(self, sweep_flops: float, last: Decision) -> float:
        """FLOPs of the planned run where the sweep ends now."""
        settings = self.settings
        if settings.target_flops is not None:
            return settings.target_flops
        if settings.flops is not None:
            most = final_of_total(settings.flops, sweep_flops)
        else:
            most = affordable(self._final_seconds(last), self.left)
        return min(most, self.text_limit(last))

    def text_limit(self, last: Decision | None) -> float:
        """FLOPs of the largest planned run for which the text suffices; inf where the target is stated.

        The text of a stated target need not be that of the sweep, which may be for a run elsewhere.
        """
        if self.settings.target_flops is not None:
            return math.inf
        return readable(lambda flops: self._planned_tokens(flops, last), self.most_tokens)

    def limited_by_text(self) -> tuple[float, float] | None:
        """FLOPs of the planned run by the size of the study and as the text limits it; None where it does not."""
        by_size, limit = self._by_size(0.0, None).target_flops, self.text_limit(None)
        return (by_size, limit) if limit < by_size else None

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

        Seconds of training are those of `places`, as everywhere.
        """
        batch = self.places.cost(missing).seconds
        allowance = self.allowance(0.0, None)
        later = 0.0
        if not ended:
            if self.settings.minutes is not None:
                later = max(0.0, self.sweep_left / self.pace - batch)
            else:
                at_once = self._at_once(allowance.largest_run, None)
                dearest = max((self.places.seconds(spec) / spec.flops for spec in missing), default=0.0)
                later = 0.5 * max(0.0, allowance.sweep_flops * dearest / at_once - batch)
        final = self._final_seconds(None)(allowance.target_flops) / self.pace
        return {**STAGE_SECONDS, "sweep": batch + later, "final": final}

    @property
    def _seconds(self) -> float:
        return 60 * (self.settings.minutes or 0.0)

    def _final_seconds(self, last: Decision | None) -> Callable[[float], float]:
        """How long final runs of some FLOPs take, of the best size by `last`, else of the first guess."""

        def seconds(flops: float) -> float:
            """Seconds of the final runs of `flops` each."""
            try:
                shape = self.recipe.architecture(self._best_size(flops, last))
                final = comparison_design(self.recipe, shape, flops, corpus="", seed=0)
            except InputError:  # less than a batch
                return 0.0
            return self.places_now.cost(final.specs).seconds

        return seconds

    def _at_once(self, flops: float, last: Decision | None) -> float:
        """How many runs of some FLOPs are trained in the time of one where it is fastest."""
        if not self.places.devices:
            return float(self.places.cores)
        try:
            shape = self.recipe.architecture(self._best_size(flops, last))
            spec = self.recipe.spec(shape, flops / self.recipe.flops_per_token(shape))
        except InputError:  # less than a batch
            return float(self.places.slots)
        return self.places_now.at_once(spec)

    def _best_size(self, flops: float, last: Decision | None) -> float:
        """Parameters of the planned run of some FLOPs, by `last`, else by the first guess."""
        if last is None:
            return first_guess(self.recipe, flops)
        return float(last.params * (flops / last.target_flops) ** 0.5)

    def _planned_tokens(self, flops: float, last: Decision | None) -> float:
        """Tokens of the planned run of some FLOPs; inf beyond the largest model that can be built."""
        try:
            shape = self.recipe.architecture(self._best_size(flops, last))
        except InputError:
            return math.inf
        return float(flops / self.recipe.flops_per_token(shape))


def _factor_and_step(taken: Array, expected: Array, steps: Array) -> tuple[float, float]:
    """(factor of the expected seconds, seconds more of each step) of runs, neither below 0.

    Least squares, the times of runs erring in proportion to the root of what they took: TIME_ERROR at 20 s. Runs of
    one shape say nothing of the second, which is then by its prior, about 0.
    """
    columns = np.stack([expected, steps], axis=1) / np.sqrt(taken)[:, None]
    values = np.sqrt(taken)
    prior = TIME_ERROR * 20**0.5 / MORE_SECONDS
    factor, more = np.linalg.lstsq(np.vstack([columns, [0.0, prior]]), np.append(values, 0.0), rcond=None)[0]
    if factor > 0 and more > 0:
        return float(factor), float(more)
    # one of the two alone: the factor where steps take no more
    return float(columns[:, 0] @ values / (columns[:, 0] @ columns[:, 0])), 0.0
