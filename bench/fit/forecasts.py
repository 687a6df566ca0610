"""python bench/fit/forecasts.py docs/forecasts.md: every forecast that ../shared/data allows, held against what came.

What counts, fixed before the table was made. The method's own constants are another matter: weights of rows, weights of
forms, the bias and the prior error of form were chosen while looking at errors on these same sets, the same for all of
them. What the other families alone would have said of the bias and of the error of form, and the coverage with it,
stands below; the weights are not left out.

- An origin is what `isoflop.fit.forecast.rolling_origin` makes of a set: all rows up to a budget (isoFLOP designs), or
  up to C/30, C/10 and C/3 of the largest C. Only those rows go into the fit, its weights, its prior forecasts and its
  intervals. Where the tool refuses to fit them there is no forecast, and the refusal is counted.
- A forecast is one later row: its loss, predicted at its N and D with the nominal 90 % interval of one run, for rows of
  up to 12.5 times the origin's largest compute. All such rows are kept. A row, and not the mean of several, because a
  person asks for the loss of the run that will be done.
- That run will be done near the optimum of the plan: the acceptance is on the rows whose N lies within a factor 4 of
  the N_opt that the origin's own fit plans for their C (the width of a default sweep). It is decided by N, D and C, and
  by no loss. The other rows are counted in the second column of the totals.
- Sets whose schedule does not match (porian's `decay = kaplan`: one long schedule for all horizons) are listed apart.
- Rows are not independent. Those of one set and origin share their error; the eight losses of an overtraining run,
  porian's ways to count N, and 240, 245 and the slim 28 points of one figure are the same runs. Totals are therefore
  also given with every (set, origin, band of compute) counted once, and over one reading of each experiment alone.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from forecast_page import Band, Origins, page
from forecast_sets import DataSet, data_sets

from isoflop.errors import RefusedError
from isoflop.files import write_bytes_atomically
from isoflop.fit import fit_parametric
from isoflop.fit.forecast.build import build_forecaster
from isoflop.fit.forecast.error_model import PUBLIC, Prior, fit_error_model
from isoflop.fit.forecast.forecast import Forecaster
from isoflop.fit.forecast.rolling_origin import forecast_weights, past_forecasts, rolling_origins
from isoflop.fit.forms.fitted import FittedForms
from isoflop.fit.parametric.fit import PUBLISHED_DELTA
from isoflop.observations import Observations

LEVEL, FURTHEST, WIDTH = 0.9, 12.5, np.log(4.0)
ERRORS = (0.003, 0.004, 0.005, 0.006, 0.007)
VARIANTS = ((0.03, 0.3), (0.05, 0.3), (0.10, 0.3), (0.20, 0.3), (0.05, 0.0), (0.05, 0.6), (1e9, 0.0))


@dataclass(frozen=True, kw_only=True)
class Question:
    """The rows of one later budget or band of compute, with the forecaster that an origin's rows give."""

    set: DataSet
    origin: float
    forecaster: Forecaster
    later: Observations
    near: np.ndarray

    def under(self, prior: Prior) -> Forecaster:
        """The forecaster with another prior of its errors."""
        return replace(self.forecaster, errors=fit_error_model(self.forecaster.past, prior))


def questions_of(data: DataSet) -> tuple[list[Question], int]:
    """What is asked of each origin of a set; and how many origins the tool refused."""
    found, refused = [], 0
    for origin in rolling_origins(data.runs):
        known = data.runs.select(origin.known)
        try:
            fit = fit_parametric(known, draws=20)
            forecaster = build_forecaster(known, fit)
        except RefusedError:
            refused += 1
            continue
        for target in origin.targets:
            later = data.runs.select(target & (FURTHEST * known.C.max() >= data.runs.C))
            if len(later):
                near = np.abs(np.log(later.N / fit.law.optimum(later.C, fit.cost)[0])) <= WIDTH
                question = Question(
                    set=data, origin=float(known.C.max()), forecaster=forecaster, later=later, near=near
                )
                found.append(question)
    return found, refused


def band_of(question: Question, prior: Prior) -> Band:
    """The forecasts of a question, `prior` being that of the other families."""
    forecaster, later = question.forecaster, question.later
    inside, half_width = held(forecaster, later)
    inside_other, half_width_other = held(question.under(prior), later)
    return Band(
        set=question.set,
        origin=question.origin,
        factor=later.C / question.origin,
        near=question.near,
        error=forecaster.point(later.N, later.D) / later.loss - 1,
        forms={form: loss / later.loss - 1 for form, loss in forecaster.form_losses(later.N, later.D).items()},
        inside=inside,
        half_width=half_width,
        inside_left_out=inside_other,
        half_width_left_out=half_width_other,
    )


