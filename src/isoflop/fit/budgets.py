"""Which rows belong to one isoFLOP budget: by the target compute, or without one by the FLOPs they spent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from isoflop.observations import Observations


# Runs designed for one budget differ by whole steps and rounded shapes, a few per cent; budgets by 1.5 and more.
SAME_BUDGET = math.log(1.12)
"""Of ln FLOPs: runs nearer than that belong to one isoFLOP budget."""
_WIDTH = np.log(1.35)

_SAME_TARGET = 1e-4  # of ln C

# Budgets among other runs: rows within 6 % of one C (points of Hoffmann et al.'s figure 4 scatter by 5 % about their
# nine budgets), four times as many as the rows within a factor 1.4 around them lead to expect, of four sizes and more.
_NARROW = 0.06
_AROUND = 0.35
_DENSE = 4.0
_FEWEST_ROWS = 6
_FEWEST_SIZES = 4
_APART = np.log(1.1)  # sizes nearer than that are shapes of one size
_SPAN = np.log(3.0)


def budget_labels(observations: Observations) -> NDArray[np.int64]:
    """Number of each row's budget, ascending from 0; -1 for rows that belong to none.

    Rows with a target are grouped by it. The others are chained by their C where neighbours lie within 12 % (single
    linkage); a chain longer than 35 %, or longer than the gap to its neighbour, is a continuum, not a budget.
    """
    labels = np.full(len(observations), -1, dtype=np.int64)
    targeted = np.isfinite(observations.budget)
    targets, which = np.unique(observations.budget[targeted], return_inverse=True)
    # Budgets that went through a text file, or through 6 N D of whole steps, are the same budget.
    same = np.concatenate([[0], np.cumsum(np.diff(np.log(targets)) > _SAME_TARGET)]) if len(targets) else which
    groups = split_by_label(np.flatnonzero(targeted), same[which] if len(targets) else which)
    rest = np.flatnonzero(~targeted)
    chains: list[NDArray[np.int64]] = []
    if len(rest):
        order = rest[np.argsort(observations.C[rest], kind="stable")]
        logs = np.log(observations.C[order])
        chains = [
            order[chain] for chain in np.split(np.arange(len(order)), np.flatnonzero(np.diff(logs) > SAME_BUDGET) + 1)
        ]
    for number, chain in enumerate(chains):
        if np.ptp(np.log(observations.C[chain])) <= _WIDTH and _is_separated(observations.C, chains, number):
            groups.append(chain)
    # A median is slow, and a foreign table may have a target of its own in every row.
    alone = [len(rows) == 1 for rows in groups]
    spent = [observations.C[rows] for rows in groups]
    middles = [float(C[0]) if one else float(np.median(C)) for C, one in zip(spent, alone, strict=True)]
    groups = [groups[i] for i in np.argsort(middles, kind="stable")]
    for number, rows in enumerate(groups):
        labels[rows] = number
    return labels


def budgets_among_others(observations: Observations) -> NDArray[np.int64]:
    """Number of each row's budget where isoFLOP runs are mixed with others, ascending from 0; -1 for the others.

    A budget is a narrow cluster of C: at least six rows of four sizes that span a factor 3. None in tables with several
    rows a run, whose clusters are sizes times token counts.
    """
    labels = np.full(len(observations), -1, dtype=np.int64)
    if int(observations.run_number.max(initial=-1)) + 1 < len(observations):
        return labels
    logs = np.log(observations.C)
    free = np.ones(len(logs), dtype=bool)
    clusters: list[NDArray[np.bool_]] = []
    # Densest window first: the narrow range of ln C with most rows, against the density around it.
    while free.sum() >= _FEWEST_ROWS:
        values = np.sort(logs[free])
        ends = np.searchsorted(values, values + _NARROW, side="right")
        first = int(np.argmax(ends - np.arange(len(values))))
        low, high = values[first], values[ends[first] - 1]
        cluster = free & (logs >= low) & (logs <= high)
        nearby = free & ~cluster & (logs > low - _AROUND) & (logs < high + _AROUND)
        expected = float(nearby.sum()) * _NARROW / (2 * _AROUND)
        if cluster.sum() < max(_FEWEST_ROWS, _DENSE * expected):
            break
        free &= ~cluster
        sizes = np.sort(np.log(observations.N[cluster]))
        if np.sum(np.diff(sizes) > _APART) >= _FEWEST_SIZES - 1 and np.ptp(sizes) >= _SPAN:
            clusters.append(cluster)
    for number, cluster in enumerate(sorted(clusters, key=lambda rows: float(logs[rows].min()))):
        labels[cluster] = number
    return labels


def split_by_label(rows: NDArray[np.int64], labels: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The `rows` of each label, labels ascending, rows as they came."""
    if not len(rows):
        return []
    order = np.argsort(labels, kind="stable")
    return np.split(rows[order], np.flatnonzero(np.diff(labels[order])) + 1)


def _is_separated(C: NDArray[np.float64], chains: list[NDArray[np.int64]], number: int) -> bool:
    """Whether chain `number` is narrower than the gaps to its neighbours."""
    mine = np.log(C[chains[number]])
    gaps = [float(mine.min() - np.log(C[chain].max())) for chain in chains[:number][-1:]]
    gaps += [float(np.log(C[chain].min()) - mine.max()) for chain in chains[number + 1 :][:1]]
    return all(float(np.ptp(mine)) < gap for gap in gaps)


def is_isoflop_design(labels: NDArray[np.int64]) -> bool:
    """True where four rows in five lie in budgets of three rows and more."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    return bool(sizes[sizes >= 3].sum() >= 0.8 * len(labels))
