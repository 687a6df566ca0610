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
    longer than 35 %, or longer than the gap to its neighbour, is a continuum, not a budget.
    """
    labels = np.full(len(observations), -1, dtype=np.int64)
    wished = np.isfinite(observations.budget)
    groups: list[NDArray[np.int64]] = []
    # Nine digits: a budget that went through a text file is the same budget.
    wishes = np.array([float(f"{value:.9g}") for value in observations.budget])
    groups += [np.flatnonzero(wished & (wishes == value)) for value in np.unique(wishes[wished])]
    rest = np.flatnonzero(~wished)
    chains: list[NDArray[np.int64]] = []
    if len(rest):
        order = rest[np.argsort(observations.C[rest], kind="stable")]
        logs = np.log(observations.C[order])
        chains = [order[chain] for chain in np.split(np.arange(len(order)), np.flatnonzero(np.diff(logs) > _GAP) + 1)]
    for number, chain in enumerate(chains):
        if np.ptp(np.log(observations.C[chain])) <= _WIDTH and _stands_apart(observations.C, chains, number):
            groups.append(chain)
    groups.sort(key=lambda rows: float(np.median(observations.C[rows])))
    for number, rows in enumerate(groups):
        labels[rows] = number
    return labels


def _stands_apart(C: NDArray[np.float64], chains: list[NDArray[np.int64]], number: int) -> bool:
    """Whether chain `number` is narrower than the gaps to the chains beside it."""
    mine = np.log(C[chains[number]])
    gaps = [float(mine.min() - np.log(C[chain].max())) for chain in chains[:number][-1:]]
    gaps += [float(np.log(C[chain].min()) - mine.max()) for chain in chains[number + 1 :][:1]]
    return all(float(np.ptp(mine)) < gap for gap in gaps)


def is_isoflop_design(labels: NDArray[np.int64]) -> bool:
    """True where four rows in five lie in budgets of three rows and more."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    return bool(sizes[sizes >= 3].sum() >= 0.8 * len(labels))