def held(forecaster: Forecaster, later: Observations) -> tuple[np.ndarray, np.ndarray]:
    """(whether the interval holds each loss, its half-width over the forecast)."""
    low, high = forecaster.interval(later.N, later.D, LEVEL).T
    return (low <= later.loss) & (later.loss <= high), (high - low) / 2 / forecaster.point(later.N, later.D)


def family_biases(sets: list[DataSet]) -> dict[str, float]:
    """{family: bias} over its sets, from their past forecasts alone."""
    found: dict[str, list[float]] = {}
    for data in sets:
        past = past_forecasts(data.runs)
        if past and data.schedule != "unmatched":
            found.setdefault(data.family, []).append(fit_error_model(past, replace(PUBLIC, bias_sd=1.0)).bias)
    return {family: float(np.mean(biases)) for family, biases in found.items()}


def prior_without(family: str, biases: dict[str, float], questions: list[Question]) -> tuple[Prior, dict[float, float]]:
    """(the prior that the families besides `family` give, {error of form: their coverage with it}).

    The bias is the mean of theirs. The error of form is the one with which 90 % of their rows near the plan are inside,
    from 2.5 times the compute on, each family counted once.
    """
    prior = replace(PUBLIC, bias=float(np.mean([bias for name, bias in biases.items() if name != family])))
    coverages = {}
    for error in ERRORS:
        inside: dict[str, list[np.ndarray]] = {}
        for question in questions:
            rows = question.near & (2.5 * question.origin < question.later.C)
            if question.set.family != family and question.set.schedule != "unmatched" and rows.any():
                found, _ = held(question.under(replace(prior, error=error)), question.later.select(rows))
                inside.setdefault(question.set.family, []).append(found)
        coverages[error] = float(np.mean([np.concatenate(each).mean() for each in inside.values()]))
    best = min(ERRORS, key=lambda error: abs(coverages[error] - LEVEL))
    return replace(prior, error=best), coverages


def by_weighting(sets: list[DataSet]) -> list[str]:
    """Root mean square error, near the least loss of its compute, of the mean of two forms under other weightings."""
    names = [f"{'all alike' if near > 1 else f'{near:g}'}, {power:g}" for near, power in VARIANTS]
    lines = ["| family | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    squares: dict[str, list[list[np.ndarray]]] = {}
    for data in sets:
        if data.schedule == "unmatched":
            continue
        for origin in rolling_origins(data.runs):
            known = data.runs.select(origin.known)
            later = np.any(origin.targets, axis=0) & (FURTHEST * known.C.max() >= data.runs.C)
            try:
                errors = [variant_errors(data, known, later, *variant) for variant in VARIANTS]
            except RefusedError:
                continue
            rows = squares.setdefault(data.family, [[] for _ in VARIANTS])
            for column, error in zip(rows, errors, strict=True):
                column.append(error**2)
    for family, rows in squares.items():
        spread = [f"{np.sqrt(np.mean(np.concatenate(column))):.2%}" for column in rows]
        lines.append(f"| {family} | " + " | ".join(spread) + " |")
    return lines


def variant_errors(data: DataSet, known: Observations, later: np.ndarray, nearness: float, power: float) -> np.ndarray:
    """ln predicted over actual of the later rows within .05 of the least loss, by the mean of two forms."""
    if len(known) < 8:
        raise RefusedError("too_few_rows", "too few rows")
    fitted = FittedForms.of(known, PUBLISHED_DELTA, forecast_weights(known, nearness, power))
    laws = [fitted.laws[form] for form in ("chinchilla", "coupled")]
    best = fitted.laws["coupled"]
    rows = data.runs.select(later)
    if min(float(np.min(best.alpha)), float(np.min(best.beta))) <= 0:
        raise RefusedError("no_optimum", "no optimum")
    predicted = np.log([law.loss(rows.N, rows.D) for law in laws]).mean(axis=0)
    return (predicted - np.log(rows.loss))[rows.loss < 1.05 * rows.loss.min()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out: Path = parser.parse_args().out
    start = time.perf_counter()
    sets = list(data_sets())
    questions, refused = [], {}
    for data in sets:
        found, refused[f"{data.family}, {data.name}"] = questions_of(data)
        questions += found
        print(f"{time.perf_counter() - start:6.0f} s  {data.family} {data.name}", flush=True)
    biases = family_biases(sets)
    left_out = {family: prior_without(family, biases, questions) for family in (*biases, "none")}
    bands = [band_of(question, left_out.get(question.set.family, left_out["none"])[0]) for question in questions]
    origins = Origins(refused=refused, biases=biases, left_out=left_out)
    text = page(__doc__ or "", bands, by_weighting(sets), origins)
    write_bytes_atomically(out, text.encode())


if __name__ == "__main__":
    main()
