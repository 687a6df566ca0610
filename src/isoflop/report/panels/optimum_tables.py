"""What a fit says of the optimum and what it does not say, as sentences and small tables of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isoflop.report.formatting import exponent_text, interval_text, loss_text, with_interval
from isoflop.report.panel import SmallTable
from isoflop.report.panels.best_size import is_open
from isoflop.report.style import APPROACH_NAMES, APPROACH_SHORT
from isoflop.report.view import View, approach, is_fit, section
from isoflop.units import format_flops


def unidentified(view: View) -> tuple[str, ...]:
    """Sentences on what the fit cannot say: refused approaches, constants without identification, open fits."""
    found = []
    fit = section(view, "fit")
    for name, words in APPROACH_NAMES.items():
        part = fit.get(name) or {}
        # What was never given is no refusal: the page of a fit lists it where the panel would stand.
        if part and part.get("status", "ok") != "ok" and not (is_fit(view) and part["status"] == "not_applicable"):
            state = "was refused" if part["status"] == "refused" else "does not apply"
            reason = str(part.get("reason") or "no reason is recorded")
            found.append(f"{words[:1].upper()}{words[1:]}: {state}. {reason[:1].upper()}{reason[1:].rstrip('.')}.")
    judged = approach(view, "parametric").get("identified") or {}
    constants = [{"params_opt": "N_opt"}.get(name, name) for name, known in judged.items() if not known]
    if constants:
        meaning = "How the optimum grows with compute is known all the same."
        if "a" in constants:
            meaning = "How the optimum grows with compute is therefore not known from it either."
        elif "N_opt" in constants:
            meaning = "How the optimum grows is known, how large it is at ten times the compute is not."
        found.append(
            f"Not identified by these runs, hence not printed: {', '.join(constants)} of the parametric fit. {meaning}"
        )
    return tuple(found)


def preferred(view: View) -> str | None:
    """The approach that a plan takes: the parametric where it tells how the optimum grows, else 2, else 1."""
    known = [name for name in ("parametric", "isoflop", "envelope") if approach(view, name).get("a") is not None]
    sure = [name for name in known if (approach(view, name).get("identified") or {}).get("a", True)]
    return next(iter([*sure, *known]), None)


def optimum_grid(entry: Mapping[str, Any]) -> SmallTable | None:
    """N_opt and D_opt by each approach and as forecast at one compute, an entry of the view's `optima`."""
    rows = []
    for name in APPROACH_NAMES:
        found = entry.get(name)
        if found:
            cells = (with_interval(found.get(what), found.get(f"{what}_interval")) for what in ("params", "tokens"))
            rows.append((APPROACH_SHORT[name], *cells))
    if not rows:
        return None
    forecast = entry.get("forecast") or {}
    if forecast:
        rows.append(("forecast", *(_forecast_cell(forecast, what) for what in ("params", "tokens"))))
    times = {1.0: "the largest compute of the runs", 10.0: "ten times that", 100.0: "a hundred times that"}
    where = times.get(entry["factor"], f"{entry['factor']:g} times the largest compute")
    one = entry.get("parametric") or {}
    loss = with_interval(one.get("loss"), one.get("loss_interval"), loss_text)
    return SmallTable(
        heading=f"At {format_flops(entry['flops'])} FLOPs, {where}",
        columns=("approach", "parameters N", "tokens D"),
        rows=tuple(rows),
        note=f"Loss of one run there, by approach 3: {loss}." if one.get("loss") is not None else "",
    )


def _forecast_cell(forecast: Mapping[str, Any], what: str) -> str:
    """N or D of the forecast; where the size is not identified its range alone."""
    if is_open(forecast):
        return f"{interval_text(forecast[f'{what}_interval'])}, not identified"
    return with_interval(forecast[what], forecast[f"{what}_interval"])


def level_of(view: View) -> float | None:
    """Level of the fit's intervals; None where there are none."""
    levels = [
        (approach(view, name).get("intervals") or {}).get("level")
        for name in APPROACH_NAMES
        if len(approach(view, name).get("intervals") or {}) > 1
    ]
    return next((float(level) for level in levels if level), None)


def exponents_grid(view: View) -> SmallTable | None:
    """a and b by each approach that has a law; None where none has."""
    rows = []
    for name in APPROACH_NAMES:
        fit = approach(view, name)
        if fit.get("a") is not None:
            limits = fit.get("intervals") or {}
            cells = (with_interval(fit.get(letter), limits.get(letter), exponent_text) for letter in ("a", "b"))
            rows.append((APPROACH_SHORT[name], *cells))
    if not rows:
        return None
    apart = section(view, "fit").get("disagreement") or {}
    ratios = apart.get("params_ratio_at") or {}
    notes = [f"×{ratio:.2f} at {format_flops(float(flops))} FLOPs" for flops, ratio in ratios.items() if ratio]
    level = level_of(view)
    note = f"{100 * level:g} % intervals. " if level else ""
    if notes:
        note += f"Largest over least N_opt of the approaches: {', '.join(notes)}."
    columns = ("approach", "a: N_opt ∝ C^a", "b: D_opt ∝ C^b")
    return SmallTable(heading="How the optimum grows", columns=columns, rows=tuple(rows), note=note.strip())
