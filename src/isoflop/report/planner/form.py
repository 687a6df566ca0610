"""A law as the planner page has it: the name of its form in laws.js, and its constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.errors import InputError
from isoflop.laws import ChinchillaLaw, CoupledLaw, FrontierLaw, Law
from isoflop.laws.log_quadratic import LogQuadraticLaw

FORM_OF: dict[type[Law], str] = {
    ChinchillaLaw: "chinchilla",
    FrontierLaw: "frontier",
    CoupledLaw: "coupled",
    LogQuadraticLaw: "logquadratic",
}
"""{class of a law: its form in laws.js}."""


@dataclass(frozen=True, kw_only=True)
class LawData:
    """One law."""

    form: str
    """One of FORM_OF."""
    constants: Mapping[str, float | tuple[float, float]]
    """{letter: value}; of the log-quadratic form with the point that they are about, `centre`."""


def law_data(law: Law) -> LawData:
    """Returns the data of a law. Raises InputError for one of a form that the page does not know."""
    if type(law) not in FORM_OF:
        known = ", ".join(FORM_OF.values())
        raise InputError(f"planner: expected a law of the forms {known}, got {type(law).__name__}")
    centre = {"centre": law.centre} if isinstance(law, LogQuadraticLaw) else {}
    return LawData(form=FORM_OF[type(law)], constants={**law.constants(), **centre})
