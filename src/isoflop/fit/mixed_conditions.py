"""Tables that mix conditions: a column whose groups of rows lie on different surfaces, so that no one law is theirs.

The surface is ln loss as a quadratic in ln N and ln D with two falling powers: smooth enough for every form, and fitted
by least squares. A column tells conditions apart where a height and two slopes for each of its values lower the squares
by more than chance (F test, Bonferroni over the columns) and are worth more than the noise and half a percent of the
loss. The strongest column is taken, then those that still part its groups.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from isoflop.arrays import Array, Labels
from isoflop.fit.significance import ALARM_LEVEL
from isoflop.observations import Observations
from isoflop.observations.exclusions import combined, numbered
from isoflop.observations.repeats import MEASURED, SETTING, normal_of_f, spaced

LEAST_SIZE = 5e-3
"""Difference between groups in ln loss, twice the root mean square of what tells them apart, below which one law serves
them all. Data orders and seeds make .1 to .5 %."""
_POWER = 0.35  # of the falling terms of the surface: exponents of published laws are .28 to .47
_FEWEST_ROWS = 4  # of a group: a height and two slopes, and one to spare; smaller groups count together
_FEWEST_FREE = 6  # degrees of freedom that the noise is known with
_LEVEL = ALARM_LEVEL / 4  # of all columns: a refusal costs more than a warning, and two conditions seldom lie near
_MOST_GROUPS = 30
_OUTCOME = 5  # groups or more, one above the other in loss, are a measurement of the loss


def telling_columns(data: Observations) -> tuple[str, ...]:
    """The columns by which the rows of `data`, ends of runs, lie on different surfaces; empty where on one."""
    if not len(data):
        return ()
    runs = _mean_by_run(data)
    labels = {name: each for name, each in runs.labels.items() if _may_tell(runs, each)}
    chosen: list[str] = []
    groups = np.zeros(len(runs.z), dtype=np.int64)
    while labels:
        level = NormalDist().inv_cdf(1 - _LEVEL / len(labels))
        found = {}
        for name, each in labels.items():
            finer = _merged(combined([groups, each]))
            if groups.max() < finer.max() < _MOST_GROUPS:
                deviate, size = runs.told_apart(groups, finer)
                if deviate > level and size > LEAST_SIZE:
                    found[name] = size
        if not found:
            break
        name = max(found, key=lambda each: (_rank(each), found[each]))
        groups = _merged(combined([groups, labels.pop(name)]))
        chosen.append(name)
    return tuple(chosen)


def _rank(column: str) -> int:
    """What a loss is measured on comes before how its run was trained, and that before columns of other names."""
    name = spaced(column)
    return 2 if MEASURED.search(name) else 1 if SETTING.search(name) else 0


class _Runs:
    """ln N, ln D and ln loss of each run, and its label in each column."""

    def __init__(self, x: Array, y: Array, z: Array, labels: dict[str, Labels]) -> None:
        self.x, self.y, self.z, self.labels = x - x.mean(), y - y.mean(), z, labels
        x, y = self.x, self.y
        falling = [np.exp(-_POWER * x), np.exp(-_POWER * y)]
        self.surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y, *falling], axis=1)

    def told_apart(self, coarse: Labels, fine: Labels) -> tuple[float, float]:
        """(normal deviate of the F test that `fine` groups lie apart where `coarse` ones do already, the size of it);
        zeros where there are too few runs."""
        before, after = (self._basis(groups) for groups in (coarse, fine))
        free = len(self.z) - after.shape[1]
        more = after.shape[1] - before.shape[1]
        if free < _FEWEST_FREE or more < 1:
            return 0.0, 0.0
        by_coarse, by_fine = before @ (before.T @ self.z), after @ (after.T @ self.z)
        noise = float(np.sum((self.z - by_fine) ** 2)) / free
        apart = float(np.sum((by_fine - by_coarse) ** 2))
        # Less what as many columns take of the noise.
        size = 2 * float(np.sqrt(max(apart - more * noise, 0.0) / len(self.z)))
        deviate = normal_of_f(apart / more / max(noise, 1e-30), more, free)
        return deviate, size if size > np.sqrt(noise) else 0.0

    def _basis(self, groups: Labels) -> Array:
        """Orthonormal columns of the surface with a height and two slopes for each group."""
        each = (groups[:, None] == np.arange(groups.max() + 1)).astype(np.float64)
        columns = np.concatenate([self.surface, each, each * self.x[:, None], each * self.y[:, None]], axis=1)
        left, values, _ = np.linalg.svd(columns / np.linalg.norm(columns, axis=0).clip(1e-300), full_matrices=False)
        return np.asarray(left[:, values > 1e-7 * values[0]])


def _mean_by_run(data: Observations) -> _Runs:
    """The rows as runs: those of one run err together and count once, at their mean. A column whose words differ within
    a run is left out."""
    run = data.run_number
    rows = np.bincount(run)
    x, y, z = (np.bincount(run, np.log(values)) / rows for values in (data.N, data.D, data.loss))
    _, first = np.unique(run, return_index=True)
    labels = {}
    for name, words in data.conditions.items():
        each = numbered(np.array(words, dtype=str))
        if np.array_equal(each[first][run], each):
            labels[name] = _merged(each[first])
    return _Runs(x, y, z, labels)


def _merged(labels: Labels) -> Labels:
    """The labels with all groups of fewer than four rows as one."""
    return numbered(np.where(np.bincount(labels)[labels] < _FEWEST_ROWS, -1, labels))


def _may_tell(runs: _Runs, labels: Labels) -> bool:
    """Whether the groups of a column are no mere ranges of size, tokens, compute or ratio, nor, where many, of loss."""
    groups = int(labels.max()) + 1
    if groups < 2:
        return False
    design = (runs.x, runs.y, runs.x + runs.y, runs.y - runs.x, *([runs.z] if groups >= _OUTCOME else []))
    return not any(_are_ranges(values, labels) for values in design)


def _are_ranges(values: Array, labels: Labels) -> bool:
    """Whether the groups follow one another along `values`."""
    least, most = (np.full(int(labels.max()) + 1, sign * np.inf) for sign in (1, -1))
    np.minimum.at(least, labels, values)
    np.maximum.at(most, labels, values)
    order = np.argsort(least)
    return bool(np.all(most[order][:-1] <= least[order][1:] + 1e-9))
