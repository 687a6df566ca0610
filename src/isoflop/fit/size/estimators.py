"""The estimators that a forecast of the compute-optimal size mixes: approach 2, and approach 3 in several forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.forms.table import FORMS
from isoflop.fit.isoflop.vertex_curve import Bend, VertexCurve
from isoflop.fit.result import AnyFit, IsoflopFit, Refused
from isoflop.fit.size.bend import ComputeDesign, ComputeScale
from isoflop.laws import ChinchillaLaw, ComputeCost, FrontierLaw
from isoflop.laws.law import Surface

AnyLaw = ChinchillaLaw | FrontierLaw

ISOFLOP, PARAMETRIC, ENVELOPE = "isoflop", "parametric", "envelope"
ESTIMATORS = (ISOFLOP, *(form.name for form in FORMS), PARAMETRIC, ENVELOPE)
"""Approach 2; every form fitted to rows near the frontier; approach 3 as published, the Chinchilla form fitted to all
rows with equal weights; and approach 1, where its points are ends of finished runs."""
LABELS = {
    ISOFLOP: "approach 2",
    **{form.name: f"{form.label} form, near the frontier" for form in FORMS},
    PARAMETRIC: "approach 3, unweighted",
    ENVELOPE: "approach 1",
}
_DRAWN = 1000  # draws of a curve: its 5 % points are known to a twentieth of a standard deviation
_NO_OPTIMUM = 1.0  # sd of ln N where fewer than half of the resamples have an optimum: known to a factor e at best
_CLIP = 5.0  # of ln N about the median: a resample further away is no size at all


@dataclass(frozen=True, kw_only=True, eq=False)
class LogSize:
    """ln N_opt at one budget, by one estimator."""

    straight: float
    """Along the estimator's own frontier, straight in logarithms where a token costs 6 N."""
    mean: float
    """With the bend."""
    deviations: Array
    """Draws less `mean`, the uncertainty of the bend among them."""

    @property
    def sd(self) -> float:
        """Half the distance between the 16 % and 84 % points of the draws."""
        low, high = np.quantile(self.deviations, [0.16, 0.84])
        return float(high - low) / 2


@dataclass(frozen=True, kw_only=True, eq=False)
class SizeEstimator:
    """One frontier N_opt(C), with draws."""

    name: str
    """One of ESTIMATORS."""
    law: AnyLaw | Surface
    """Its best fit."""
    draws: AnyLaw | Surface
    """The same with arrays of resampled constants."""
    design: ComputeDesign
    """Design of the rows that it was fitted to, with their weights."""
    curve: VertexCurve | None = None
    """Curve of approach 2 alone: its vertices show their bend themselves."""

    def at(self, flops: float, scale: ComputeScale, bend: Bend, rng: np.random.Generator) -> LogSize:
        """ln N_opt at `flops` FLOPs. Raises RefusedError `no_optimum` where the law has none."""
        straight = float(np.log(self.law.optimum(flops, scale.cost)[0]))
        place = scale.place(flops)
        if self.curve is not None:
            mean = float(self.curve.log_params(place)[0])
            return LogSize(straight=straight, mean=mean, deviations=self.curve.drawn(place, _DRAWN, rng)[:, 0] - mean)
        beyond = float(self.design.beyond_line(place))
        spread = self._spread(flops, scale.cost)
        return LogSize(
            straight=straight,
            mean=straight + bend.mean * beyond,
            deviations=spread + bend.sd * beyond * rng.standard_normal(len(spread)),
        )

    def _spread(self, flops: float, cost: ComputeCost) -> Array:
        """ln N_opt of the resamples that have an optimum, less their median."""
        usable = self.draws.has_optimum
        if usable.mean() < 0.5:
            return np.asarray(_NO_OPTIMUM * np.sqrt(1.5) * np.resize([-1.0, 0.0, 1.0], max(len(usable), 3)))
        sizes = np.log(self.draws.draw(np.flatnonzero(usable)).optimum(flops, cost)[0])
        return np.asarray(np.clip(sizes - np.median(sizes), -_CLIP, _CLIP))


def of_isoflop(fit: IsoflopFit | Refused, prior: Bend, scale: ComputeScale) -> SizeEstimator | None:
    """Approach 2 as an estimator, its bend under `prior`; None where it was refused or fitted without draws."""
    if isinstance(fit, Refused) or fit.draws is None:
        return None
    used = [budget for budget in fit.budgets if budget.params is not None]
    flops = scale.place([budget.flops for budget in used])
    curve = VertexCurve.through(
        flops,
        np.log([budget.params for budget in used if budget.params is not None]),
        np.array([budget.log_params_se or 0.0 for budget in used]),
        np.array([budget.asymmetry_se or 0.0 for budget in used]),
        prior,
    )
    design = ComputeDesign.of(flops, np.ones(len(used)))
    return SizeEstimator(name=ISOFLOP, law=fit.law, draws=fit.draws, design=design, curve=curve)


def of_forms(laws: Mapping[str, Surface], draws: Mapping[str, Surface], design: ComputeDesign) -> list[SizeEstimator]:
    """The forms that have an optimum, as estimators."""
    return [
        SizeEstimator(name=form.name, law=laws[form.name], draws=draws[form.name], design=design)
        for form in FORMS
        if laws[form.name].has_optimum.all()
    ]


def of_all_rows(fit: AnyFit | Refused, design: ComputeDesign) -> SizeEstimator | None:
    """Approach 3 as published, or approach 1, as an estimator; None where it was refused or fitted without draws."""
    if isinstance(fit, Refused) or fit.draws is None:
        return None
    return SizeEstimator(name=fit.approach, law=fit.law, draws=fit.draws, design=design)


def scale_by(cost: ComputeCost, *laws: AnyLaw | Surface | None) -> ComputeScale:
    """The scale by the first of `laws` that is a Chinchilla form with an optimum; without one, by the cost alone."""
    usable = (law for law in laws if isinstance(law, ChinchillaLaw) and bool(law.has_optimum.all()))
    return ComputeScale(cost=cost, law=next(usable, None))
