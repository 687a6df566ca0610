"""The summary of a fit alone, in sentences and small tables: the same for its page and for the terminal."""

from __future__ import annotations

from isoflop.report.formatting import exponent_text, with_interval
from isoflop.report.panel import Absent, KeyValue, SmallTable, Summary
from isoflop.report.panels.best_size import (
    backtest_of,
    forecast_size,
    is_open,
    open_size,
    say_backtest,
    say_open,
    size_group,
)
from isoflop.report.panels.optimum_tables import exponents_grid, level_of, optimum_grid, preferred, unidentified
from isoflop.report.panels.past_forecasts import form_errors, typical_errors
from isoflop.report.panels.rows_read import range_facts, read_facts
from isoflop.report.style import APPROACH_NAMES
from isoflop.report.view import View, approach
from isoflop.units import format_flops

_NEAR = 10.0  # times beyond the fit: as far as public data support a forecast

_TIMES = ("of each other there", "at ten times that compute", "at a hundred times")


def fit_answer(view: View) -> Summary:
    """The optimum and how it grows, what was read, and what the runs cannot tell."""
    groups = (("Runs", read_facts(view)), ("Where they lie", range_facts(view)), size_group(view))
    grids: list[SmallTable | None] = [exponents_grid(view)]
    grids += [optimum_grid(entry) for entry in view.get("optima") or ()]
    return Summary(
        sentences=_sentences(view),
        groups=tuple((heading, tuple(facts)) for heading, facts in groups if facts),
        grids=tuple(grid for grid in grids if grid),
        unsaid=unidentified(view),
    )


def _sentences(view: View) -> tuple[str, ...]:
    name = preferred(view)
    if name is None:
        return ("No approach could fit a law to these runs.",)
    fit = approach(view, name)
    limits = fit.get("intervals") or {}
    a, b = (with_interval(fit[letter], limits.get(letter), exponent_text) for letter in ("a", "b"))
    level = level_of(view)
    unknown = open_size(view)
    said = [say_open(unknown)] if unknown else []
    said += [f"By {APPROACH_NAMES[name]}, the best size grows as C^a with a = {a}, its tokens as C^b with b = {b}."]
    for entry in view.get("optima") or ():
        best = entry.get(name)
        if best and entry["factor"] == 1:
            n = with_interval(best["params"], best.get("params_interval"))
            d = with_interval(best["tokens"], best.get("tokens_interval"))
            ratio = best["tokens"] / best["params"]
            said.append(
                f"At {format_flops(entry['flops'])} FLOPs, the largest compute of the runs, that is {n} parameters on "
                f"{d} tokens, {ratio:.3g} a parameter."
            )
    said += _size(view)
    apart = [
        ratio for ratio in ((view["fit"].get("disagreement") or {}).get("params_ratio_at") or {}).values() if ratio
    ]
    if len(apart) == len(_TIMES):
        parts = [f"{ratio:.2f} {where}" for ratio, where in zip(apart, _TIMES, strict=True)]
        said.append(f"The approaches put N_opt within a factor of {', '.join(parts)}.")
    said += _past(view)
    if level:
        said.append(f"Intervals in brackets: {100 * level:g} %.")
    return tuple(said)


def _size(view: View) -> list[str]:
    """The size that a plan for ten times the runs' compute takes, and how such a forecast went before."""
    size, tested, said = forecast_size(view), backtest_of(view), []
    if size and not is_open(size):
        N, where = with_interval(size["params"], size["interval"]), format_flops(size["flops"])
        said.append(f"For {where} FLOPs, ten times that, all estimators mixed give {N} parameters.")
    if tested:
        text = say_backtest(tested)
        said.append(f"{text[:1].upper()}{text[1:]}.")
    return said


def _past(view: View) -> list[str]:
    """How each form's past forecasts went, up to ten times beyond their fit."""
    values = form_errors(view)
    errors = {} if isinstance(values, Absent) else typical_errors(values, 1.001 * _NEAR)
    if not errors:
        return []
    parts = [f"{label} by {100 * error:.2f} %" for label, error in errors.items()]
    return [
        "Fitted up to an earlier compute, forms of law missed the later losses of these runs, at up to "
        f"{_NEAR:g} times: {', '.join(parts)} (root mean square)."
    ]


def refusals(view: View) -> list[KeyValue]:
    """Each approach that gave no law, with its reason."""
    found = []
    for name, words in APPROACH_NAMES.items():
        part = (view.get("fit") or {}).get(name) or {}
        if part.get("status", "ok") != "ok":
            state = "refused" if part["status"] == "refused" else "does not apply"
            found.append(KeyValue(label=words.split(",")[0].capitalize(), value=f"{state}: {part.get('reason') or ''}"))
    return found
