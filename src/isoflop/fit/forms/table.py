"""The forms that are fitted to every table: a line each (docs/adding-a-form.md)."""

from __future__ import annotations

from isoflop.fit.forms.chinchilla import ChinchillaForm
from isoflop.fit.forms.coupled import CoupledForm
from isoflop.fit.forms.form import Form
from isoflop.fit.forms.log_quadratic import LogQuadraticForm

CHINCHILLA = ChinchillaForm()
"""The form of approach 3: the others begin at its optimum."""
FORMS: tuple[Form, ...] = (
    CHINCHILLA,
    CoupledForm(),
    LogQuadraticForm(),
)
"""In the order of reports and of random draws. The prior weights of all forms are divided by their sum."""


def prior_weights() -> dict[str, float]:
    """{form: trust in its forecasts of losses before any past forecast}, summing to 1."""
    total = sum(form.prior_weight for form in FORMS)
    return {form.name: form.prior_weight / total for form in FORMS}
