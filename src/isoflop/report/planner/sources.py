"""A law source as the planner page has it: constants, draws, and the random numbers of its intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from isoflop.errors import Notice
from isoflop.fit.size.bend import FORM_ERROR, PUBLIC_BEND
from isoflop.laws import ChinchillaLaw, ComputeCost, FrontierLaw, Provenance
from isoflop.laws.chinchilla import CONSTANTS
from isoflop.plan import LawSource
from isoflop.plan.intervals import NOISE_POINTS
from isoflop.report.planner.forecaster import ForecasterData, forecaster_data
from isoflop.report.planner.form import law_data
from isoflop.report.planner.packed import Packed
from isoflop.report.planner.sizes import SizesData, sizes_data

_DRAWS = 2000  # of a fit's law, as many as a forecast of the size has samples


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
    """One of `form.FORM_OF`."""
    constants: Mapping[str, float | tuple[float, float]]
    cost: ComputeCost
    scatter: float
    draws: Mapping[str, Packed] | None
    """{constant: resamples}; None where the law has none."""
    bend: BendData | None
    forms_around: ForecasterData | None
    """Forms that widen the interval of a published law's loss."""
    forecaster: ForecasterData | None
    """Of a fit: where the loss and its interval come from."""
    sizes: SizesData | None
    """Of a fit: where the best size of a budget lies; the law is moved to it."""
    noise_points: tuple[float, ...]
    """Quantiles of the normal distribution that stand for the scatter of single runs; none where no draws have it."""
    notices: tuple[Notice, ...]


def source_data(source: LawSource, name: str | None = None) -> SourceData:
    """Returns the data of `source`, under its law's name unless another is given.

    Raises InputError for a law of a form that the page does not know.
    """
    law = law_data(source.law)
    return SourceData(
        name=name or source.law.provenance.name,
        law=source.law.provenance,
        form=law.form,
        constants=law.constants,
        cost=source.cost,
        scatter=source.scatter,
        draws=_draws(source),
        bend=_bend(source),
        forms_around=None if source.forms_around is None else forecaster_data(source.forms_around),
        forecaster=None if source.forecaster is None else forecaster_data(source.forecaster),
        sizes=sizes_data(source),
        noise_points=_noise_points(source),
        notices=source.notices,
    )


def _draws(source: LawSource) -> dict[str, Packed] | None:
    """Resamples that have an optimum; of a fit as many as its forecasts pair with sizes, in single precision."""
    draws = source.draws
    if not isinstance(draws, ChinchillaLaw | FrontierLaw):
        return None
    usable = draws.draw(np.flatnonzero(draws.has_optimum))
    names = CONSTANTS if isinstance(usable, ChinchillaLaw) else ("params_coefficient", "a", "tokens_coefficient", "b")
    if source.sizes is None:
        return {name: Packed.of(getattr(usable, name)) for name in names}
    return {name: Packed.of(np.asarray(getattr(usable, name))[:_DRAWS], "float32") for name in names}


def _noise_points(source: LawSource) -> tuple[float, ...]:
    if source.scatter <= 0 or source.draws is None:
        return ()
    return tuple(NormalDist().inv_cdf((k + 0.5) / NOISE_POINTS) for k in range(NOISE_POINTS))


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
