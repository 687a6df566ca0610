"""A law source as the planner page has it: constants, draws, and the random numbers of its intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from isoflop.errors import InputError, Notice
from isoflop.fit.size.bend import PUBLIC_BEND
from isoflop.fit.size.weights import FORM_ERROR
from isoflop.laws import ChinchillaLaw, ComputeCost, CoupledLaw, FrontierLaw, Law, Provenance
from isoflop.laws.chinchilla import CONSTANTS
from isoflop.plan import LawSource
from isoflop.plan.intervals import NOISE_POINTS
from isoflop.report.planner.forecaster import ForecasterData, forecaster_data
from isoflop.report.planner.packed import Packed

FORM_OF: dict[type[Law], str] = {ChinchillaLaw: "chinchilla", FrontierLaw: "frontier", CoupledLaw: "coupled"}
"""{class of a law: its form in laws.js}."""


@dataclass(frozen=True, kw_only=True)
class BendData:
    """The bend of public frontiers, by which the draws of a published law are moved (`LawSource.for_budget`)."""

    mean: float
    sd: float
    form_error: float
    """Of ln N for a factor e of compute beyond the runs."""
    bends: Packed
    """A standard normal number for each draw."""
    forms: Packed
    """Another for each draw."""


@dataclass(frozen=True, kw_only=True)
class SourceData:
    """What the page knows of one law."""

    name: str
    law: Provenance
    form: str
    """One of FORM_OF."""
    constants: Mapping[str, float]
    cost: ComputeCost
    scatter: float
    draws: Mapping[str, Packed] | None
    """{constant: resamples}; None where the law has none."""
    bend: BendData | None
    forms_around: ForecasterData | None
    noise_points: tuple[float, ...]
    """Quantiles of the normal distribution that stand for the scatter of single runs; none where no draws have it."""
    notices: tuple[Notice, ...]


def source_data(source: LawSource, name: str | None = None) -> SourceData:
    """Returns the data of `source`, under its law's name unless another is given.

    Raises InputError for a law of a form that the page does not know.
    """
    law = source.law
    if type(law) not in FORM_OF:
        raise InputError(
            f"planner: expected a law of the forms {', '.join(FORM_OF.values())}, got {type(law).__name__}"
        )
    scattered = source.scatter > 0 and source.draws is not None
    return SourceData(
        name=name or law.provenance.name,
        law=law.provenance,
        form=FORM_OF[type(law)],
        constants=law.constants(),
        cost=source.cost,
        scatter=source.scatter,
        draws=_draws(source.draws),
        bend=_bend(source),
        forms_around=None if source.forms_around is None else forecaster_data(source.forms_around),
        noise_points=tuple(NormalDist().inv_cdf((k + 0.5) / NOISE_POINTS) for k in range(NOISE_POINTS))
        if scattered
        else (),
        notices=source.notices,
    )


def _draws(draws: Law | None) -> dict[str, Packed] | None:
    if not isinstance(draws, ChinchillaLaw):
        return None
    usable = draws.draw(np.flatnonzero(draws.has_optimum))
    return {name: Packed.of(getattr(usable, name)) for name in CONSTANTS}


def _bend(source: LawSource) -> BendData | None:
    if source.forms_around is None or not isinstance(source.draws, ChinchillaLaw):
        return None
    count = int(np.count_nonzero(source.draws.has_optimum))
    random = np.random.default_rng(0)  # as LawSource.for_budget draws them, in its order
    return BendData(
        mean=PUBLIC_BEND.mean,
        sd=PUBLIC_BEND.sd,
        form_error=FORM_ERROR,
        bends=Packed.of(random.standard_normal(count)),
        forms=Packed.of(random.standard_normal(count)),
    )
