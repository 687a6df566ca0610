"""The rate at another size, from a learning-rate check at several sizes.

A cell of the check is one model on one number of tokens at several rates. The vertex of a parabola in the logarithm of
the rate is its optimum; where that lies beyond the rates that were tried, the shift ends one step beyond the recipe's
own. Each shift is shrunk towards 0 by its standard error, as the mean of a normal with the prior PRIOR.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from isoflop.units import format_number, percent

PRIOR = math.log(2) / 2
"""Standard deviation, in ln rate, that a recipe's rate is expected to be off by before the check: half of a step of the
check. Rates 0.6 and 1.6 times as high were both worse where the recipe was measured (`SmallRecipe.reference_lr`)."""
REACH = 0.5
"""How far beyond the checked sizes a trend continues, over their span in ln N; constant from there on. A choice: a line
through three sizes is then as uncertain as its own rise over half of what it was seen on."""


@dataclass(frozen=True, kw_only=True)
class CheckedCell:
    """One model at several rates."""

    params: float
    """N of the model, in the convention in which the trend is asked."""
    rates: tuple[float, ...]
    """Ascending."""
    losses: tuple[float | None, ...]
    """Of each rate; None where the run failed: no rate to prefer."""
    chosen: float
    """The recipe's own, one of `rates`."""

    @property
    def best(self) -> int:
        """Place of the lowest loss; of equal ones, of the rate nearest to the recipe's own."""
        own = self.rates.index(self.chosen)
        known = [(loss, abs(place - own), place) for place, loss in enumerate(self.losses) if loss is not None]
        return min(known)[2]

    @property
    def gain(self) -> float:
        """By what share of the loss the best rate is below the recipe's own; infinite where that run failed."""
        own = self.losses[self.rates.index(self.chosen)]
        best = self.losses[self.best]
        return math.inf if own is None or best is None else 1 - best / own

    def shift(self, scatter: float) -> tuple[float, float]:
        """(ln of the best rate over the recipe's, its standard error with runs of relative `scatter`).

        The vertex of a parabola through the best rate and its neighbours, no further than the rates went; where there
        is none, the best rate.
        """
        x = np.log(np.asarray(self.rates) / self.chosen)
        first = min(max(self.best - 1, 0), len(x) - 3)
        three, losses = x[first : first + 3], self.losses[first : first + 3]
        best = float(x[self.best])
        # At the recipe's own rate, and where the recipe's run failed, the gain has no noise to be held against.
        certain = best == 0 or math.isinf(self.gain)
        # of an outer rate: what it gains, against what two runs differ by
        of_gain = 0.0 if certain else abs(best) * math.sqrt(2) * scatter / self.gain
        if all(loss is not None for loss in losses):
            centred = three - three[1]
            bend, slope, _ = np.polyfit(centred, np.log(np.asarray(losses, dtype=np.float64)), 2)
            if bend > 0:
                vertex = float(np.clip(-slope / (2 * bend), centred[0], centred[2]))
                # errors of the three losses, each `scatter`, in slope and bend of the parabola through them
                to_bend, to_slope, _ = np.linalg.norm(np.linalg.inv(np.vander(centred, 3)), axis=1) * scatter
                error = float(math.hypot(to_slope, 2 * vertex * to_bend) / (2 * bend))
                # far beyond the rates the parabola says little of where, and the gain that it is beyond
                outer = self.best in (0, len(x) - 1)
                return vertex + float(three[1]), min(error, of_gain) if outer else error
        return best, of_gain


@dataclass(frozen=True, kw_only=True)
class RateTrend:
    """Factor of a check on a recipe's peak rate, against N."""

    json_also: ClassVar = ("reason",)

    centre: float
    """Geometric mean of the checked sizes."""
    shift: float
    """ln of the factor there."""
    slope: float
    """Its change with ln N; 0 where the sizes do not tell one from none."""
    smallest: float
    largest: float
    """N between which the slope holds; beyond them the factor stays what it is there."""
    most: float
    """|ln factor| at the most: a step of the check."""
    cells: tuple[CheckedCell, ...]

    def factor(self, params: float) -> float:
        """Factor on the recipe's peak rate at N = `params`."""
        held = min(max(params, self.smallest), self.largest)
        shift = self.shift + self.slope * math.log(held / self.centre)
        return math.exp(min(max(shift, -self.most), self.most))

    @property
    def reason(self) -> str:
        """The result of the check, in words."""
        results = []
        for cell in self.cells:
            times = cell.rates[cell.best] / cell.chosen
            gain = "where the recipe's failed" if math.isinf(cell.gain) else f"by {percent(cell.gain)}"
            best = "the recipe's rate" if times == 1 else f"{format_number(times, 2)} times the recipe's rate, {gain},"
            results.append(f"{best} at {cell.params:,.0f} parameters")
        return f"the learning-rate check found best {'; '.join(results)}"


def rate_trend(cells: Sequence[CheckedCell], scatter: float) -> RateTrend | None:
    """The shift of the rate by `cells`, with runs of relative `scatter`; None where the recipe's rate stands.

    It stands where no cell has its best at an outer rate by more than two runs differ by chance.
    """
    chance = math.sqrt(2) * scatter
    if not any(cell.best in (0, len(cell.rates) - 1) and cell.gain > chance for cell in cells):
        return None
    x = np.log([cell.params for cell in cells])
    shifts, errors = np.asarray([cell.shift(scatter) for cell in cells]).T
    # Posterior mean of each cell's shift: a normal prior about 0 and a measurement with a known standard error.
    shrunk = shifts * PRIOR**2 / (PRIOR**2 + errors**2)
    centre = float(x.mean())
    span = float(x.max() - x.min())
    slope, wide = 0.0, float(np.sum((x - centre) ** 2))
    if wide > 0:
        slope = float(np.sum((x - centre) * shrunk) / wide)
        # a shift is off by its own error, yet by no more than the prior leaves
        left = np.sqrt(PRIOR**2 * errors**2 / (PRIOR**2 + errors**2))
        off_line = shrunk - shrunk.mean() - slope * (x - centre)
        error = math.sqrt(float(np.mean(left**2) + np.sum(off_line**2) / max(len(x) - 2, 1)) / wide)
        # Positive-part shrinkage (James and Stein 1961): a slope within its standard error is taken as none.
        slope *= max(0.0, 1 - (error / slope) ** 2) if slope else 0.0
    most = max(abs(math.log(rate / cell.chosen)) for cell in cells for rate in cell.rates)
    return RateTrend(
        centre=math.exp(centre),
        shift=float(shrunk.mean()),
        slope=slope,
        smallest=math.exp(float(x.min()) - REACH * span),
        largest=math.exp(float(x.max()) + REACH * span),
        most=most,
        cells=tuple(cells),
    )
