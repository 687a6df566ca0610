"""Gaps of ln loss in the cells of one evaluation set, with what their noise is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.compare.cells import Cell
from isoflop.compare.noise import NOTHING, Scatter, of_groups, scatter

_ENOUGH_ALONE = 3
"""Degrees of freedom of each side from which on the two sides may have noise of their own (Welch 1947)."""
_BALANCED = 1.5
"""Ratio of the sides' degrees of freedom up to which one variance is pooled: between equal numbers of runs the test
keeps its level where the variances differ (Box 1954), and has the more degrees of freedom."""
_FEWEST_PAIRED = 2
"""Degrees of freedom of differences from which on pairs are used: with one, Student's quantile of 6.3 costs more than a
shared seed saves, unless nine tenths of the noise are shared."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """Cells of one set in numbers; arrays have one entry a cell."""

    name: str
    cells: tuple[Cell, ...]
    log_a: Array
    """Mean ln loss of A's runs."""
    log_b: Array
    shares_a: Array
    """What one run's variance of A counts in the cell's mean: 1 / runs, 0 where runs are paired."""
    shares_b: Array
    shares_pair: Array
    """1 / pairs where runs are paired, else 0."""
    noise_a: Scatter
    """Of ln loss of one run of A."""
    noise_b: Scatter
    noise_pair: Scatter
    """Of the difference of ln loss of one pair."""

    @property
    def gap(self) -> Array:
        """ln L_A - ln L_B."""
        return self.log_a - self.log_b

    @property
    def paired(self) -> bool:
        """Whether runs of one label are compared with each other."""
        return bool(np.any(self.shares_pair > 0))

    @property
    def degrees(self) -> int:
        """Degrees of freedom of the noise within cells."""
        return self.noise_pair.degrees if self.paired else self.noise_a.degrees + self.noise_b.degrees

    def noise(self, weight_a: Array, weight_b: Array) -> tuple[Array, float]:
        """(variance of each cell's weighted difference, degrees of freedom), by noise within cells.

        The difference is weight_a ln L_A - weight_b ln L_B. Of sides with unlike numbers of repeats each has its own
        variance, and the degrees are Satterthwaite's of the mean over the cells; else one variance is pooled over both.
        Without a repeat the variances are relative and the degrees 0.
        """
        if not self.degrees:
            middle = (weight_a + weight_b) / 2
            return middle**2 * (self.shares_pair + self.shares_a + self.shares_b), 0.0
        if self.paired:
            middle = (weight_a + weight_b) / 2
            return middle**2 * self.shares_pair * self.noise_pair.variance, self.noise_pair.degrees
        both = self.noise_a + self.noise_b
        fewer, more = sorted((self.noise_a.degrees, self.noise_b.degrees))
        own = fewer >= _ENOUGH_ALONE and more > _BALANCED * fewer
        of_a, of_b = (self.noise_a, self.noise_b) if own else (both, both)
        from_a, from_b = weight_a**2 * self.shares_a * of_a.variance, weight_b**2 * self.shares_b * of_b.variance
        if not own:
            return from_a + from_b, both.degrees
        parts = [(float(from_a.mean()), of_a.degrees), (float(from_b.mean()), of_b.degrees)]
        total = sum(part for part, _ in parts)
        below = sum(part**2 / degrees for part, degrees in parts)
        return from_a + from_b, total**2 / below if below > 0 else math.inf


def gaps_of(cells: Sequence[Cell], name: str, extra: Scatter = NOTHING) -> Gaps | None:
    """The gaps on one set; `extra` is scatter of ln loss of other repeated runs. None where no cell has the set."""
    found = [each for each in (cell.of_set(name) for cell in cells) if each is not None]
    if not found:
        return None
    pairs = [_pairs(cell, name) for cell in found]
    degrees = sum(len(each) - 1 for each in pairs)
    enough = max(degrees, 0 if extra.degrees else degrees + len(found) - 1) >= _FEWEST_PAIRED
    use = enough and all(len(each) > 0 for each in pairs)
    if use:
        logs = np.array([[each[:, 0].mean(), each[:, 1].mean()] for each in pairs])
        differences = scatter(each[:, 0] - each[:, 1] for each in pairs)
    else:
        logs, differences = np.array([cell.log_losses(name) for cell in found]), NOTHING
    count = [[len(cell.a.runs), len(cell.b.runs), max(1, len(each))] for cell, each in zip(found, pairs, strict=True)]
    shares = 1 / np.array(count, dtype=np.float64)
    half = Scatter(squares=extra.squares, degrees=extra.degrees)
    noise_a, noise_b = of_groups((cell.a for cell in found), name), of_groups((cell.b for cell in found), name)
    return Gaps(
        name=name,
        cells=tuple(found),
        log_a=logs[:, 0],
        log_b=logs[:, 1],
        shares_a=shares[:, 0] * (not use),
        shares_b=shares[:, 1] * (not use),
        shares_pair=shares[:, 2] * use,
        noise_a=noise_a + noise_b + half if extra.degrees else noise_a,
        noise_b=NOTHING if extra.degrees else noise_b,
        noise_pair=differences,
    )


def _pairs(cell: Cell, name: str) -> Array:
    """ln loss of A and of B under each label that both have, (pairs, 2)."""
    by_label = [{run.label: run.losses[name] for run in group.runs} for group in (cell.a, cell.b)]
    values = [[by_label[0][label], by_label[1][label]] for label in cell.labels]
    return np.log(np.array(values, dtype=np.float64).reshape(-1, 2))
