"""The forecaster of the size from the fits of a table, and from a saved fit."""

from __future__ import annotations

from typing import Any

from isoflop.errors import RefusedError
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.rolling_origin import thinned
from isoflop.fit.forms.table import CHINCHILLA
from isoflop.fit.result import Fits
from isoflop.fit.size.bend import Bend, ComputeDesign, ComputeScale, public_bend
from isoflop.fit.size.curve import VertexCurve
from isoflop.fit.size.estimators import ESTIMATORS, ISOFLOP, SizeEstimator, of_all_rows, of_forms, of_isoflop, scale_by
from isoflop.fit.size.forecast import SizeForecaster
from isoflop.fit.size.rolling import PastSize, bend_of, past_sizes
from isoflop.fit.size.row_fits import OriginFits, Rows, all_rows_design, frontier_design
from isoflop.fit.size.weights import FORM_ERROR, SizeTrust, judge_estimators
from isoflop.laws import ComputeCost
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
    found: list[SizeEstimator | None] = [of_isoflop(fits.isoflop, public_bend(float(data.C.max())), scale)]
    if losses is not None:
        found += of_forms(losses.laws, losses.draws, frontier_design(thinned(data), scale))
    everywhere = all_rows_design(data, scale)
    found += [of_all_rows(fits.parametric, everywhere), of_all_rows(fits.envelope, everywhere)]
    estimators = tuple(item for item in found if item is not None)
    if not estimators:
        raise RefusedError("no_size", "no approach has a law with draws: nothing says where the best size lies")
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
    return SizeForecaster(
        estimators=rows.estimators,
        trust=judge_estimators([item.name for item in rows.estimators], past, form_error),
        bend=bend_of(rows.isoflop, rows.scale, prior),
        reach=(float(data.C.min()), float(data.C.max())),
        past=past,
        scale=rows.scale,
        seed=origins.seed,
    )


def load_size_forecaster(
    data: dict[str, Any], fits: Fits, losses: Forecaster | None, cost: ComputeCost
) -> SizeForecaster | None:
    """The forecaster that `SizeForecaster.as_json` wrote, from the fits saved with it; None where these lack draws."""
    laws: dict[str, tuple[Any, Any]] = (
        {} if losses is None else {n: (losses.laws[n], losses.draws[n]) for n in losses.laws}
    )
    laws |= {name: (fit.law, fit.draws) for name, fit in fits.fitted.items()}
    estimators = []
    # In the order in which they were made: samples are drawn in it.
    for name in (name for name in ESTIMATORS if name in data["designs"]):
        design = data["designs"][name]
        law, draws = laws.get(name, (None, None))
        if law is None or draws is None:
            return None
        curve = VertexCurve.from_json(data["curve"]) if name == ISOFLOP else None
        estimators.append(SizeEstimator(name=name, law=law, draws=draws, design=ComputeDesign(**design), curve=curve))
    return SizeForecaster(
        estimators=tuple(estimators),
        trust=SizeTrust.from_json(data),
        bend=Bend(**data["bend"]),
        reach=(float(data["reach"][0]), float(data["reach"][1])),
        past=tuple(PastSize.from_json(item) for item in data["past"]),
        scale=ComputeScale.from_json(data["scale"], cost),
        seed=int(data["seed"]),
    )
