"""What past forecasts of the size show: trust in each estimator, and the error of form that grows with distance.

The error of form is the error of an extrapolation that neither the resamples nor the bend show: every estimator fits
some smooth curve to the frontier inside the rows, and beyond them the true one leaves it, the further the more. Its
scale per e-fold of compute starts from FORM_ERROR and is updated by the past errors of the table, as for losses
(fit/forecast/error_model.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.codec import Number, Positive
from isoflop.fit.error_scale import posterior_scale
from isoflop.fit.forms.table import FORMS
from isoflop.fit.size.bend import FORM_ERROR
from isoflop.fit.size.rolling import PastSize

PRIOR_TRUST = {
    "isoflop": 0.4,
    **{form.name: form.size_prior_weight for form in FORMS},
    "parametric": 0.05,
    "envelope": 0.05,
}
"""Before any past forecast: over public sets the errors of approach 2 and of forms fitted near the frontier are
similar, those of approach 3 with equal weights of all rows are the largest (docs/sizes.md)."""
_COUNT = 3.0  # past origins that FORM_ERROR counts for
_TAIL = 3.0  # degrees of freedom of an error when estimators are compared: one wild error decides nothing
_POWER = 0.5  # of the likelihood: origins of one table share rows, and so part of their errors
_NEAREST = np.log(2.0)  # distances below this are taken as this
_DISCREPANCY = 0.08  # sd of ln N that an estimator may be off by however sure its resamples are
_LEAST = 0.05  # a weight below this is none


@dataclass(frozen=True, kw_only=True)
class SizeTrust:
    """How much each estimator is trusted before its own precision, and the error of form per e-fold."""

    trust: dict[str, Number]
    """{estimator: trust}, summing to 1."""
    form_error: Number
    """Scale of the error in ln N_opt for a factor e beyond the rows; it grows as ln of the factor."""
    dof: Positive
    """Degrees of freedom of that scale."""

    def weights(self, sd: Mapping[str, float]) -> dict[str, float]:
        """{estimator: weight} of those with a standard deviation in `sd`, summing to 1.

        Trust over variance, an error of form that no resample shows being part of it; a weight below 5 % is none.
        """
        names = list(sd)
        # Precision weights with a common discrepancy, as for the forms of a loss (fit/forecast/form_mixture.py).
        precision = np.array([self.trust.get(name, 0.0) / (sd[name] ** 2 + _DISCREPANCY**2) for name in names])
        if not np.any(precision > 0):  # none of those with an optimum here was ever trusted
            precision = np.array([1 / (sd[name] ** 2 + _DISCREPANCY**2) for name in names])
        share = precision / precision.sum()
        share = np.where(share < _LEAST, 0.0, share)
        return dict(zip(names, (share / share.sum()).tolist(), strict=True))


def weigh_estimators(names: Sequence[str], past: Sequence[PastSize], form_error: float = FORM_ERROR) -> SizeTrust:
    """Trust in the estimators `names` by their past errors; without past forecasts, PRIOR_TRUST.

    Trust: the prior times the likelihood of an estimator's errors of ln N under Student's t, with one variance for all.
    Error of form: what the mixture's errors show beyond their variance, per e-fold, `form_error` counting as three more
    origins.
    """
    logs = np.array([np.log(PRIOR_TRUST[name]) for name in names])
    for item in past:
        scale = _variance(item) + (form_error * _distance(item)) ** 2
        likelihood = np.array([_log_likelihood(item, name, scale) for name in names])
        if not np.isnan(likelihood).all():
            # An estimator that was refused at that origin is neither better nor worse for it.
            likelihood = np.where(np.isnan(likelihood), np.nanmedian(likelihood), likelihood)
            logs += _POWER * item.share * likelihood
    odds = np.exp(logs - logs.max())
    trust = dict(zip(names, (odds / odds.sum()).tolist(), strict=True))
    scale, dof = _form_error(trust, past, form_error)
    return SizeTrust(trust=trust, form_error=scale, dof=dof)


def _log_likelihood(item: PastSize, name: str, scale: float) -> float:
    if name not in item.predicted:
        return float("nan")
    square = (item.predicted[name] - item.actual) ** 2 / scale
    return float(-(_TAIL + 1) / 2 * np.log1p(square / _TAIL))


def _form_error(trust: dict[str, float], past: Sequence[PastSize], prior: float) -> tuple[float, float]:
    """(error of form per e-fold, its degrees of freedom): the scaled inverse chi-squared of a normal's variance."""
    prior_trust = SizeTrust(trust=trust, form_error=prior, dof=1.0)
    errors, variances = [], []
    for item in past:
        weights = prior_trust.weights(item.sd)
        errors.append(sum(weights[name] * item.predicted[name] for name in weights) - item.actual)
        variances.append(sum(weights[name] * item.sd[name] ** 2 for name in weights) + item.actual_se**2)
    scale, count = posterior_scale(
        np.array(errors),
        np.array(variances),
        np.array([_distance(item) for item in past]),
        np.array([item.share for item in past]),
        prior=prior,
        count=_COUNT,
    )
    return scale, count + 1.0


def _variance(item: PastSize) -> float:
    """Variance of an error where the estimator is right: the median of the estimators' own, and the later vertex's."""
    return float(np.median(list(item.sd.values())) ** 2 + item.actual_se**2)


def _distance(item: PastSize) -> float:
    return float(max(np.log(item.factor), _NEAREST))
