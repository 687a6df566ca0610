"""Rolling-origin evaluation of the size: each estimator's forecasts of later vertices from the earlier rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from isoflop.codec import Number, Positive
from isoflop.errors import RefusedError
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.result import IsoflopFit, ProfileOptimum, Refused
from isoflop.fit.size.bend import ComputeScale
from isoflop.fit.size.estimators import of_isoflop
from isoflop.fit.size.row_fits import OriginFits, Rows

if TYPE_CHECKING:
    from isoflop.observations import Observations

FEWEST_BUDGETS = 3
_MOST_ORIGINS = 5  # the latest, as for losses


@dataclass(frozen=True, kw_only=True)
class PastSize:
    """Each estimator's forecast of one later vertex, with the bend that all vertices give by now. In ln N."""

    json_also: ClassVar = ("factor",)

    origin_flops: Positive
    """Largest compute that was fitted."""
    target_flops: Positive
    """Compute of the later budget."""
    predicted: dict[str, Number]
    """{estimator: ln N_opt there}."""
    sd: dict[str, Number]
    """{estimator: its standard deviation}."""
    actual: Number
    """ln N at the later budget's vertex, by approach 2 on all rows."""
    actual_se: Number
    """Its standard error, with the scatter of vertices about their curve."""
    share: Positive
    """One over the number of targets of its origin: they share their error."""

    @property
    def factor(self) -> float:
        """target_flops over origin_flops."""
        return self.target_flops / self.origin_flops


def bend_of(isoflop: IsoflopFit | Refused, scale: ComputeScale, prior: Bend) -> Bend:
    """The bend of the vertices of approach 2 under `prior`; the prior where there are none."""
    estimator = of_isoflop(isoflop, prior, scale)
    return prior if estimator is None or estimator.curve is None else estimator.curve.bend


def past_sizes(
    origins: OriginFits, isoflop: IsoflopFit | Refused, scale: ComputeScale, *, prior: Bend
) -> tuple[PastSize, ...]:
    """Forecasts of later vertices from each origin after the third budget, the latest five; empty without budgets.

    `isoflop` is approach 2 on all rows: its vertices are what came, and its bend is taken out of the errors. What
    remains says which estimator to trust, and how far the errors grow for other reasons than the bend.
    """
    if isinstance(isoflop, Refused) or isoflop.draws is None or not isoflop.optima:
        return ()  # of optima that were reported there are no runs to fit again
    vertices = isoflop.optima
    flops = np.log([vertex.flops for vertex in vertices])
    past: list[PastSize] = []
    # Halfway between two vertices: the runs of one budget differ by rounding, and budgets by far more.
    cuts = np.exp(0.5 * (flops[1:] + flops[:-1]))[FEWEST_BUDGETS - 1 :]
    whole = of_isoflop(isoflop, prior, scale)
    if whole is None or whole.curve is None:
        return ()
    bend, scatter = whole.curve.bend, whole.curve.scatter
    for number, cut in list(enumerate(cuts, start=FEWEST_BUDGETS))[-_MOST_ORIGINS:]:
        fits = origins.below(float(cut))
        rows = fits.rows(bend)
        if rows.estimators:
            past += _errors(fits.data, rows, vertices[number:], bend, scatter, origins.seed)
    return tuple(past)


def _errors(
    known: Observations,
    rows: Rows,
    later: tuple[ProfileOptimum, ...],
    bend: Bend,
    scatter: float,
    seed: int,
) -> list[PastSize]:
    past = []
    for vertex in later:
        rng = np.random.default_rng(seed)
        sizes = {}
        for estimator in rows.estimators:
            try:
                sizes[estimator.name] = estimator.at(vertex.flops, rows.scale, bend, rng)
            except RefusedError:
                continue  # no least loss along that budget
        if sizes:
            past.append(
                PastSize(
                    origin_flops=float(known.C.max()),
                    target_flops=vertex.flops,
                    predicted={name: size.mean for name, size in sizes.items()},
                    sd={name: size.sd for name, size in sizes.items()},
                    actual=float(np.log(vertex.params)),
                    actual_se=float(np.linalg.norm([vertex.log_params_se, vertex.asymmetry_se, scatter])),
                    share=1.0 / len(later),
                )
            )
    return past
