"""The law that a plan uses: a published one by name, or one approach of a fit, with all that the fit knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.fit.draws_file import read_draws
from isoflop.fit.result.approach import CONSTANTS
from isoflop.fit.size.bend import FORM_ERROR, PUBLIC_BEND
from isoflop.laws import SIX_N, ChinchillaLaw, ComputeCost, FrontierLaw, Law, published_law
from isoflop.plan.intervals import Interval, loss_interval
from isoflop.plan.public_refit import read_public_refit
from isoflop.units import format_number, format_quantity

if TYPE_CHECKING:
    from isoflop.fit import AnyFit, FitReport
    from isoflop.fit.forecast.forecast import Forecaster
    from isoflop.fit.forms.form import FormFit
    from isoflop.fit.size import SizeBacktest, SizeForecast, SizeForecaster
    from isoflop.observations import Observations

BENDS = "frontier_bends"
"""Code of the fit's warning that its exponent changes with compute."""
FURTHEST_BEND = 10.0
"""Factor beyond its data up to which a frontier that bends may be used; a choice."""

_REFITS = Path(__file__).parent / "refits"
_LEAST_SHIFT = 0.1  # of ln N by the bend, below which it is within the rounding of shapes
# Papers print N, D and C with two or three digits: their 6 N D and their C differ by up to this much.
_ROUNDING = 0.05


@dataclass(frozen=True, kw_only=True)
class FormOptimum:
    """The optimum at a budget, by one form of loss surface."""

    form: str
    """One of fit.forms.FORMS."""
    params: float | None
    """N of least loss, in the fit's convention; None where the form has no optimum there."""
    tokens: float | None
    """D of least loss; None likewise."""
    reason: str = ""
    """Why there is none; empty where there is one."""

    @classmethod
    def of(cls, fitted: FormFit, flops: float, cost: ComputeCost) -> FormOptimum:
        """The optimum of a fitted form."""
        try:
            N, D = fitted.law.optimum(flops, cost)
        except RefusedError as error:
            return cls(form=fitted.form.name, params=None, tokens=None, reason=str(error))
        return cls(form=fitted.form.name, params=float(N), tokens=float(D))


