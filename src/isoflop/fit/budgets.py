"""Which rows belong to one isoFLOP budget: by the wish, or where there is none, by the FLOPs they spent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoflop.observations import Observations

# Runs meant for one budget differ by whole steps and rounded shapes, a few per cent; budgets by 1.5 and more.
_GAP = np.log(1.12)
_WIDTH = np.log(1.35)


def budget_labels(observations: Observations) -> NDArray[np.int64]:
    """Number of each row's budget, ascending from 0; -1 for rows that belong to none.

    Rows with a wish are grouped by it. The others are chained by computed C where neighbours lie within 12 %; a chain
    longer than 35 % is a continuum, not a budget.
    """
    labels = np.full(len(observations), -1, dtype=np.int64)
    wished = np.isfinite(observations.budget)
    groups: list[NDArray[np.int64]] = []
    # Nine digits: a budget that went through a text file is the same budget.
    wishes = np.array([float(f"{value:.9g}") for value in observations.budget])
    groups += [np.flatnonzero(wished & (wishes == value)) for value in np.unique(wishes[wished])]
    rest = np.flatnonzero(~wished)
    if len(rest):
        order = rest[np.argsort(observations.C[rest], kind="stable")]
        logs = np.log(observations.C[order])
        for chain in np.split(np.arange(len(order)), np.flatnonzero(np.diff(logs) > _GAP) + 1):
            if logs[chain[-1]] - logs[chain[0]] <= _WIDTH:
                groups.append(order[chain])
    groups.sort(key=lambda rows: float(np.median(observations.C[rows])))
    for number, rows in enumerate(groups):
        labels[rows] = number
    return labels


def is_isoflop_design(labels: NDArray[np.int64]) -> bool:
    """True where four rows in five lie in budgets of three rows and more."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    return bool(sizes[sizes >= 3].sum() >= 0.8 * len(labels))
