"""The fits that estimators of the size are made from: of all rows, and of those below a cut in compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import RefusedError
from isoflop.fit.envelope.fit import fit_envelope
from isoflop.fit.forecast.rolling_origin import forecast_weights, thinned
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.forms.table import CHINCHILLA
from isoflop.fit.isoflop.fit import fit_isoflop
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.parametric.fit import PUBLISHED_DELTA, fit_parametric
from isoflop.fit.parametric.resampling_units import resample_weights
from isoflop.fit.preconditions import strata
from isoflop.fit.result import Fits, IsoflopFit, Refused, or_refused
from isoflop.fit.size.bend import ComputeDesign, ComputeScale
from isoflop.fit.size.estimators import SizeEstimator, of_all_rows, of_forms, of_isoflop, scale_by
from isoflop.laws import ComputeCost
from isoflop.laws.law import Surface

if TYPE_CHECKING:
    from isoflop.observations import Observations

_DRAWS = 60  # of each estimator at an origin: they weigh it, and make no interval
_MOST_ROWS = 500  # an origin's; likewise


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """The estimators of the best size that some rows give."""

    isoflop: IsoflopFit | Refused
    """Approach 2, or its refusal."""
    estimators: tuple[SizeEstimator, ...]
    scale: ComputeScale
    """In which their frontiers are straight."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RowFits(Fits):
    """The fits of some rows, which no prior of the bend has a part in."""

    data: Observations
    cost: ComputeCost
    laws: Mapping[str, Surface]
    """{form: law} near the frontier; empty where the losses there do not fall with both N and D."""
    draws: Mapping[str, Surface]
    """{form: the same with arrays of resampled constants}."""

    @classmethod
    def of(cls, data: Observations, cost: ComputeCost, *, draws: int, seed: int) -> RowFits:
        """All approaches and forms on `data`, with `draws` resamples each; what is refused says so in its status."""
        laws, drawn = _forms(data, draws, seed)
        return cls(
            data=data,
            cost=cost,
            isoflop=or_refused("isoflop", lambda: fit_isoflop(data, cost=cost, draws=draws, seed=seed)),
            parametric=or_refused("parametric", lambda: fit_parametric(data, cost=cost, draws=draws, seed=seed)),
            envelope=or_refused("envelope", lambda: fit_envelope(data, cost=cost, draws=draws, seed=seed)),
            laws=laws,
            draws=drawn,
        )

    def rows(self, prior: Bend) -> Rows:
        """All estimators that these rows allow, the vertices' bend under `prior`; none where all are refused."""
        scale = scale_by(self.cost, self.laws.get(CHINCHILLA.name), self.surface)
        everywhere = all_rows_design(self.data, scale)
        estimators = [of_isoflop(self.isoflop, prior, scale)]
        if self.laws:
            estimators += of_forms(self.laws, self.draws, frontier_design(self.data, scale))
        estimators += [of_all_rows(self.parametric, everywhere), of_all_rows(self.envelope, everywhere)]
        return Rows(
            isoflop=self.isoflop, estimators=tuple(item for item in estimators if item is not None), scale=scale
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class OriginFits:
    """The fits of the rows below each cut in compute, computed once: a backtest looks at the same origins again."""

    data: Observations
    cost: ComputeCost
    seed: int = 0
    cache: dict[int, RowFits] = field(default_factory=dict)
    """{number of rows below the cut: their fits}: rows are cut by compute, so that their number names them."""

    def below(self, cut: float) -> RowFits:
        """The fits of the rows that spent less than `cut` FLOPs."""
        below = np.less(self.data.C, cut)
        count = int(below.sum())
        if count not in self.cache:
            known = thinned(self.data.select(below), _MOST_ROWS)
            self.cache[count] = RowFits.of(known, self.cost, draws=_DRAWS, seed=self.seed)
        return self.cache[count]


def frontier_design(data: Observations, scale: ComputeScale) -> ComputeDesign:
    """The design of rows with their weights in a forecast: those near the frontier and of much compute count most."""
    return ComputeDesign.of(scale.place(data.C), forecast_weights(data))


def all_rows_design(data: Observations, scale: ComputeScale) -> ComputeDesign:
    """The design of rows with equal weights."""
    return ComputeDesign.of(scale.place(data.C), np.ones(len(data)))


def _forms(data: Observations, draws: int, seed: int) -> tuple[dict[str, Surface], dict[str, Surface]]:
    """({form: law}, {form: draws}) of rows near the frontier; empty where these do not fall with both N and D."""
    try:
        fitted = FittedForms.of(data, PUBLISHED_DELTA, forecast_weights(data))
    except RefusedError:
        return {}, {}
    resamples = resample_weights(data, strata(data), draws, np.random.default_rng(seed))
    return fitted.laws, fitted.draws(resamples)
