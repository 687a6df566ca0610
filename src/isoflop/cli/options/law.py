"""The law of a plan or a prediction: published, or of a fit; and the level of its intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
import cloup
from cloup import option_group

from isoflop.cli.options.types import PATH
from isoflop.errors import InputError, Notice

if TYPE_CHECKING:
    from isoflop.plan import LawSource

_TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".gz")
"""Endings of tables of runs, which some pass for a fit."""

F = TypeVar("F", bound=Callable[..., object])


def level_option(function: F) -> F:
    """Adds `--level`."""
    return click.option("--level", type=float, default=0.9, help="Probability of the intervals. [0.9]")(function)


def law_options(function: F) -> F:
    """Adds `--law`, `--fit` and `--approach`, which `read_law` reads."""
    law = cloup.option("--law", help="Use a published law; `isoflop laws` lists them. [besiroglu2024]")
    fit = cloup.option("--fit", type=PATH, help="Use a fit from `isoflop fit FILE --out FIT`, or a study.")
    approach = cloup.option(
        "--approach", help="Approach of the fit: parametric, isoflop or envelope. [the first with a law]"
    )
    return option_group("Law", law, fit, approach)(function)


def read_law(name: str | None, fit: Path | None, approach: str | None) -> LawSource:
    """Returns the law that the options name, or else DEFAULT_LAW. Raises InputError for both a law and a fit."""
    from isoflop.laws.published import DEFAULT_LAW
    from isoflop.plan import published_source

    if name is not None and fit is not None:
        raise InputError("--law and --fit: expected one of them")
    if fit is not None:
        from isoflop.fit import FitReport
        from isoflop.plan import fitted_source

        if fit.suffix.lower() in _TABLES and fit.is_file():
            raise InputError(f"--fit {fit}: a table, not a fit; fit it first: isoflop fit {fit} --out fit.json")
        of_study = fit / "fits" / "sweep.json"
        return fitted_source(FitReport.load(of_study if of_study.exists() else fit), approach)
    if approach is not None:
        raise InputError("--approach: needs --fit; a published law belongs to one approach")
    if name is None:
        message = f"no --law and no --fit: answered by {DEFAULT_LAW}; `isoflop laws` lists others"
        default = published_source(DEFAULT_LAW)
        return replace(default, notices=(*default.notices, Notice(code="default_law", message=message)))
    return published_source(name)
