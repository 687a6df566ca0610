"""Rolling origins of the size: later budgets' vertices, as each estimator forecasts them from the earlier rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import RefusedError
from isoflop.fit.checks import strata
from isoflop.fit.envelope import fit_envelope
from isoflop.fit.forms import FormProblems
from isoflop.fit.isoflop import fit_isoflop
from isoflop.fit.origins import forecast_weights, thinned
from isoflop.fit.parametric import PUBLISHED_DELTA, fit_parametric
from isoflop.fit.resample import resample_weights
from isoflop.fit.result import Fit, or_refused
from isoflop.fit.size.bend import PUBLIC_BEND, Bend, ComputeDesign
from isoflop.fit.size.estimators import SizeEstimator, of_all_rows, of_forms, of_isoflop
from isoflop.laws import ComputeCost
from isoflop.observations import Observations

Array = NDArray[np.float64]

FEWEST_BUDGETS = 3
_MOST_ORIGINS = 5  # the latest, as for losses
_DRAWS = 60  # of each estimator: they weigh it, and make no interval


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
    """Its standard error."""
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


def estimators_of(
    data: Observations, cost: ComputeCost, *, draws: int, seed: int, prior: Bend
) -> tuple[Fit, tuple[SizeEstimator, ...]]:
    """(approach 2, all estimators that these rows allow), with `draws` resamples each; none where all are refused."""
    isoflop = or_refused("isoflop", lambda: fit_isoflop(data, cost=cost, draws=draws, seed=seed))
    parametric = or_refused("parametric", lambda: fit_parametric(data, cost=cost, draws=draws, seed=seed))
    envelope = or_refused("envelope", lambda: fit_envelope(data, cost=cost, draws=draws, seed=seed))
    everywhere = all_rows_design(data)
    found = [of_isoflop(isoflop, prior), *_forms(data, draws, seed)]
    found += [of_all_rows(parametric, everywhere), of_all_rows(envelope, everywhere)]
    return isoflop, tuple(item for item in found if item is not None)


def bend_of(isoflop: Fit, prior: Bend = PUBLIC_BEND) -> Bend:
    """The bend of the vertices of approach 2 under `prior`; the prior where there are none."""
    estimator = of_isoflop(isoflop, prior)
    return prior if estimator is None or estimator.curve is None else estimator.curve.bend


def frontier_design(data: Observations) -> ComputeDesign:
    """The design of rows as they count in a forecast: those near the frontier and of much compute most."""
    return ComputeDesign.of(np.log(data.C), forecast_weights(data))


def all_rows_design(data: Observations) -> ComputeDesign:
    """The design of rows that count alike."""
    return ComputeDesign.of(np.log(data.C), np.ones(len(data)))


def past_sizes(
    data: Observations, isoflop: Fit, *, cost: ComputeCost, seed: int = 0, prior: Bend = PUBLIC_BEND
) -> tuple[PastSize, ...]:
    """Forecasts of later vertices from each origin after the third budget, the latest five; empty without budgets.

    `isoflop` is approach 2 on all rows: its vertices are what came, and its bend is taken out of the errors. What
    remains says which estimator to trust, and how far the errors grow for other reasons than the bend.
    """
    if not isoflop.ok:
        return ()
    vertices = [budget for budget in isoflop.details["budgets"] if budget["kept"]]
    if "log_params_se" not in vertices[0]:
        return ()  # optima that somebody else found: there are no runs to fit anew
    flops = np.log([vertex["flops"] for vertex in vertices])
    found: list[PastSize] = []
    # Halfway between two vertices: the runs of one budget differ by rounding, and budgets by far more.
    cuts = np.exp(0.5 * (flops[1:] + flops[:-1]))[FEWEST_BUDGETS - 1 :]
    bend = bend_of(isoflop, prior)
    for number, cut in list(enumerate(cuts, start=FEWEST_BUDGETS))[-_MOST_ORIGINS:]:
        known = thinned(data.select(np.less(data.C, cut)))
        _, estimators = estimators_of(known, cost, draws=_DRAWS, seed=seed, prior=bend)
        if estimators:
            found += _errors(known, estimators, vertices[number:], cost, bend, seed)
    return tuple(found)


def _errors(
    known: Observations,
    estimators: tuple[SizeEstimator, ...],
    later: list[dict[str, Any]],
    cost: ComputeCost,
    bend: Bend,
    seed: int,
) -> list[PastSize]:
    found = []
    for vertex in later:
        rng = np.random.default_rng(seed)
        sizes = {}
        for estimator in estimators:
            try:
                sizes[estimator.name] = estimator.at(vertex["flops"], cost, bend, rng)
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
                    actual_se=float(np.hypot(vertex["log_params_se"], vertex["log_params_lean_se"])),
                    share=1.0 / len(later),
                )
            )
    return found


def _forms(data: Observations, draws: int, seed: int) -> list[SizeEstimator]:
    """The forms fitted to rows near the frontier; none where these do not fall with both N and D."""
    try:
        problems = FormProblems.of(data, PUBLISHED_DELTA, forecast_weights(data))
    except RefusedError:
        return []
    resamples = resample_weights(data, strata(data), draws, np.random.default_rng(seed))
    laws = {form: problems.law(form, theta[0]) for form, theta in problems.best.items()}
    return of_forms(laws, problems.draws(resamples), frontier_design(data))
