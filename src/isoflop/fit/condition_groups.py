"""The groups of a table that mixes conditions, each with its own answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import to_json
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit.diverged import without_diverged
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.mixed_conditions import telling_columns
from isoflop.fit.parametric.fit import fit_parametric
from isoflop.fit.result import IsoflopFit, ParametricFit, not_finite
from isoflop.fit.result.conditions import ConditionGroup, ConditionGroups
from isoflop.laws import ChinchillaLaw, ComputeCost, FrontierLaw
from isoflop.observations import Observations

_DRAWS = 500  # resamples of each group: two digits of its interval

Where = Mapping[str, str]
"""{column: word} of one condition."""


def condition_groups(
    data: Observations, *, cost: ComputeCost, seed: int = 0, read: Callable[[Where], Observations] | None = None
) -> ConditionGroups | None:
    """The conditions that the runs `data` mix, each fitted alone; None where one law may serve them all, and where
    no condition has an answer.

    `read` returns the runs of one condition as the source has them; without it they are taken from `data`, where at one
    N and D the best of several settings stands for all.
    """
    by = telling_columns(data.finals().fresh())
    if not by:
        return None
    words = list(zip(*(data.conditions[column] for column in by), strict=True))
    parts = []
    for each, _ in sorted(Counter(words).items(), key=lambda item: item[0]):
        where = dict(zip(by, each, strict=True))
        rows = data.select(np.array([row == each for row in words]))
        if read is not None:
            with suppress(InputError, RefusedError):  # an empty cell cannot be asked for
                rows = read(where)
        ends = without_diverged(rows)[0].finals().fresh()
        if len(ends):
            parts.append((where, ends))
    if not parts:
        return None
    flops = min(float(rows.C.max()) for _, rows in parts)
    groups = tuple(_group(where, rows, cost, flops, seed) for where, rows in parts)
    if all(group.approach is None for group in groups):
        return None  # the refusals of the approaches say more
    return ConditionGroups(by=by, flops=flops, groups=groups)


def pooled_notices(data: Observations) -> tuple[Notice, ...]:
    """`mixed_conditions` where the runs, ends of fresh text, mix conditions and are fitted as one all the same."""
    by = telling_columns(data)
    if not by:
        return ()
    text = f"the runs differ in {', '.join(by)}, and no one law is theirs; they are fitted as one, as was asked"
    return (Notice(code="mixed_conditions", message=text),)


def _group(where: dict[str, str], rows: Observations, cost: ComputeCost, flops: float, seed: int) -> ConditionGroup:
    """The answer of one group: approach 3 where it knows how the optimum grows, else approach 2."""
    reasons = []
    fits: tuple[Callable[[], ParametricFit | IsoflopFit], ...] = (
        lambda: fit_parametric(rows, cost=cost, draws=_DRAWS, seed=seed),
        lambda: fit_isoflop(rows, cost=cost, draws=_DRAWS, seed=seed),
    )
    for fit in fits:
        try:
            found = fit()
            if isinstance(found, ParametricFit) and not found.identified.get("a", False):
                reasons.append("these runs do not tell how the optimum grows")
                continue
            group = _answer(where, len(rows), found, flops)
        except (InputError, RefusedError) as error:
            reasons.append(str(error))
            continue
        if not not_finite(to_json(group)):
            return group
    return ConditionGroup(where=where, rows=len(rows), reason="; ".join(reasons))


def _answer(where: dict[str, str], rows: int, fit: ParametricFit | IsoflopFit, flops: float) -> ConditionGroup:
    def size(law: ChinchillaLaw | FrontierLaw) -> Array:
        return np.asarray(law.optimum(flops, fit.cost)[0])

    return ConditionGroup(
        where=where,
        rows=rows,
        approach=fit.approach,
        a=fit.exponents[0],
        a_interval=fit.intervals["a"],
        params=fit.optimum(flops)[0],
        params_interval=fit.interval(size),
    )
