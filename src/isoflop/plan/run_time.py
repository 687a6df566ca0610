"""From steps to a whole run: how much longer published runs took than their steps, and what they reached of the peak.

Restarts, lost steps, evaluation, checkpoints, waiting for input, and steps slower than predicted are all in it. Both
spreads are of the whole runs in `whole_runs.csv`, by `whole_runs.spread_of`; `python bench/durations.py` makes them
again, and docs/devices.md has run by run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A ratio of whole runs: its middle, and where a further run would lie in 90 of 100 cases."""

    expected: float
    """Geometric mean over families of runs."""
    low: float
    high: float


SPREAD_LEVEL = 0.9
"""Share of further runs that `low` and `high` of a Spread enclose."""

RUN_OVER_STEPS = Spread(expected=1.566, low=0.923, high=2.658)
"""Hours of a whole run over those of its steps as `arch.step_time` predicts them in the fastest layout."""

WHOLE_RUN_UTILIZATION = Spread(expected=0.346, low=0.197, high=0.607)
"""Model FLOPs of a whole run over what its devices could have done in its hours: for devices without a layout."""

WHOLE_RUNS = "35 whole published runs of 14 families (docs/devices.md)"
"""Where both come from, as a bill says it."""
