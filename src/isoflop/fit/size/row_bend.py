"""The bend of the frontier that the rows themselves show, where approach 2 has too few vertices for one.

Each form of loss surface with a bend (fit/bent/) is fitted to the rows, the prior of public sets being one of its
constants. What the forms leave open, and how far they differ, is the bend's uncertainty: losses at several sizes of
several budgets say where the least loss lies without five sizes at any of them, as adaptive sweeps are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.fit.bent.fit import fit_bent
from isoflop.fit.bent.frame import Frame
from isoflop.fit.forecast.rolling_origin import thinned
from isoflop.fit.forms.table import FORMS
from isoflop.fit.isoflop.vertex_curve import Bend
from isoflop.fit.size.bend import ComputeScale

if TYPE_CHECKING:
    from isoflop.observations import Observations

FEWEST_VERTICES = 4
"""Usable vertices from which on approach 2 says the bend: three leave it one degree of freedom less than none."""
_MOST_ROWS = 300  # the covariance of the noise is a matrix of all of them
_FEWEST_ROWS = 12  # one and a half for each constant of the largest form: below, the prior says as much
_FEWEST_PLACES = 3  # distinct sizes and distinct budgets of a parabola


def row_bend(data: Observations, scale: ComputeScale, prior: Bend) -> Bend:
    """The bend under `prior` by the rows; `prior` where these are too few, or lie on too few sizes or budgets."""
    rows = thinned(data, _MOST_ROWS)
    places = (np.unique(rows.N.round()), np.unique(np.round(np.log(rows.C), 1)))
    if len(rows) < _FEWEST_ROWS or min(len(place) for place in places) < _FEWEST_PLACES:
        return prior
    frame = Frame.of(rows.N, rows.D, rows.C, cost=scale.cost, scale=scale.place)
    runs = [str(number) for number in rows.run_number.tolist()]
    try:
        fits = fit_bent(frame, rows.N, rows.D, rows.C, rows.loss, runs, prior)
    except np.linalg.LinAlgError:  # rows that no form takes: nothing is learned of the bend
        return prior
    means = np.array([item.theta[-1] for item in fits.posteriors])
    variances = np.array([item.covariance[-1, -1] for item in fits.posteriors])
    trust = np.array([form.size_prior_weight for form in FORMS])
    weights = trust / trust.sum()
    mean = float(weights @ means)
    return Bend(mean=mean, sd=float(np.sqrt(weights @ (variances + (means - mean) ** 2))))
