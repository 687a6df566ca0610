"""Rolling origins of the size: later budgets' vertices, as each estimator forecasts them from the earlier rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import RefusedError
from isoflop.fit.checks import strata
from isoflop.fit.envelope import fit_envelope
from isoflop.fit.forms import FormProblems, Surface
from isoflop.fit.isoflop import fit_isoflop
from isoflop.fit.origins import forecast_weights, thinned
from isoflop.fit.parametric import PUBLISHED_DELTA, fit_parametric
from isoflop.fit.resample import resample_weights
from isoflop.fit.result import Fit, or_refused
from isoflop.fit.size.bend import PUBLIC_BEND, Bend, ComputeDesign, ComputeScale
from isoflop.fit.size.estimators import SizeEstimator, of_all_rows, of_forms, of_isoflop, scale_by
from isoflop.laws import ComputeCost
from isoflop.observations import Observations

Array = NDArray[np.float64]

FEWEST_BUDGETS = 3
_MOST_ORIGINS = 5  # the latest, as for losses
_DRAWS = 60  # of each estimator: they weigh it, and make no interval
_MOST_ROWS = 500  # an origin's; likewise


@dataclass(frozen=True, kw_only=True)
class PastSize:
    """What each estimator would have said of one later vertex, the bend being what all vertices now say. In ln N."""

    origin_flops: float
    """Largest compute that was fitted."""
    target_flops: float
    """Compute of the later budget."""
    predicted: dict[str, float]
    """{estimator: ln N_opt there}."""
    sd: dict[str, float]
    """{estimator: its standard deviation}."""
    actual: float
    """ln N at the later budget's vertex, by approach 2 on all rows."""
    actual_se: float
    """Its standard error, with what vertices scatter about their curve."""
    share: float
    """One over the number of targets of its origin: they share their error."""

    @property
    def factor(self) -> float:
        """target_flops over origin_flops."""
        return self.target_flops / self.origin_flops

    def as_json(self) -> dict[str, Any]:
        """A plain dict of the fields, with the factor."""
        return {**self.__dict__, "predicted": dict(self.predicted), "sd": dict(self.sd), "factor": self.factor}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> PastSize:
        """What `as_json` wrote."""
        return cls(**{key: value for key, value in data.items() if key != "factor"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """What rows say of the best size."""

    isoflop: Fit
    """Approach 2, or its refusal."""
    estimators: tuple[SizeEstimator, ...]
    scale: ComputeScale
    """In which their frontiers are straight."""


def estimators_of(data: Observations, cost: ComputeCost, *, draws: int, seed: int, prior: Bend) -> Rows:
    """All estimators that these rows allow, with `draws` resamples each; none where all are refused."""
    isoflop = or_refused("isoflop", lambda: fit_isoflop(data, cost=cost, draws=draws, seed=seed))
    parametric = or_refused("parametric", lambda: fit_parametric(data, cost=cost, draws=draws, seed=seed))
    envelope = or_refused("envelope", lambda: fit_envelope(data, cost=cost, draws=draws, seed=seed))
    laws, drawn = _forms(data, draws, seed)
    scale = scale_by(cost, laws.get("chinchilla"), parametric.law)
    everywhere = all_rows_design(data, scale)
    found = [of_isoflop(isoflop, prior, scale), *of_forms(laws, drawn, frontier_design(data, scale))]
    found += [of_all_rows(parametric, everywhere), of_all_rows(envelope, everywhere)]
    return Rows(isoflop=isoflop, estimators=tuple(item for item in found if item is not None), scale=scale)


def bend_of(isoflop: Fit, scale: ComputeScale, prior: Bend = PUBLIC_BEND) -> Bend:
    """The bend of the vertices of approach 2 under `prior`; the prior where there are none."""
    estimator = of_isoflop(isoflop, prior, scale)
    return prior if estimator is None or estimator.curve is None else estimator.curve.bend


def frontier_design(data: Observations, scale: ComputeScale) -> ComputeDesign:
    """The design of rows as they count in a forecast: those near the frontier and of much compute most."""
    return ComputeDesign.of(scale.place(data.C), forecast_weights(data))


def all_rows_design(data: Observations, scale: ComputeScale) -> ComputeDesign:
    """The design of rows that count alike."""
    return ComputeDesign.of(scale.place(data.C), np.ones(len(data)))


def past_sizes(
    data: Observations, isoflop: Fit, scale: ComputeScale, *, seed: int = 0, prior: Bend = PUBLIC_BEND
) -> tuple[PastSize, ...]:
    """Forecasts of later vertices from each origin after the third budget, the latest five; empty without budgets.

    `isoflop` is approach 2 on all rows: its vertices are what came, and its bend is taken out of the errors. What
    remains says which estimator to trust, and how far the errors grow for other reasons than the bend.
    """
    if not isoflop.ok:
        return ()
    vertices = [budget for budget in isoflop.details["budgets"] if budget["kept"]]
    if isoflop.draws is None or "log_params_se" not in vertices[0]:
        return ()  # optima that somebody else found: there are no runs to fit anew
    flops = np.log([vertex["flops"] for vertex in vertices])
    found: list[PastSize] = []
    # Halfway between two vertices: the runs of one budget differ by rounding, and budgets by far more.
    cuts = np.exp(0.5 * (flops[1:] + flops[:-1]))[FEWEST_BUDGETS - 1 :]
    whole = of_isoflop(isoflop, prior, scale)
    if whole is None or whole.curve is None:
        return ()
    bend, scatter = whole.curve.bend, whole.curve.scatter
    for number, cut in list(enumerate(cuts, start=FEWEST_BUDGETS))[-_MOST_ORIGINS:]:
        known = thinned(data.select(np.less(data.C, cut)), _MOST_ROWS)
        rows = estimators_of(known, scale.cost, draws=_DRAWS, seed=seed, prior=bend)
        if rows.estimators:
            found += _errors(known, rows, vertices[number:], bend, scatter, seed)
    return tuple(found)


def _errors(
    known: Observations,
    rows: Rows,
    later: list[dict[str, Any]],
    bend: Bend,
    scatter: float,
    seed: int,
) -> list[PastSize]:
    found = []
    for vertex in later:
        rng = np.random.default_rng(seed)
        sizes = {}
        for estimator in rows.estimators:
            try:
                sizes[estimator.name] = estimator.at(vertex["flops"], rows.scale, bend, rng)
            except RefusedError:
                continue  # no least loss along that budget
        if sizes:
            found.append(
                PastSize(
                    origin_flops=float(known.C.max()),
                    target_flops=vertex["flops"],
                    predicted={name: size.mean for name, size in sizes.items()},
                    sd={name: size.sd for name, size in sizes.items()},
                    actual=float(np.log(vertex["params"])),
                    actual_se=float(np.linalg.norm([vertex["log_params_se"], vertex["log_params_lean_se"], scatter])),
                    share=1.0 / len(later),
                )
            )
    return found


def _forms(data: Observations, draws: int, seed: int) -> tuple[dict[str, Surface], dict[str, Surface]]:
    """({form: law}, {form: draws}) of rows near the frontier; empty where these do not fall with both N and D."""
    try:
        problems = FormProblems.of(data, PUBLISHED_DELTA, forecast_weights(data))
    except RefusedError:
        return {}, {}
    resamples = resample_weights(data, strata(data), draws, np.random.default_rng(seed))
    laws = {form: problems.law(form, theta[0]) for form, theta in problems.best.items()}
    return laws, problems.draws(resamples)
