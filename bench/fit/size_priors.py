"""The priors of a size forecast from all families of public sets but one: of the bend, and of the error of form."""

from __future__ import annotations

import numpy as np
from forecast_sets import DataSet

from isoflop.fit import IsoflopFit
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.size.backtest import forecaster_of_rows
from isoflop.fit.size.bend import FORM_ERROR, ComputeScale
from isoflop.fit.size.rolling import bend_of
from isoflop.fit.size.weights import weigh_estimators
from isoflop.laws import SIX_N

BEND_SCALE = 0.015
"""Of bends before any set is seen: the exponent then changes by .07 for each factor of ten. Exponents of papers go from
.46 to .50 (Hoffmann et al. 2022) to .73 (Kaplan et al. 2020)."""
_FLAT = Bend(mean=0.0, sd=0.1)


def priors(sets: list[tuple[DataSet, IsoflopFit]]) -> dict[str, tuple[Bend, float]]:
    """{family: (bend, error of form) of the other families}, of all under `none`.

    Sets whose schedule does not match do not count.

    The bend is a prediction for sets of another paper (`bend_elsewhere`); the two families of one paper are one.
    """
    bends: dict[str, list[Bend]] = {}
    errors: dict[str, list[float]] = {}
    for data, fit in sets:
        if data.schedule != "unmatched":
            bends.setdefault(data.family, []).append(bend_of(fit, ComputeScale(cost=SIX_N), _FLAT))
            forecaster = forecaster_of_rows(data.runs)
            names = [item.name for item in forecaster.estimators]
            # The prior of the error as good as left out: a tenth of it, counted as it is.
            errors.setdefault(data.family, []).append(
                weigh_estimators(names, forecaster.past, FORM_ERROR / 10).form_error
            )
    found = {}
    for family in (*bends, "none"):
        others = [name for name in bends if name != family]
        error = np.sqrt(np.mean([np.mean(np.square(errors[name])) for name in others]))
        found[family] = (bend_elsewhere({name: bends[name] for name in others}), float(max(error, FORM_ERROR / 3)))
    return found


def bend_elsewhere(bends: dict[str, list[Bend]]) -> Bend:
    """The bend of one more paper's frontier: a random-effects model over the papers of `bends`, {family: its sets'}.

    Means of papers ~ Normal(m, tau^2), their own error being that of their sets and of how these differ; m and tau have
    priors of scale BEND_SCALE, since one or two papers leave both open.
    """
    papers: dict[str, list[Bend]] = {}
    for family, sets in bends.items():
        papers.setdefault(family.split()[0], []).extend(sets)
    means = np.array([np.mean([bend.mean for bend in sets]) for sets in papers.values()])
    variances = np.array(
        [
            (np.var([bend.mean for bend in sets], ddof=1) if len(sets) > 1 else 0.0) / len(sets)
            + np.mean([bend.sd**2 for bend in sets]) / len(sets)
            for sets in papers.values()
        ]
    )
    taus = np.linspace(1e-4, 6 * BEND_SCALE, 400)
    between = variances + taus[:, None] ** 2
    precision = BEND_SCALE**-2 + np.sum(1 / between, axis=1)
    middle = np.sum(means / between, axis=1) / precision
    # Likelihood of tau with m integrated out: of means about 0 with a common variance BEND_SCALE^2.
    covariance = np.array([np.diag(each) + BEND_SCALE**2 for each in between])
    misfit = np.einsum("i,tij,j->t", means, np.linalg.inv(covariance), means)
    logs = -0.5 * (np.linalg.slogdet(covariance)[1] + misfit) - 0.5 * (taus / BEND_SCALE) ** 2
    odds = np.exp(logs - logs.max()) / np.exp(logs - logs.max()).sum()
    mean = float(odds @ middle)
    square = float(odds @ (1 / precision + taus**2 + (middle - mean) ** 2))
    return Bend(mean=mean, sd=float(np.sqrt(square)))
