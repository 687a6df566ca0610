"""The noise of one run: how far final losses of one recipe, size and length scatter by the seed alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.cells import Group, groups
from isoflop.compare.result import NoiseFloor
from isoflop.compare.sides import Side
from isoflop.distributions import chi_square_quantile, student_quantile
from isoflop.errors import RefusedError

PAIRS = (1, 2, 4, 8)
"""Numbers of pairs whose smallest gain is given."""
ONE_SIDED, POWER = 0.95, 0.8
"""A gain can be shown when it is found at 5 % one-sided in four of five attempts: 1.645 + .84 standard errors."""


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """A sum of squares with its degrees of freedom, of ln loss unless said otherwise."""

    squares: float
    degrees: int
    groups: int = 0
    runs: int = 0

    @property
    def variance(self) -> float:
        """Mean square; NaN without degrees of freedom."""
        return self.squares / self.degrees if self.degrees else math.nan

    def __add__(self, other: Scatter) -> Scatter:
        return Scatter(
            squares=self.squares + other.squares,
            degrees=self.degrees + other.degrees,
            groups=self.groups + other.groups,
            runs=self.runs + other.runs,
        )


NOTHING = Scatter(squares=0.0, degrees=0)
"""No repeated run."""


def scatter(values: Iterable[Array]) -> Scatter:
    """The sum over groups (runs,) of squares about the group's mean; groups of one run tell nothing."""
    total = NOTHING
    for group in values:
        if len(group) > 1:
            squares = float(np.sum((group - group.mean()) ** 2))
            total += Scatter(squares=squares, degrees=len(group) - 1, groups=1, runs=len(group))
    return total


def of_groups(found: Iterable[Group | None], name: str) -> Scatter:
    """The scatter of ln loss on one set within groups."""
    return scatter(np.log(group.losses(name)) for group in found if group is not None)


def noise_floor(sides: Sequence[Side], name: str | None = None, level: float = 0.9) -> NoiseFloor:
    """The noise floor of the sides on one set, the first one unless another is named.

    Pooled over groups of runs of one recipe, size and length. Raises RefusedError `no_repeats` where no group has two
    runs.

    >>> from isoflop.compare.sides import FinalRun
    >>> runs = tuple(FinalRun(name=str(k), losses={"c4": loss}) for k, loss in enumerate([3.001, 2.999, 3.0, 3.002]))
    >>> floor = noise_floor([Side(name="adamw", runs=runs)])
    >>> f"{floor.sd:.5f} {floor.runs} {floor.recipes}"
    '0.00129 4 1'
    """
    chosen = name if name is not None else next((each for side in sides for each in side.sets), "")
    found = [group.of_set(chosen) for side in sides for group in groups(side)]
    floor = floor_of([group for group in found if group is not None], chosen, level)
    if floor is None:
        raise RefusedError(
            "no_repeats",
            f"no two runs share recipe, size and length on the set {chosen}: the noise is unknown; "
            "repeat at least one run with another seed",
        )
    return floor


def floor_of(found: Sequence[Group], name: str, level: float) -> NoiseFloor | None:
    """The noise floor of these groups; None without a repeat."""
    relative = of_groups(found, name)
    if not relative.degrees:
        return None
    absolute = scatter(group.losses(name) for group in found)
    sd, dof = math.sqrt(absolute.variance), absolute.degrees
    ends = [sd * math.sqrt(dof / chi_square_quantile(share, dof)) for share in ((1 + level) / 2, (1 - level) / 2)]
    relative_sd = math.sqrt(relative.variance)
    return NoiseFloor(
        sd=sd,
        runs=absolute.runs,
        recipes=absolute.groups,
        smallest_gain={pairs: smallest_gain(relative_sd, dof, pairs) for pairs in PAIRS},
        interval=(ends[0], ends[1]),
        relative_sd=relative_sd,
        degrees=dof,
        set_name=name,
    )


def smallest_gain(sd: float, degrees: float, pairs: int) -> float:
    """Smallest gap of ln loss that `pairs` pairs show at 5 % one-sided with 80 % power, `sd` being that of one run.

    (t_.95 + t_.80) sd sqrt(2 / pairs), with `degrees` of freedom behind sd: 1.645 + .84 where they are many.
    """
    return (student_quantile(ONE_SIDED, degrees) + student_quantile(POWER, degrees)) * sd * math.sqrt(2 / pairs)


def pairs_needed(sd: float, gap: float) -> int | None:
    """Pairs that would tell a true gap of ln loss: n = 2 (1.645 + .84)^2 sd^2 / gap^2, `sd` being that of one run.

    None for a gap of zero, which no number of pairs tells.
    """
    if gap == 0:
        return None
    quantiles = student_quantile(ONE_SIDED, math.inf) + student_quantile(POWER, math.inf)
    return max(1, math.ceil(2 * (quantiles * sd / gap) ** 2))