@dataclass(frozen=True, kw_only=True)
class LawSource:
    """A law, and what is needed to plan with it."""

    law: Law
    draws: Law | None = None
    """The same law with arrays of resampled constants; None for published laws."""
    cost: ComputeCost = SIX_N
    """FLOPs per token against N of the runs that the law was fitted to."""
    scatter: float = 0.0
    """Standard deviation of ln loss of single runs around the law; 0 where it is not known."""
    notices: tuple[Notice, ...] = ()
    """Warnings of the fit: a plan repeats them."""
    forecaster: Forecaster | None = None
    """Of the same runs: its intervals were held against past forecasts. None: draws and scatter alone."""
    forms: tuple[FormFit, ...] = ()
    """Other forms of loss surface fitted to the same runs."""
    sizes: SizeForecaster | None = None
    """Of the same runs: says where the best size of a budget lies, whatever `law` says. None: the law and its draws."""
    estimator: str | None = None
    """The one estimator of `sizes` that was asked for; None: all of them, mixed."""
    size_backtest: SizeBacktest | None = None
    """The best size of the runs' top budget, forecast without it; None where there is none."""
    forms_around: Forecaster | None = None
    """For a published law whose points are public: the forecaster of these points, which widens the interval of a loss
    but leaves the loss to the law."""

    @classmethod
    def of(cls, source: AnyLaw) -> LawSource:
        """`source`; a published law by its name, a fit as `fitted_source` takes it, a law alone with C = 6 N D.

        Raises InputError for the name of no law, RefusedError for a fit without a law.
        """
        if isinstance(source, str):
            return published_source(source)
        if isinstance(source, LawSource):
            return source
        from isoflop.fit import FitReport  # not above: most plans are by a published law, and load no fits

        return fitted_source(source) if isinstance(source, FitReport) else cls(law=source)

    def for_budget(self, flops: float, level: float) -> tuple[LawSource, SizeForecast | None]:
        """(this source with the law moved to the size forecast for `flops`, that forecast); None without forecaster.

        The law keeps its curvature and, at C = 6 N D, its frontier's loss: objectives that weigh losses against each
        other start from the forecast size. Its draws are moved to samples of that forecast. The law of an approach that
        was asked for by name stays where it is: only its interval is that of the forecast.
        """
        if self.forms_around is not None and isinstance(self.draws, ChinchillaLaw):
            return replace(self, draws=self._with_public_bend(self.draws, flops)), None
        if self.sizes is None or not isinstance(self.law, ChinchillaLaw | FrontierLaw):
            return self, None
        found = self.sizes.at(flops, level, only=self.estimator)
        law = self.law if self.estimator is not None else self.law.moved(found.params, flops, self.cost)
        draws = self.draws
        if isinstance(draws, ChinchillaLaw | FrontierLaw):
            # Shuffled, so that a draw's curvature does not go with the estimator that its size came from.
            samples = np.random.default_rng(self.sizes.seed).permutation(np.exp(found.log_params))
            drawn = draws.draw(np.resize(np.flatnonzero(draws.has_optimum), len(samples)))
            draws = drawn.moved(samples, flops, self.cost)
        notices = (*found.notices, *self._straight(found), *self.notices)
        return replace(self, law=law, draws=draws, notices=notices), found

    def _with_public_bend(self, draws: ChinchillaLaw, flops: float) -> ChinchillaLaw:
        """Returns the draws of a published law, each moved by what frontiers of public sets do beyond a straight line.

        A bend b adds b ((t - m)^2 - S^2 / 12) to ln N_opt at t = ln C, against the straight line through runs that are
        uniform in ln C over a width S around m. The error of form grows with the distance beyond the runs.
        """
        low, high = (float(end) for end in np.log(self.law.provenance.domain["flops"]))
        beyond_line = (np.log(flops) - (low + high) / 2) ** 2 - (high - low) ** 2 / 12
        distance = max(0.0, float(np.log(flops)) - high)
        random = np.random.default_rng(0)
        drawn = draws.draw(np.flatnonzero(draws.has_optimum))
        sizes, _ = drawn.optimum(flops, self.cost)
        bend = random.normal(PUBLIC_BEND.mean, PUBLIC_BEND.sd, len(sizes)) * beyond_line
        form = random.normal(0.0, FORM_ERROR, len(sizes)) * distance
        return drawn.moved(sizes * np.exp(bend + form), flops, self.cost)

    def _straight(self, found: SizeForecast) -> tuple[Notice, ...]:
        """`straight_size` where the approach that was asked for puts N elsewhere than its own forecast does."""
        alone = next((item for item in found.estimators if item.estimator == self.estimator), None)
        if alone is None or abs(np.log(alone.params / found.params)) < _LEAST_SHIFT:
            return ()
        text = (
            f"the straight frontier of {alone.label} puts N at {format_quantity(alone.params)}, where with the bend it "
            f"is {format_quantity(found.params)}: the intervals are of the latter; without --approach it is planned"
        )
        return (Notice(code="straight_size", message=text),)

    def expected_loss(self, N: float, D: float, level: float) -> tuple[float, Interval | None]:
        """(loss of one run of N parameters on D tokens, its interval); no interval without draws.

        Raises RefusedError where the law has no loss.
        """
        losses, edges = self.expected_losses(np.array([N]), np.array([D]), level)
        return float(losses[0]), None if edges is None else (float(edges[0, 0]), float(edges[0, 1]))

    def expected_losses(self, N: Array, D: Array, level: float) -> tuple[Array, Array | None]:
        """(losses, (points, 2) edges of their intervals) of runs of N on D, each (points,); as `expected_loss`."""
        if self.forecaster is not None:
            return self.forecaster.point(N, D), self.forecaster.interval(N, D, level)
        losses = np.asarray(self.law.loss(N, D))
        if self.forms_around is not None:
            # The published form is one of several that its points allow: the interval reaches from the forecast of all
            # forms to the same interval around the loss of the published constants.
            edges = self.forms_around.interval(N, D, level)
            moved = edges * (losses / self.forms_around.point(N, D))[:, None]
            low, high = np.minimum(edges[:, 0], moved[:, 0]), np.maximum(edges[:, 1], moved[:, 1])
            return losses, np.stack([low, high], axis=1)
        if self.draws is None:
            return losses, None
        drawn = (self.draws.loss(size, tokens) for size, tokens in zip(N, D, strict=True))
        return losses, np.array([loss_interval(each, level, self.scatter) for each in drawn])

    def optima_by_form(self, flops: float) -> tuple[FormOptimum, ...]:
        """The optimum at `flops` FLOPs by each form fitted to the same runs, in the order of the forms."""
        return tuple(FormOptimum.of(form, flops, self.cost) for form in self.forms)

    def check_reach(self, flops: float) -> None:
        """Raises RefusedError `frontier_bends` where the frontier bends and `flops` lie beyond 10 times the data."""
        factor = self.law.provenance.extrapolation_factor(flops)
        bend = next((notice for notice in self.notices if notice.code == BENDS), None)
        if self.sizes is not None and abs(self.sizes.bend_shift(flops)) < _LEAST_SHIFT:
            return  # a bend that is surely there and moves nothing is no reason
        if bend is not None and factor is not None and factor > FURTHEST_BEND:
            raise RefusedError(
                BENDS,
                f"{format_number(flops)} FLOPs lie {format_number(factor)} times beyond the largest run, and the fit "
                f"bends: {bend.message}; stay within {format_number(FURTHEST_BEND)} times, or add larger budgets",
            )


