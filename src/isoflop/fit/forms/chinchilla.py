"""The Chinchilla form as one of the forms: the optimum of approach 3, from which the others begin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isoflop.arrays import Array
from isoflop.fit.forms.coupled import jacobian
from isoflop.fit.forms.form import Centre, Form, FormRows
from isoflop.fit.parametric.newton import RESAMPLE, TIGHT, minimise
from isoflop.laws import ChinchillaLaw, Provenance
from isoflop.laws.chinchilla import CONSTANTS
from isoflop.laws.law import FITTED

# Limits of a resample's exponents: below, the term is a constant; above, a step that its few rows put there.
_EXPONENTS = (1e-3, 5.0)


class ChinchillaForm(Form):
    """E + A / N^alpha + B / D^beta (Hoffmann et al. 2022, Eq. 2)."""

    name = "chinchilla"
    label = "Chinchilla"
    constants = CONSTANTS
    # Near the plan of public sets the coupled form erred by less in total (docs/forecasts.md, "Which form").
    prior_weight = 0.25
    size_prior_weight = 0.2

    def fit(self, rows: FormRows, start: Array, weights: Array) -> tuple[Array, Array]:
        """(theta, F) of least F from where the search begins, `start`."""
        ends = minimise(rows.problem, start, weights, TIGHT)
        return ends.theta, ends.value

    def refit(self, rows: FormRows, best: Array, start: Array, weights: Array) -> Array:
        """theta of each resample, which is what the other forms are handed as `start`; here that is not used."""
        del start
        theta = minimise(rows.problem, np.repeat(best, len(weights), axis=0), weights, RESAMPLE).theta
        theta[:, 3:] = np.clip(theta[:, 3:], *_EXPONENTS)
        return theta

    def residuals(self, rows: FormRows, theta: Array) -> Array:
        """ln of the law's loss less ln loss of each row, (batch, rows)."""
        return rows.problem.residuals(theta)

    def tangents(self, rows: FormRows, theta: Array) -> Array:
        """Those of the coupled form at gamma = 1, which is then no constant."""
        coupled = np.concatenate([theta, np.zeros((1, 1))], axis=1)
        return np.asarray(jacobian(rows.problem, coupled)[0, :5].T)

    def law(self, rows: FormRows, theta: Array, provenance: Provenance = FITTED) -> ChinchillaLaw:
        """The law of theta (..., 5)."""
        return ChinchillaLaw(**rows.problem.constants(theta), provenance=provenance)

    def restored(self, constants: Mapping[str, float | Array], centre: Centre) -> ChinchillaLaw:
        """The law of saved constants."""
        del centre
        return ChinchillaLaw(**constants, provenance=FITTED)
