"""How well each form of law, fitted up to an earlier compute, said what came later: as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.report.figures.facts import Grid
from isoflop.report.view import Absent, View, in_words, section
from isoflop.report.wording import DASH, percent

_LABELS = {
    "chinchilla": "Chinchilla",
    "coupled": "coupled",
    "logquadratic": "log-quadratic",
    "repeated": "repeated tokens",
}
_REACHES = (3.0, 10.0, 30.0, math.inf)
"""Upper ends of the ranges of extrapolation that errors are put together in."""


@dataclass(frozen=True, kw_only=True)
class PastForecast:
    """One form, fitted to all runs up to `origin_flops`, and the runs at `target_flops`."""

    origin_flops: float
    target_flops: float
    factor: float
    """target_flops over origin_flops."""
    error: float
    """Predicted over actual loss, less 1."""


@dataclass(frozen=True, kw_only=True)
class FormErrors:
    """A form of law and its past forecasts."""

    form: str
    """As the fit names it."""
    label: str
    """In words."""
    residual_sd: float | None
    """Scatter of ln loss about it, in the sample."""
    past: tuple[PastForecast, ...]
    """By factor; empty where there are too few earlier runs for any forecast."""


def form_errors(view: View) -> tuple[FormErrors, ...] | Absent:
    """Each form with its past forecasts, in the fit's order; Absent where no form has any."""
    found = tuple(
        FormErrors(
            form=str(entry["form"]),
            label=_LABELS.get(str(entry["form"]), in_words(str(entry["form"]))),
            residual_sd=entry.get("residual_sd"),
            past=tuple(sorted((_past(item) for item in entry.get("backtest") or ()), key=lambda one: one.factor)),
        )
        for entry in section(view, "fit").get("forms") or ()
    )
    if not any(one.past for one in found):
        why = "the runs span too little compute" if found else "no form was held against them"
        return Absent(sentence=f"Forecasts of the past: there is none; {why}.")
    return found


def _past(item: Mapping[str, Any]) -> PastForecast:
    return PastForecast(
        origin_flops=float(item["origin_flops"]),
        target_flops=float(item["target_flops"]),
        factor=float(item["factor"]),
        error=float(item["error"]),
    )


def errors_grid(values: Sequence[FormErrors]) -> Grid:
    """Root mean square of each form's errors by how far it was carried on."""
    reaches = [
        (low, high)
        for low, high in zip((0.0, *_REACHES[:-1]), _REACHES, strict=True)
        if any(low < one.factor <= high for form in values for one in form.past)
    ]
    rows = tuple((one.label, *(_typical(one.past, low, high) for low, high in reaches)) for one in values if one.past)
    columns = ("form", *(f"to ×{high:g}" if high < math.inf else f"above ×{low:g}" for low, high in reaches))
    note = (
        "Each form, fitted up to an earlier compute, predicted the later runs: root mean square of predicted over "
        "actual loss less 1, by how many times beyond the fit; with a sign where all errors there have it."
    )
    return Grid(heading="Forecasts of the past", columns=columns, rows=rows, note=note)


def _typical(past: Sequence[PastForecast], low: float, high: float) -> str:
    errors = np.array([one.error for one in past if low < one.factor <= high])
    if not len(errors):
        return DASH
    size = float(np.sqrt(np.mean(errors**2)))
    if np.all(errors > 0) or np.all(errors < 0):
        return percent(float(np.copysign(size, errors[0])))
    return f"±{100 * size:.2f} %"


def typical_errors(values: Sequence[FormErrors], reach: float) -> dict[str, float]:
    """{form in words: root mean square of its errors at up to `reach` times}, of forms that have any there."""
    near = {one.label: np.array([past.error for past in one.past if past.factor <= reach]) for one in values}
    return {label: float(np.sqrt(np.mean(errors**2))) for label, errors in near.items() if len(errors)}


def lack_of_fit(view: View) -> str:
    """What the fit says of trends in its residuals, with a capital; empty where it found none or did not look."""
    found = section(view, "fit").get("lack_of_fit") or {}
    text = str(found.get("message") or "") if found.get("found") else ""
    return text[:1].upper() + text[1:]
