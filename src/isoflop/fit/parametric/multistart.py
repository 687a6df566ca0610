"""The optimum of approach 3 and the evidence that it is one: how many starts apart end there, how flat it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import Notice, RefusedError
from isoflop.fit.parametric.newton import RESAMPLE, minimise
from isoflop.fit.parametric.objective import Problem
from isoflop.fit.parametric.starts import spread_starts
from isoflop.fit.resampling import row_order

Array = NDArray[np.float64]

_FIRST_STARTS = 8  # the others follow where these do not agree
_AT_BEST = 1e-6  # share of F within which a start counts as having reached the optimum
_FLATTEST = 1e-6  # largest scaled gradient of a certified optimum
# Above this many rows the starts first run on a sample of so many, spread evenly; their ends go on with all rows.
_SAMPLE_ROWS = 4000
_MOST_ENDS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimum:
    """The least F found, and the certificate."""

    theta: Array
    """(5,), in the problem's coordinates."""
    value: float
    """F there."""
    gradient: float
    """Norm of dF/dtheta over delta times the rows: 1 is the largest possible slope's order."""
    tried: int
    """Starts."""
    at_best: int
    """Those that ended within a millionth of the least F."""

    def notices(self) -> list[Notice]:
        """Warnings where the certificate does not hold."""
        notices = []
        if self.at_best < max(2, self.tried // 4):
            text = f"only {self.at_best} of {self.tried} starts reached the best optimum; another may exist"
            notices.append(Notice(code="few_starts_at_best", message=text))
        if self.gradient > _FLATTEST:
            text = f"the gradient at the optimum is {self.gradient:.1e} of its scale, above {_FLATTEST:g}"
            notices.append(Notice(code="gradient_not_zero", message=text))
        return notices


def find_optimum(problem: Problem) -> Optimum:
    """The least F from the eight best starts of the grid, from all 36 where not half of the eight agree on it.

    Raises RefusedError `loss_does_not_fall` where no exponents give a start.
    """
    sample = problem
    if len(problem.x) > _SAMPLE_ROWS:
        # Evenly in the order of size, tokens and loss: the same sample whatever the order of the rows.
        order = row_order(problem.x, problem.y, problem.z)
        sample = problem.rows(order[np.linspace(0, len(order) - 1, _SAMPLE_ROWS).astype(np.int64)])
    starts = spread_starts(sample)
    if not len(starts):
        raise RefusedError(
            "loss_does_not_fall", "no exponents make the losses fall with both N and D; look at the runs"
        )
    theta, value = _ends(sample, starts[:_FIRST_STARTS])
    if _agreeing(value) < 0.5 * len(value) and len(starts) > _FIRST_STARTS:
        more_theta, more_value = _ends(sample, starts[_FIRST_STARTS:])
        theta, value = np.concatenate([theta, more_theta]), np.concatenate([value, more_value])
    ones = np.ones((1, len(problem.x)))
    if sample is problem:
        best = minimise(problem, theta[np.argmin(value)][None], ones)
        return Optimum(
            theta=best.theta[0], value=float(best.value[0]), gradient=float(best.gradient[0]),
            tried=len(value), at_best=_agreeing(np.append(value, best.value)) - 1,
        )  # fmt: skip
    # Ends of the sample that are not the same go on with all rows; a start is at the best if its end is.
    order = np.argsort(value)
    first = order[np.append(True, np.diff(value[order]) > _AT_BEST * value[order[:-1]])][:_MOST_ENDS]
    ends = minimise(problem, theta[first], ones)
    best_end = int(np.argmin(ends.value))
    reached = [value[start] for start, end in zip(first, ends.value, strict=True) if _same(end, ends.value[best_end])]
    return Optimum(
        theta=ends.theta[best_end], value=float(ends.value[best_end]), gradient=float(ends.gradient[best_end]),
        tried=len(value), at_best=int(sum(np.sum(_same(value, end)) for end in reached)),
    )  # fmt: skip


def _ends(problem: Problem, starts: Array) -> tuple[Array, Array]:
    ends = minimise(problem, starts, np.ones((1, len(problem.x))), RESAMPLE)
    return ends.theta, ends.value


def _same(value: Array | float, least: float) -> NDArray[np.bool_]:
    # The second term is for residuals that are rounding errors.
    return np.asarray(np.abs(np.asarray(value) - least) <= _AT_BEST * np.abs(least) + 1e-15)


def _agreeing(value: Array) -> int:
    return int(np.sum(_same(value, float(value.min()))))
