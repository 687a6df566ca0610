"""Several forms of loss surface fitted to the same rows: how far they differ is what the rows leave open.

No form is chosen by its residuals: they do not tell which one forecasts best. Forecasts of later runs from earlier ones
do (fit/forecast/rolling_origin.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Array
from isoflop.codec import Finite, Number
from isoflop.errors import InputError, RefusedError
from isoflop.fit.forms.form import FormFit, FormRows, SavedForm
from isoflop.fit.forms.repeated import REPEATED
from isoflop.fit.forms.table import CHINCHILLA, FORMS
from isoflop.fit.parametric.multistart import best_grid_start
from isoflop.laws import ChinchillaLaw
from isoflop.laws.law import Surface

if TYPE_CHECKING:
    from isoflop.observations import Observations

_LEAST_TERM = np.log(1e-6)  # of the loss, at the centre of the data: a size or token term below it is none


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedForms:
    """All forms fitted to the rows of one table."""

    rows: FormRows
    """What they were fitted to."""
    weights: Array
    """How much each row counts, (1, rows)."""
    best: dict[str, Array]
    """{form: theta of its optimum, (1, constants)}."""
    values: dict[str, float]
    """{form: Huber's objective there}."""

    @classmethod
    def of(
        cls, data: Observations, delta: float, weights: Array | None = None, start: ChinchillaLaw | None = None
    ) -> FittedForms:
        """All forms fitted to the rows of `data`, counting as `weights` (rows,) says, from `start` where there is one.

        None of them knows of repeated text: `data` is `Observations.fresh()` of a table that may hold any.

        Raises RefusedError `loss_does_not_fall` where the Chinchilla form's best exponents are not above zero, or
        a term of it is nothing.
        """
        rows, of_row = FormRows.of(data, delta), np.ones((1, len(data))) if weights is None else weights[None, :]
        problem = rows.problem
        begin = best_grid_start(problem, of_row) if start is None else problem.theta(start.constants())[None]
        first, value = CHINCHILLA.fit(rows, begin, of_row)
        least_term = first[0, 1:3].min() - float(np.median(problem.z))
        if np.any(first[:, 3:] <= 0) or least_term < _LEAST_TERM:
            raise RefusedError("loss_does_not_fall", "the losses do not fall with both N and D; look at the runs")
        best, values = {CHINCHILLA.name: first}, {CHINCHILLA.name: float(value[0])}
        for form in FORMS[1:]:
            best[form.name], value = form.fit(rows, first, of_row)
            values[form.name] = float(value[0])
        return cls(rows=rows, weights=of_row, best=best, values=values)

    @cached_property
    def laws(self) -> dict[str, Surface]:
        """{form: law of its optimum}."""
        return {form.name: form.law(self.rows, self.best[form.name][0]) for form in FORMS}

    @cached_property
    def residuals(self) -> dict[str, Array]:
        """{form: ln of the best law's loss less ln loss of each row, (rows,)}."""
        return {form.name: form.residuals(self.rows, self.best[form.name])[0] for form in FORMS}

    def chinchilla_draws(self, resamples: Array) -> ChinchillaLaw:
        """The Chinchilla law of constants (draws, 1) refitted to resamples (draws, rows)."""
        theta = self._chinchilla(resamples * self.weights)
        return CHINCHILLA.law(self.rows, theta[:, None])

    def draws(self, resamples: Array) -> dict[str, Surface]:
        """{form: law of the constants refitted to resamples (draws, rows)}."""
        weights = resamples * self.weights
        first = self._chinchilla(weights)
        draws: dict[str, Surface] = {CHINCHILLA.name: CHINCHILLA.law(self.rows, first)}
        for form in FORMS[1:]:
            draws[form.name] = form.law(self.rows, form.refit(self.rows, self.best[form.name], first, weights))
        return draws

    def fits(self) -> dict[str, FormFit]:
        """{form: fit}."""
        fits = {}
        for form in FORMS:
            r = self.residuals[form.name]
            spread = np.sqrt(np.sum(r**2) / max(1, len(r) - len(form.constants)))
            law, objective = self.laws[form.name], self.values[form.name]
            fits[form.name] = FormFit(form=form, law=law, objective=objective, residual_sd=float(spread))
        return fits

    def _chinchilla(self, weights: Array) -> Array:
        best = self.best[CHINCHILLA.name]
        return CHINCHILLA.refit(self.rows, best, best, weights)


@dataclass(frozen=True, kw_only=True)
class FormFile:
    """The JSON object of a FormFit."""

    form: str
    constants: dict[str, Finite]
    objective: Number
    residual_sd: Number
    centre: tuple[Number, Number] | None

    def fit(self) -> FormFit:
        """The fit. Raises InputError where the form is unknown or has other constants."""
        form = form_named(self.form)
        if set(self.constants) != set(form.constants):
            raise InputError(f"form {form.name}: expected the constants {', '.join(form.constants)}")
        law = form.restored(dict(self.constants), self.centre or (0.0, 0.0))
        return FormFit(form=form, law=law, objective=self.objective, residual_sd=self.residual_sd)


def form_named(name: str) -> SavedForm:
    """The form called `name` in files. Raises InputError that lists the names."""
    forms: dict[str, SavedForm] = {form.name: form for form in (*FORMS, REPEATED)}
    if name not in forms:
        raise InputError(f"form: expected one of {', '.join(forms)}, got {name!r}")
    return forms[name]
