"""Several forms of loss surface fitted to the same rows: how far they differ is what the rows leave open.

No form is chosen by its residuals: they do not tell which one forecasts best. Rolling origins do
(fit/forecast/rolling_origin.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import RefusedError
from isoflop.fit.forms.coupled import coupled_law, fit_coupled
from isoflop.fit.forms.coupled import residuals as coupled_residuals
from isoflop.fit.forms.log_quadratic import LogQuadraticProblem
from isoflop.fit.parametric.newton import RESAMPLE, TIGHT, minimise
from isoflop.fit.parametric.objective import Problem, huber
from isoflop.fit.parametric.starts import best_grid_start
from isoflop.laws import ChinchillaLaw, Provenance, RepeatedLaw
from isoflop.laws.coupled import CONSTANTS as COUPLED
from isoflop.laws.coupled import CoupledLaw
from isoflop.laws.law import FITTED
from isoflop.laws.log_quadratic import CONSTANTS as LOG_QUADRATIC
from isoflop.laws.log_quadratic import LogQuadraticLaw
from isoflop.observations import Observations

Array = NDArray[np.float64]
Surface = ChinchillaLaw | CoupledLaw | LogQuadraticLaw
REPEATED = "repeated"
"""The form of repeated tokens, fitted beside FORMS where runs say how many different tokens they saw."""

CONSTANTS = {"chinchilla": ("E", "A", "B", "alpha", "beta"), "coupled": COUPLED, "logquadratic": LOG_QUADRATIC}
"""Names of each form's constants, in the order of saved draws."""
FORMS = tuple(CONSTANTS)
# Limits of a resample's exponents: below, the term is a constant; above, a step that its few rows put there.
_EXPONENTS = (1e-3, 5.0)
_LEAST_TERM = np.log(1e-6)  # of the loss, at the centre of the data: a size or token term below it is none


