"""Cells: runs of both sides with the same size and the same length of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.sides import FinalRun, Side

SIZE_TOLERANCE = math.log(1.05)
"""In ln N: a recipe that changes the shape or the positions moves N by a few per cent at the same design."""
LENGTH_TOLERANCE = math.log(1.01)
"""In ln D: lengths at which both sides are taken to have trained at one place of the design. What they differ by is
brought to equal lengths by the slope."""
SAME_LENGTH = 1e-6
"""In ln D: lengths that differ by the rounding of what was written down."""
MOST_APART = math.log(2.0)
"""In ln D: lengths that are compared through the baseline's slope, where no equal ones exist."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs of one side with one size and one length."""

    log_params: float | None
    log_length: float | None
    """ln tokens; ln steps where no run tells its tokens."""
    runs: tuple[FinalRun, ...]

    def of_set(self, name: str) -> Group | None:
        """The runs that have a loss on this set; None where none has."""
        runs = tuple(run for run in self.runs if name in run.losses)
        return replace(self, runs=runs) if runs else None

    def losses(self, name: str) -> Array:
        """Of each run on one set, (runs,)."""
        return np.array([run.losses[name] for run in self.runs])


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Two groups that are compared."""

    a: Group
    b: Group

    @property
    def equal_length(self) -> bool:
        """Whether both trained equally long, up to rounding."""
        return _apart(self.a.log_length, self.b.log_length) <= LENGTH_TOLERANCE

    @property
    def same_length(self) -> bool:
        """Whether both trained for one length, to the last step."""
        return _apart(self.a.log_length, self.b.log_length) <= SAME_LENGTH

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that exactly one run of each side has."""
        once_a, once_b = _once(self.a.runs), _once(self.b.runs)
        return tuple(sorted(set(once_a) & set(once_b)))

    def of_set(self, name: str) -> Cell | None:
        """The cell of one evaluation set; None where a side has no run there."""
        a, b = self.a.of_set(name), self.b.of_set(name)
        return None if a is None or b is None else replace(self, a=a, b=b)

    def log_losses(self, name: str) -> tuple[float, float]:
        """Means of ln loss of A and of B."""
        return float(np.log(self.a.losses(name)).mean()), float(np.log(self.b.losses(name)).mean())


def groups(side: Side) -> tuple[Group, ...]:
    """The side's runs by size and length, from small and short to large and long."""
    known = sorted(side.runs, key=lambda run: (run.params or 0.0, run.length or 0.0, run.name))
    found: list[list[FinalRun]] = []
    for run in known:
        for members in found:
            first = members[0]
            if (
                _apart(_log(first.params), _log(run.params)) <= SIZE_TOLERANCE / 50
                and _apart(_log(first.length), _log(run.length)) <= LENGTH_TOLERANCE / 10
            ):
                members.append(run)
                break
        else:
            found.append([run])
    return tuple(_group(members) for members in found)


def match(a: Sequence[Group], b: Sequence[Group]) -> tuple[Cell, ...]:
    """Cells of groups that are each other's nearest: equal in size, and in length where such exist.

    A group without an equally long one is matched with the nearest length within a factor of two; its gap has to be
    corrected by the slope, see `Cell.equal_length`. The cells do not depend on which side is called A.
    """
    cells: list[Cell] = []
    left_a, left_b = list(a), list(b)
    for most in (LENGTH_TOLERANCE, MOST_APART):
        near = [
            (_distance(one, other), i, j)
            for i, one in enumerate(left_a)
            for j, other in enumerate(left_b)
            if _apart(one.log_params, other.log_params) <= SIZE_TOLERANCE
            and _apart(one.log_length, other.log_length) <= most
        ]
        used_a: set[int] = set()
        used_b: set[int] = set()
        for _, i, j in sorted(near):
            if i not in used_a and j not in used_b:
                cells.append(Cell(a=left_a[i], b=left_b[j]))
                used_a.add(i)
                used_b.add(j)
        left_a = [group for i, group in enumerate(left_a) if i not in used_a]
        left_b = [group for j, group in enumerate(left_b) if j not in used_b]
    equal = [cell for cell in cells if cell.equal_length]
    return tuple(sorted(equal or cells, key=lambda cell: (cell.a.log_params or 0.0, cell.a.log_length or 0.0)))


def _distance(one: Group, other: Group) -> float:
    size, length = _apart(one.log_params, other.log_params), _apart(one.log_length, other.log_length)
    return size + length


def _group(members: list[FinalRun]) -> Group:
    params = [run.params for run in members if run.params is not None]
    lengths = [run.length for run in members if run.length is not None]
    return Group(
        log_params=float(np.log(params).mean()) if params else None,
        log_length=float(np.log(lengths).mean()) if lengths else None,
        runs=tuple(members),
    )


def _apart(one: float | None, other: float | None) -> float:
    """Distance of two logarithms; 0 where neither is known, infinite where one is."""
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return abs(one - other)


def _log(value: float | None) -> float | None:
    return None if value is None else math.log(value)


def _once(runs: Sequence[FinalRun]) -> set[str]:
    labels = [run.label for run in runs if run.label is not None]
    return {label for label in labels if labels.count(label) == 1}
