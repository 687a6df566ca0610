"""Answers as frames: the constants of a fit with their intervals, and the rows with what the law expects of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, TypeAlias, cast

from isoflop.errors import InputError
from isoflop.fit import LEVEL, AnyFit, FitReport, ParametricFit, Refused
from isoflop.report.fitted_runs import FURTHEST, rows_of
from isoflop.report.panels.optimum_tables import fit_optima

LIBRARIES = ("pandas", "polars", "pyarrow")
"""Whose frames can be made, in the order in which one is taken where the runs came in none."""

Frame: TypeAlias = Any
"""A frame of one of LIBRARIES: which one, the runs say when they come in, and no type can."""

Columns = Mapping[str, Sequence[float | str | bool | None]]
"""{column: its cells}."""


def frame_of(columns: Columns, library: str) -> Frame:
    """`columns` as a frame of `library`, or where that is empty or makes none, of the first of LIBRARIES that is here.

    Raises InputError where none is installed.
    """
    import narwhals as nw

    installed = [name for name in LIBRARIES if find_spec(name) is not None]
    if library not in installed:
        if not installed:
            raise InputError("a frame needs pandas, polars or pyarrow; install one, such as: pip install pandas")
        library = installed[0]
    return nw.from_dict(cast(Any, {**columns}), backend=cast(Any, library)).to_native()


def interval_columns(report: FitReport) -> Columns:
    """A row for each number that an approach fitted, and for the optimum at the largest compute and ten times that.

    `low` and `high` hold the number with probability `level`, and are missing without draws. `identified` is missing
    where the fit does not judge the number.
    """
    rows = [row for name, fit in report.fitted.items() for row in _rows_of(name, fit, report.observations.loss_unit)]
    for at in fit_optima(report):
        optima = [
            (str(name), one.params, one.params_interval, one.tokens, one.tokens_interval)
            for name, one in at.by_approach.items()
        ]
        if at.forecast_point is not None:
            point = at.forecast_point
            optima.append(("forecast", point.params, point.params_interval, point.tokens, point.tokens_interval))
        for name, params, of_params, tokens, of_tokens in optima if at.factor <= FURTHEST else ():
            rows += [
                (name, "N_opt", at.flops, params, of_params, "parameters", None),
                (name, "D_opt", at.flops, tokens, of_tokens, "tokens", None),
            ]
    return {
        "approach": [row[0] for row in rows],
        "name": [row[1] for row in rows],
        "flops": [row[2] for row in rows],
        "value": [row[3] for row in rows],
        "low": [None if row[4] is None else row[4][0] for row in rows],
        "high": [None if row[4] is None else row[4][1] for row in rows],
        "level": [None if row[4] is None else LEVEL for row in rows],
        "unit": [row[5] for row in rows],
        "identified": [row[6] for row in rows],
    }


_Row = tuple[str, str, float | None, float, tuple[float, float] | None, str, bool | None]


def _rows_of(name: str, fit: AnyFit, loss_unit: str) -> list[_Row]:
    """The constants of a law and the exponents of its optimum."""
    verdicts = fit.identified if isinstance(fit, ParametricFit) else {}
    a, b = fit.exponents
    values = {key: float(value) for key, value in fit.law.constants().items()} | {"a": a, "b": b}
    return [
        (name, key, None, value, fit.intervals.get(key), loss_unit if key == "E" else "", verdicts.get(key))
        for key, value in values.items()
    ]


def residual_columns(report: FitReport) -> Columns:
    """The rows of the table that were fitted; with a parametric law its loss, and ln(observed / predicted)."""
    import numpy as np

    rows = rows_of(report)
    columns: dict[str, Sequence[float | str | bool | None]] = {
        "row": [row.row for row in rows],
        "run_id": [row.run_id for row in rows],
        "params": [row.params for row in rows],
        "tokens": [row.tokens for row in rows],
        "flops": [row.flops for row in rows],
        "loss": [row.loss for row in rows],
    }
    if isinstance(report.parametric, Refused):
        return columns
    predicted = [row.predicted for row in report.parametric.residuals]
    observed = [row.loss for row in report.parametric.residuals]
    residual = np.log(np.array(observed) / np.array(predicted)).tolist()
    return {**columns, "predicted": predicted, "residual": residual}
