"""Tail probabilities of the tests behind the alarms, and the level at which an alarm rings."""

from __future__ import annotations

import math

ALARM_LEVEL = 0.04
"""Nominal share of right tables in which an alarm rings, over all tests of the alarm together. The promise is 5 %: the
tests are approximate, and in small tables they ring up to half again as often (bench/fit/false_alarms.md)."""


def student_p(t: float, dof: float) -> float:
    """Returns the two-sided tail probability of Student's t, within .001 from three degrees of freedom on.

    Wallace 1959, A Bound for the Normal Approximation: t is taken to the normal deviate of the same tail.

    >>> round(student_p(2.776, 4), 3), round(student_p(2.042, 30), 3)
    (0.051, 0.05)
    """
    shrunk = (8 * dof + 1) / (8 * dof + 3) * math.sqrt(dof * math.log1p(t * t / dof))
    return math.erfc(shrunk / math.sqrt(2))
