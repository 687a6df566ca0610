"""The forecaster of the size from the fits of a table, and from a saved fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from isoflop.codec import Count, Number, Positive, PositivePair, renamed
from isoflop.errors import RefusedError
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.rolling_origin import thinned
from isoflop.fit.forms.table import CHINCHILLA
from isoflop.fit.isoflop.vertex_curve import Bend, VertexCurveFile
from isoflop.fit.result import Fits, Refused
from isoflop.fit.size.bend import FORM_ERROR, ComputeDesign, ComputeScale, public_bend
from isoflop.fit.size.estimators import (
    ESTIMATORS,
    ISOFLOP,
    AnyLaw,
    SizeEstimator,
    of_all_rows,
    of_forms,
    of_isoflop,
    scale_by,
)
from isoflop.fit.size.forecast import SizeForecaster
from isoflop.fit.size.rolling import PastSize, bend_of, past_sizes
from isoflop.fit.size.row_bend import FEWEST_VERTICES, row_bend
from isoflop.fit.size.row_fits import OriginFits, Rows, all_rows_design, frontier_design
from isoflop.fit.size.weights import SizeTrust, weigh_estimators
from isoflop.laws import ChinchillaLaw, ComputeCost
from isoflop.laws.law import FITTED, Surface

if TYPE_CHECKING:
    from isoflop.observations import Observations


def build_size_forecaster(
    data: Observations,
    fits: Fits,
    losses: Forecaster | None,
    *,
    cost: ComputeCost,
    seed: int = 0,
    origins: OriginFits | None = None,
) -> SizeForecaster:
    """The forecaster of final rows `data`, from the three approaches and the forms that forecast losses.

    Raises RefusedError `no_size` where none of them has draws.
    """
    scale = scale_by(cost, None if losses is None else losses.laws[CHINCHILLA.name], fits.surface)
    candidates: list[SizeEstimator | None] = [of_isoflop(fits.isoflop, public_bend(float(data.C.max())), scale)]
    if losses is not None:
        candidates += of_forms(losses.laws, losses.draws, frontier_design(thinned(data), scale))
    everywhere = all_rows_design(data, scale)
    candidates += [of_all_rows(fits.parametric, everywhere), of_all_rows(fits.envelope, everywhere)]
    estimators = tuple(item for item in candidates if item is not None)
    if not estimators:
        raise RefusedError("no_size", "no approach has a law with draws, so that the best size cannot be forecast")
    rows = Rows(isoflop=fits.isoflop, estimators=estimators, scale=scale)
    return forecaster_with(rows, data, origins or OriginFits(data=data, cost=cost, seed=seed))


def forecaster_with(
    rows: Rows,
    data: Observations,
    origins: OriginFits,
    *,
    prior: Bend | None = None,
    form_error: float = FORM_ERROR,
) -> SizeForecaster:
    """The forecaster that mixes the estimators of `data`, by the past errors that its vertices show.

    `origins` are fits of the same rows, or of more: those below the cuts are the same. `prior` is `public_bend` where
    none is given.
    """
    prior = prior or public_bend(float(data.C.max()))
    past = past_sizes(origins, rows.isoflop, rows.scale, prior=prior)
    vertices = not isinstance(rows.isoflop, Refused) and len(rows.isoflop.optima) >= FEWEST_VERTICES
    return SizeForecaster(
        estimators=rows.estimators,
        trust=weigh_estimators([item.name for item in rows.estimators], past, form_error),
        bend=bend_of(rows.isoflop, rows.scale, prior) if vertices else row_bend(data, rows.scale, prior),
        compute_range=(float(data.C.min()), float(data.C.max())),
        past=past,
        scale=rows.scale,
        seed=origins.seed,
    )


@dataclass(frozen=True, kw_only=True)
class SizeForecasterFile:
    """What the file of a fit holds of its forecaster of sizes."""

    __pydantic_config__: ClassVar = renamed(compute_range="reach")

    designs: dict[str, ComputeDesign]
    """{estimator: design of its rows}."""
    curve: VertexCurveFile | None
    """Curve of approach 2; None where it is no estimator."""
    trust: dict[str, Number]
    form_error: Number
    dof: Positive
    bend: Bend
    scale: dict[str, Number] | None
    """Constants of the surface that straightens the frontiers; None for the cost alone."""
    compute_range: PositivePair
    past: tuple[PastSize, ...]
    seed: Count

    def forecaster(self, fits: Fits, losses: Forecaster | None, cost: ComputeCost) -> SizeForecaster | None:
        """The forecaster, its laws and draws taken from the fits saved with it; None where these lack draws."""
        laws: dict[str, tuple[AnyLaw | Surface, AnyLaw | Surface | None]] = {}
        if losses is not None:
            laws |= {name: (law, losses.draws[name]) for name, law in losses.laws.items()}
        laws |= {name: (fit.law, fit.draws) for name, fit in fits.fitted.items()}
        curve = None if self.curve is None else self.curve.curve()
        estimators = []
        # In the order in which they were made: samples are drawn in it.
        for name in (name for name in ESTIMATORS if name in self.designs):
            law, draws = laws.get(name, (None, None))
            if law is None or draws is None:
                return None
            estimators.append(
                SizeEstimator(
                    name=name,
                    law=law,
                    draws=draws,
                    design=self.designs[name],
                    curve=curve if name == ISOFLOP else None,
                )
            )
        surface = None if self.scale is None else ChinchillaLaw(**self.scale, provenance=FITTED)
        return SizeForecaster(
            estimators=tuple(estimators),
            trust=SizeTrust(trust=self.trust, form_error=self.form_error, dof=self.dof),
            bend=self.bend,
            compute_range=self.compute_range,
            past=self.past,
            scale=ComputeScale(cost=cost, law=surface),
            seed=self.seed,
        )
