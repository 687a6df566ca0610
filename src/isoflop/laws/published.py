"""The published laws by name, read from published.toml. Same types as fitted ones."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from isoflop.errors import InputError, RefusedError, close_names
from isoflop.laws.chinchilla import ChinchillaLaw
from isoflop.laws.coupled import CoupledLaw, kaplan_law
from isoflop.laws.frontier import FrontierLaw
from isoflop.laws.law import Provenance

PublishedLaw = ChinchillaLaw | CoupledLaw | FrontierLaw
DEFAULT_LAW = "besiroglu2024"
"""The law of a plan that names none: the objective of Hoffmann et al. 2022, Appendix D.3, at its optimum on the points
of their Figure 4. The constants that they print, `hoffmann2022-3`, are not at that optimum."""
_Constants = dict[str, float]
_Table = dict[str, Any]  # of a TOML file


def _chinchilla(constants: _Constants, source: Provenance) -> PublishedLaw:
    return ChinchillaLaw(**constants, provenance=source)


def _kaplan(constants: _Constants, source: Provenance) -> PublishedLaw:
    return kaplan_law(**constants, provenance=source)


def _params_frontier(constants: _Constants, source: Provenance) -> PublishedLaw:
    return FrontierLaw.through(
        params=constants["anchor_params"], flops=constants["anchor_flops"], a=constants["a"], provenance=source
    )


def _tokens_frontier(constants: _Constants, source: Provenance) -> PublishedLaw:
    return FrontierLaw.through_tokens(
        tokens=constants["anchor_tokens"], flops=constants["anchor_flops"], b=constants["b"], provenance=source
    )


def _power_laws(constants: _Constants, source: Provenance) -> PublishedLaw:
    return FrontierLaw(**constants, provenance=source)


def _model_scale(constants: _Constants, source: Provenance) -> PublishedLaw:
    # N that costs M FLOPs a token: M = 6 N.
    return FrontierLaw(
        params_coefficient=constants["scale_coefficient"] / 6,
        a=constants["a"],
        tokens_coefficient=constants["tokens_coefficient"],
        b=constants["b"],
        provenance=source,
    )


_FORMS: dict[str, tuple[tuple[str, ...], Callable[[_Constants, Provenance], PublishedLaw]]] = {
    "chinchilla": (("E", "A", "B", "alpha", "beta"), _chinchilla),
    "kaplan": (("N_c", "D_c", "alpha_N", "alpha_D"), _kaplan),
    "params_frontier": (("anchor_params", "anchor_flops", "a"), _params_frontier),
    "tokens_frontier": (("anchor_tokens", "anchor_flops", "b"), _tokens_frontier),
    "power_laws": (("params_coefficient", "a", "tokens_coefficient", "b"), _power_laws),
    "model_scale": (("scale_coefficient", "a", "tokens_coefficient", "b"), _model_scale),
}
"""{form in published.toml: (its constants, the function that returns the law of them)}."""


@cache
def _tables() -> dict[str, _Table]:
    text = resources.files("isoflop.laws").joinpath("published.toml").read_text(encoding="utf-8")
    return {name: table for name, table in tomllib.loads(text).items() if isinstance(table, dict)}


def published_names() -> tuple[str, ...]:
    """Names of all published laws with constants, in the order of the file."""
    return tuple(name for name, table in _tables().items() if table["form"] in _FORMS)


def published_forms() -> tuple[Provenance, ...]:
    """Sources of the published forms whose constants are not known here."""
    return tuple(
        _provenance(name, {key: value for key, value in table.items() if key not in ("form", "also_called")})
        for name, table in _tables().items()
        if table["form"] not in _FORMS
    )


def _provenance(name: str, table: _Table) -> Provenance:
    """The source of a law from its table without the form and the constants; pairs become tuples."""
    pairs = {
        key: {quantity: (float(low), float(high)) for quantity, (low, high) in table.get(key, {}).items()}
        for key in ("domain", "intervals")
    }
    values: _Table = {**table, **pairs}
    return Provenance(name=name, **values)


@cache
def published_law(name: str) -> PublishedLaw:
    """The published law called `name`.

    Raises InputError, listing the names, for another, and RefusedError `no_constants` for a form without constants.

    >>> published_law("hoffmann2022-3-rounded").constants()["beta"]
    0.28
    """
    if name not in _tables():
        nearest = close_names(
            name, published_names(), {law: table.get("also_called", ()) for law, table in _tables().items()}
        )
        raise InputError(f"law: no published law is called {name!r}; did you mean {nearest}? `isoflop laws` lists all")
    table = dict(_tables()[name])
    form = table.pop("form")
    if form not in _FORMS:
        raise RefusedError(
            "no_constants",
            f"{name}: the form is known ({table['place']}), its published constants are not; make it from constants "
            f"of your own with isoflop.laws.{form}_law, or fit your runs",
        )
    table.pop("also_called", None)
    letters, law_of = _FORMS[form]
    constants = {letter: float(table.pop(letter)) for letter in letters}
    return law_of(constants, _provenance(name, table))
