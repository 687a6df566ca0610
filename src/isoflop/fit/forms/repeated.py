"""The law of repeated tokens fitted to runs that read their text more than once: R_D* and R_N* with the five.

Where no run repeats a token these two are not identified and the Chinchilla law is the whole answer; R_N* needs, among
the runs that repeat, some that are larger than their unique tokens call for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from isoflop.arrays import Array
from isoflop.errors import RefusedError
from isoflop.fit.forms.form import Centre, FormFit, SavedForm, fit_by_differences
from isoflop.fit.parametric.objective import HuberObjective
from isoflop.laws.chinchilla import CONSTANTS, ChinchillaLaw
from isoflop.laws.law import FITTED
from isoflop.laws.repeated import R_PARAMS, R_TOKENS, RepeatedLaw, repeated_loss

if TYPE_CHECKING:
    from isoflop.observations import Observations

_REPEATED = 1.02  # D over the unique tokens from which a run counts as having repeated some
_FEWEST = 4  # runs that repeat: two constants and two more
# ln E, the size and the token term at the centre, alpha, beta, ln R_D*, ln R_N*. Beyond e^7 epochs R is unlimited.
_LOWEST = np.array([-30, -30, -30, 0.01, 0.01, -2.0, -2.0])
_HIGHEST = np.array([30, 30, 30, 3.0, 3.0, 7.0, 7.0])


class RepeatedForm(SavedForm):
    """The law of repeated tokens, fitted in addition to the forms of every table where runs state their different
    tokens."""

    name = "repeated"
    label = "repeated tokens"
    constants = (*CONSTANTS, "R_tokens", "R_params")

    def restored(self, constants: Mapping[str, float | Array], centre: Centre) -> RepeatedLaw:
        """The law of saved constants, its `unique_tokens` infinite."""
        del centre
        fresh = ChinchillaLaw(**{name: constants[name] for name in CONSTANTS}, provenance=FITTED)
        decay = {name: constants[name] for name in ("R_tokens", "R_params")}
        return RepeatedLaw(fresh=fresh, unique_tokens=np.inf, **decay)


REPEATED = RepeatedForm()


def fit_repeated(data: Observations, start: ChinchillaLaw, delta: float) -> FormFit:
    """The law of repeated tokens, its `unique_tokens` infinite, fitted from the Chinchilla law `start`.

    Raises RefusedError `nothing_repeated` where the data say nothing of different tokens, or fewer than four runs saw
    more tokens than they had different ones.
    """
    stated = data.D if data.unique_tokens is None else data.unique_tokens
    unique_tokens = np.where(np.isnan(stated), data.D, stated)
    again = _REPEATED * unique_tokens < data.D
    if again.sum() < _FEWEST:
        raise RefusedError(
            "nothing_repeated",
            f"{int(again.sum())} of {len(data)} runs saw tokens again: R_D* and R_N* are not identified; "
            f"expected at least {_FEWEST}",
        )
    problem = HuberObjective.of(data.N, data.D, data.loss, delta)
    first = np.concatenate([problem.theta(start.constants()), np.log([R_TOKENS, R_PARAMS])])

    def residuals(theta: Array) -> Array:
        """ln of predicted over observed loss, (batch, rows), at `theta` (batch, 7)."""
        R_tokens, R_params = np.exp(theta[:, 5:, None].swapaxes(0, 1))
        predicted = repeated_loss(_fresh(problem, theta), data.N, data.D, unique_tokens, R_tokens, R_params)
        return np.asarray(np.log(predicted) - problem.z)

    starts = np.repeat(first[None], 3, axis=0)
    starts[1, 5:], starts[2, 5:] = np.log([3.0, 20.0]), np.log([60.0, 2.0])
    theta, objectives = fit_by_differences(residuals, delta, starts, np.ones((1, len(data))), (_LOWEST, _HIGHEST))
    best = theta[[np.argmin(objectives)]]
    constants = {name: float(v) for name, v in problem.constants(best[0, :5]).items()}
    law = RepeatedLaw(
        fresh=ChinchillaLaw(**constants, provenance=start.provenance),
        unique_tokens=np.inf,
        R_tokens=float(np.exp(best[0, 5])),
        R_params=float(np.exp(best[0, 6])),
    )
    spread = float(np.sqrt(np.sum(residuals(best) ** 2) / max(1, len(data) - 7)))
    return FormFit(form=REPEATED, law=law, objective=float(objectives.min()), residual_sd=spread)


def _fresh(problem: HuberObjective, theta: Array) -> ChinchillaLaw:
    """The laws of theta (batch, 7) but for repetition, constants as columns (batch, 1)."""
    columns = {name: v[:, None] for name, v in problem.constants(theta[:, :5]).items()}
    return ChinchillaLaw(**columns, provenance=FITTED)