AnyLaw: TypeAlias = "LawSource | Law | FitReport | str"
"""What a plan can be made from: a law with or without its source, a fit, or the name of a published law."""


def observed_cost(observations: Observations) -> ComputeCost:
    """What a token cost these runs: 6 N where every row's C is 6 N D up to rounding, else a curve through the rows.

    >>> from isoflop.observations import Observations
    >>> runs = Observations.from_arrays(N=[1e8, 1e9], D=[2e9, 2e10], loss=[3.1, 2.7])
    >>> observed_cost(runs).is_six_n
    True
    """
    apart = np.abs(np.log(observations.C / (6 * observations.N * observations.D)))
    if np.all(apart < _ROUNDING) or len(np.unique(observations.N)) < 2:
        return SIX_N
    return ComputeCost.from_pairs(zip(observations.N, observations.C / observations.D, strict=True))


def published_source(name: str) -> LawSource:
    """Returns the published law called `name`. Raises InputError, which names similar laws, for another.

    Where the points that it was fitted to are public, our fit of them (bench/fit/refits.py) gives the intervals, with
    the errors of form and the bend that they allow; the law itself gives every point.
    """
    law = published_law(name)
    file = _REFITS / f"{name}.json"
    if not file.exists():
        return LawSource(law=law)
    refit = read_public_refit(file)
    arrays = read_draws(file.with_suffix(".npz"), of=file.name, forms=refit.forecast.laws)
    return LawSource(
        law=law,
        draws=ChinchillaLaw(**dict(zip(CONSTANTS["parametric"], arrays["parametric"].T, strict=True))),
        scatter=refit.scatter,
        forms_around=refit.forecast.forecaster(arrays, SIX_N, ()),
    )


def fitted_source(report: FitReport, approach: str | None = None) -> LawSource:
    """The law that `approach` fitted; without one, the first of APPROACHES that has a law, and says so if it is not
    the parametric one. The report's forecaster, where it has one, makes the intervals of losses.

    Raises InputError for an unknown approach, RefusedError with the fits' own reasons where there is no law.
    """
    from isoflop.fit import APPROACHES, Refused  # not above: see LawSource.of

    if approach is not None and approach not in APPROACHES:
        raise InputError(f"approach: expected one of {', '.join(APPROACHES)}, got {approach!r}")
    if report.groups is not None:
        raise report.groups.error()
    fits = {str(name): fit for name, fit in report.fits.items()}
    if approach is not None:
        fit = fits[approach]
        if isinstance(fit, Refused):
            raise fit.error()
        return _source(fit, report, (), only=approach)
    if not report.fitted:
        reasons = "; ".join(f"{name}: {fit.reason}" for name, fit in fits.items() if isinstance(fit, Refused))
        raise RefusedError("no_fit", f"no approach could fit these runs ({reasons})")
    name, fit = next(iter(report.fitted.items()))
    notices: tuple[Notice, ...] = ()
    if isinstance(report.parametric, Refused):
        message = f"planned with the {name} fit, as the parametric one was refused: {report.parametric.reason}"
        notices = (Notice(code="parametric_refused", message=message),)
    return _source(fit, report, notices)


def _source(fit: AnyFit, report: FitReport, notices: tuple[Notice, ...], only: str | None = None) -> LawSource:
    from isoflop.fit import ParametricFit

    # A bend found by any approach is one of the data, whichever law is used.
    bends = tuple(
        notice for other in report.fits.values() if other is not fit for notice in other.notices if notice.code == BENDS
    )
    parametric = fit if isinstance(fit, ParametricFit) else None
    if report.sizes is None and parametric is not None and not parametric.identified.get("a", True):
        message = "these runs do not tell how the optimum grows with compute: take the planned size as a guess"
        notices = (*notices, Notice(code="optimum_not_identified", message=message))
    return LawSource(
        law=fit.law,
        draws=fit.draws,
        cost=fit.cost,
        scatter=0.0 if parametric is None else parametric.residual_sd,
        notices=(*notices, *fit.notices, *bends),
        forecaster=report.forecaster if fit.law.has_loss else None,
        forms=report.forms,
        sizes=None if only == "envelope" else report.sizes,
        estimator=only,
        size_backtest=report.size_backtest,
    )
