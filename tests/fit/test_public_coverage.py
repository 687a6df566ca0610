"""Forecasts of size and loss on public tables, held against the budgets that came.

A part of docs/sizes.md and docs/forecasts.md that takes seconds: four conditions of Porian et al. 2024, and the figure
of Hoffmann et al. 2022. Bounds are those of a promise, not of the tables' own results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from isoflop.fit import IsoflopFit, fit_isoflop, fit_parametric
from isoflop.fit.forecast.build import build_forecaster
from isoflop.fit.size.backtest import forecaster_of_rows
from isoflop.observations import Observations, read_observations

from .designs import FIGURE_240
from .porian import points, rows

_Z = 1.645
_ORIGINS = (5, 8)  # vertices below the cut


@dataclass(frozen=True, kw_only=True)
class _Came:
    family: str
    factor: float
    error: float
    """ln predicted over what came."""
    low: float
    high: float
    """Ends of the interval less the point forecast."""
    se: float = 0.0
    """Standard error of what came."""

    def inside(self, *, widened: bool = False) -> bool:
        extra = _Z * self.se if widened else 0.0
        return bool(-np.hypot(self.high, extra) <= self.error <= np.hypot(self.low, extra))


@pytest.fixture(scope="module")
def tables() -> list[tuple[str, Observations]]:
    """(family, runs) of a figure and of four conditions whose schedule matches or is constant."""
    figure = read_observations(
        FIGURE_240, params_convention="total", flops_convention="six_n", loss_unit="nats_per_token"
    )
    found = [("chinchilla", figure)]
    for condition in rows("isoflop_points.csv"):
        dataset, hparams, _, decay, count, *_ = condition
        if count == "standard" and (hparams, decay) in (("base", "chinchilla"), ("tuned", "const")):
            found.append((f"porian {dataset}", points(condition)))
    assert len(found) == 5
    return found


def _origins(runs: Observations) -> list[tuple[Observations, IsoflopFit, int]]:
    """(rows below a cut, approach 2 on all rows, vertices below the cut)."""
    whole = fit_isoflop(runs, draws=0)
    flops = np.array([vertex.flops for vertex in whole.optima])
    cuts = np.sqrt(flops[1:] * flops[:-1])
    return [
        (runs.select(np.less(runs.C, cuts[number - 1])), whole, number) for number in _ORIGINS if number < len(flops)
    ]


def _each_family_once(cases: list[float], families: list[str]) -> float:
    return float(
        np.mean([np.mean([x for x, of in zip(cases, families, strict=True) if of == f]) for f in set(families)])
    )


def test_sizes_are_inside_their_intervals(tables):
    cases = []
    for family, runs in tables:
        for known, whole, number in _origins(runs):
            forecaster = forecaster_of_rows(known)
            for vertex in whole.optima[number:]:
                found = forecaster.at(vertex.flops)
                low, high = np.log(found.interval) - np.log(found.params)
                cases.append(
                    _Came(
                        family=family,
                        factor=vertex.flops / float(known.C.max()),
                        error=float(np.log(found.params / vertex.params)),
                        low=float(low),
                        high=float(high),
                        se=float(np.hypot(vertex.log_params_se, vertex.asymmetry_se)),
                    )
                )
    for nearest, furthest, widest in ((1.5, 4.5, 0.20), (4.5, 15.0, 0.40)):
        here = [case for case in cases if nearest <= case.factor < furthest]
        families = [case.family for case in here]
        assert _each_family_once([case.inside() for case in here], families) > 0.8
        assert _each_family_once([case.inside(widened=True) for case in here], families) > 0.85
        assert np.median([(case.high - case.low) / 2 for case in here]) < widest
        # The errors are not far below what the intervals say either: a width that holds everything says nothing.
        squares = [(case.error / ((case.high - case.low) / 2 / _Z)) ** 2 for case in here]
        assert 0.3 < _each_family_once(squares, families) < 2.0


def test_losses_are_inside_their_intervals(tables):
    cases = []
    for family, runs in tables:
        for known, _, _ in _origins(runs):
            fit = fit_parametric(known, draws=20)
            forecaster = build_forecaster(known, fit)
            near = np.abs(np.log(runs.N / fit.law.optimum(runs.C, fit.cost)[0])) <= np.log(4.0)
            times = runs.C / known.C.max()
            later = runs.select(near & (times > 1.5) & (times < 12.5))
            predicted = forecaster.point(later.N, later.D)
            low, high = (np.log(forecaster.interval(later.N, later.D)) - np.log(predicted)[:, None]).T
            cases += [
                _Came(family=family, factor=factor, error=error, low=below, high=above)
                for factor, error, below, above in zip(
                    (later.C / known.C.max()).tolist(),
                    np.log(predicted / later.loss).tolist(),
                    low.tolist(),
                    high.tolist(),
                    strict=True,
                )
            ]
    for nearest, furthest, widest in ((1.5, 5.0, 0.025), (5.0, 12.5, 0.035)):
        here = [case for case in cases if nearest <= case.factor < furthest]
        families = [case.family for case in here]
        assert _each_family_once([case.inside() for case in here], families) > 0.8
        assert np.median([(case.high - case.low) / 2 for case in here]) < widest
        assert abs(_each_family_once([case.error for case in here], families)) < 0.01