@dataclass(frozen=True, kw_only=True, eq=False)
class FormFit:
    """One form fitted to a table."""

    form: str
    """One of FORMS, or REPEATED."""
    law: Surface | RepeatedLaw
    """The best fit."""
    objective: float
    """Weighted sum of Huber's loss of the residuals; the log-quadratic minimises squares instead."""
    residual_sd: float
    """Root of the sum of squared residuals of ln loss over rows less constants."""

    def as_json(self) -> dict[str, Any]:
        """{form, constants, centre, objective, residual_sd}; the centre is null but for the log-quadratic."""
        return {
            "form": self.form,
            "constants": self.law.constants(),
            "centre": list(self.law.centre) if isinstance(self.law, LogQuadraticLaw) else None,
            "objective": self.objective,
            "residual_sd": self.residual_sd,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FormFit:
        """What `as_json` wrote."""
        law: Surface | RepeatedLaw
        if data["form"] == REPEATED:
            named = dict(data["constants"])
            decay = {name: float(named.pop(name)) for name in ("R_tokens", "R_params")}
            law = RepeatedLaw(fresh=ChinchillaLaw(**named), unique_tokens=np.inf, **decay)
        else:
            centre = data["centre"] or (0.0, 0.0)
            law = make_surface(data["form"], data["constants"], (float(centre[0]), float(centre[1])))
        return cls(
            form=data["form"],
            law=law,
            objective=float(data["objective"]),
            residual_sd=float(data["residual_sd"]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FormProblems:
    """The rows of a table as every form needs them, and each form's optimum."""

    problem: Problem
    """Of the Chinchilla and the coupled form."""
    squares: LogQuadraticProblem
    """Of the log-quadratic."""
    weights: Array
    """How much each row counts, (1, rows)."""
    best: dict[str, Array]
    """{form: constants in the problem's coordinates, (1, names)}."""
    values: dict[str, float]
    """{form: Huber's objective there}."""

    @classmethod
    def of(
        cls, data: Observations, delta: float, rows: Array | None = None, start: ChinchillaLaw | None = None
    ) -> FormProblems:
        """All forms fitted to the rows of `data`, each counting as `rows` says, from `start` where there is one.

        None of them knows of repeated text: `data` is `Observations.fresh()` of a table that may hold any.

        Raises RefusedError `loss_does_not_fall` where the Chinchilla form's best exponents are not above zero, or
        a term of it is nothing.
        """
        weights = np.ones((1, len(data))) if rows is None else rows[None, :]
        problem = Problem.of(data.N, data.D, data.loss, delta)
        squares = LogQuadraticProblem.of(data.N, data.D, data.loss)
        begin = best_grid_start(problem, weights) if start is None else problem.theta(start.constants())[None]
        first = minimise(problem, begin, weights, TIGHT)
        least_term = first.theta[0, 1:3].min() - float(np.median(problem.z))
        if np.any(first.theta[:, 3:] <= 0) or least_term < _LEAST_TERM:
            raise RefusedError("loss_does_not_fall", "the losses do not fall with both N and D; look at the runs")
        second, value = fit_coupled(problem, first.theta, weights)
        third = squares.fit(weights)
        flat = huber(squares.residuals(third), delta, weights)
        return cls(
            problem=problem,
            squares=squares,
            weights=weights,
            best={"chinchilla": first.theta, "coupled": second, "logquadratic": third},
            values={"chinchilla": float(first.value[0]), "coupled": float(value[0]), "logquadratic": float(flat[0])},
        )

    def law(self, form: str, theta: Array, provenance: Provenance = FITTED) -> Surface:
        """The law of constants (..., names) in the problem's coordinates."""
        if form == "chinchilla":
            return ChinchillaLaw(**self.problem.constants(theta), provenance=provenance)
        if form == "coupled":
            return coupled_law(self.problem, theta, provenance)
        return self.squares.law(theta, provenance)

    def residuals(self, form: str) -> Array:
        """ln of the best law's loss less ln loss, a row each."""
        theta = self.best[form]
        if form == "coupled":
            return np.asarray(coupled_residuals(self.problem, theta)[0])
        return np.asarray((self.problem if form == "chinchilla" else self.squares).residuals(theta)[0])

    def chinchilla_draws(self, resamples: Array) -> Array:
        """Constants (draws, 5) of the Chinchilla form refitted to resamples (draws, rows)."""
        start = np.repeat(self.best["chinchilla"], len(resamples), axis=0)
        theta = minimise(self.problem, start, resamples * self.weights, RESAMPLE).theta
        theta[:, 3:] = np.clip(theta[:, 3:], *_EXPONENTS)
        return theta

    def draws(self, resamples: Array) -> dict[str, Surface]:
        """{form: law of the constants refitted to resamples (draws, rows)}."""
        first = self.chinchilla_draws(resamples)
        many = resamples * self.weights
        second = fit_coupled(self.problem, first, many, self.best["coupled"])[0]
        constants = {"chinchilla": first, "coupled": second, "logquadratic": self.squares.fit(many)}
        return {form: self.law(form, theta) for form, theta in constants.items()}

    def fits(self) -> dict[str, FormFit]:
        """{form: fit}."""
        found = {}
        for form in FORMS:
            residuals = self.residuals(form)
            spread = np.sqrt(np.sum(residuals**2) / max(1, len(residuals) - len(CONSTANTS[form])))
            law, objective = self.law(form, self.best[form][0]), self.values[form]
            found[form] = FormFit(form=form, law=law, objective=objective, residual_sd=float(spread))
        return found


def stacked(form: str, law: Surface) -> Array:
    """Draws as (draws, constants), in the order of CONSTANTS, for saving."""
    return np.stack([np.asarray(getattr(law, name)) for name in CONSTANTS[form]], axis=1)


def make_surface(form: str, named: Mapping[str, Any], centre: tuple[float, float]) -> Surface:
    """The law of `form` with the constants that were saved. `centre` is of the log-quadratic alone."""
    if form == "chinchilla":
        return ChinchillaLaw(**named)
    if form == "coupled":
        return CoupledLaw(**named)
    return LogQuadraticLaw(**named, centre=centre)
