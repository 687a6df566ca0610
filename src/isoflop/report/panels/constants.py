"""The constants of the parametric fit, each with its interval and whether these runs identify it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.report.formatting import exponent_text, interval_text, with_interval
from isoflop.report.panel import Absent, KeyValue, Panel
from isoflop.report.panels.optimum_tables import level_of
from isoflop.report.panels.refused import refusal
from isoflop.report.view import Interval, View, approach, pair
from isoflop.units import format_flops, format_quantity

_RANGE = re.compile(r"\S+ to ")  # how a reason begins that is an interval and the limit it exceeds

_CONSTANTS = ("E", "A", "B", "alpha", "beta")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One quantity and what the runs say of it."""

    name: str
    """E, A, B, alpha, beta, a, N_opt, or a term with the place it is taken at."""
    value: float | None
    interval: Interval | None
    """At the fit's level; None without draws."""
    known: bool
    """Whether the runs identify it; without a verdict of the fit it counts as known."""
    why: str
    """Why not; empty where it is known."""
    how: Callable[[float], str]
    """How its numbers are written."""

    @property
    def text(self) -> str:
        """`value (low to high)`, or that it is not identified and why."""
        return with_interval(self.value, self.interval, self.how) if self.known else f"not identified: {self.why}"


def verdicts(view: View) -> tuple[Verdict, ...] | Absent:
    """The five constants, then a, and N_opt at the largest compute where the fit judges that too."""
    fit = approach(view, "parametric")
    if not fit:
        return Absent(sentence="Constants: there is no parametric fit here.")
    limits, judged = fit.get("intervals") or {}, fit.get("identified") or {}
    found = [
        _verdict(fit, name, fit.get(name), pair(limits.get(name)), _digits if name in _CONSTANTS else exponent_text)
        for name in (*_CONSTANTS, "a")
    ]
    if "params_opt" in judged:
        best: Mapping[str, Any] = next(
            (entry["parametric"] for entry in view.get("optima") or () if entry.get("parametric")), {}
        )
        found.append(
            _verdict(fit, "params_opt", best.get("params"), pair(best.get("params_interval")), format_quantity)
        )
    return tuple(found)


def centre_terms(view: View) -> tuple[Verdict, ...]:
    """The size and the token term at the centre of the data: where A and B alone say little, these are sharp."""
    fit = approach(view, "parametric")
    centre, terms = fit.get("centre") or {}, fit.get("at_centre") or {}
    if not centre or not terms:
        return ()
    names = {
        "size_term": f"A / N^alpha at N = {format_quantity(centre['params'])}",
        "token_term": f"B / D^beta at D = {format_quantity(centre['tokens'])}",
    }
    return tuple(
        Verdict(
            name=name, value=terms[key]["value"], interval=pair(terms[key]["interval"]), known=True, why="", how=_digits
        )
        for key, name in names.items()
        if key in terms
    )


def correlations(view: View) -> tuple[str, ...]:
    """`A and alpha +0.999` for each pair that the resamples move together."""
    return tuple(
        f"{'ln ' if entry['pair'][0] in ('A', 'B') else ''}{entry['pair'][0]} and "
        f"{'ln ' if entry['pair'][1] in ('A', 'B') else ''}{entry['pair'][1]} "
        + f"{entry['correlation']:+.3f}".replace("-", "−")
        for entry in approach(view, "parametric").get("correlations") or ()
    )


def certificate(view: View) -> list[KeyValue]:
    """How the optimum of the parametric fit was found: starts, gradient, objective, delta, scatter."""
    fit, facts = approach(view, "parametric"), []
    starts = fit.get("starts") or {}
    if starts:
        text = f"{starts.get('at_best')} of {starts.get('tried')} starts end at the best optimum"
        gradient = f"; its gradient is {fit['gradient']:.1g} of its scale" if fit.get("gradient") is not None else ""
        facts.append(KeyValue(label="Optimum", value=text + gradient))
    if fit.get("objective") is not None and fit.get("delta") is not None:
        value = f"{fit['objective']:.8g}, the sum of Huber losses of ln loss, delta {fit['delta']:.4g}"
        facts.append(KeyValue(label="Objective", value=value))
    if fit.get("residual_sd") is not None:
        facts.append(KeyValue(label="Scatter", value=f"{100 * fit['residual_sd']:.2f} % of the loss, one run"))
    return facts


def _verdict(
    fit: Mapping[str, Any], name: str, value: float | None, interval: Interval | None, how: Callable[[float], str]
) -> Verdict:
    known = bool((fit.get("identified") or {}).get(name, True))
    return Verdict(
        name="N_opt" if name == "params_opt" else name,
        value=value,
        interval=interval,
        known=known,
        why="" if known else _why(fit, name, interval, how),
        how=how,
    )


def _why(fit: Mapping[str, Any], name: str, interval: Interval | None, how: Callable[[float], str]) -> str:
    said = str((fit.get("identified_because") or {}).get(name) or "")
    if said:
        return f"90 % interval {said}" if _RANGE.match(said) else said
    return f"resamples put it anywhere from {interval_text(interval, how)}" if interval else "the runs leave it open"


def _digits(value: float) -> str:
    return format_flops(value, 4) if value and not 1e-3 <= abs(value) < 1e4 else f"{value:.4g}"


def constants_panel(view: View) -> Panel | Absent:
    """The constants with what the runs identify, or why approach 3 was refused."""
    refused, values = refusal(view, "parametric", "constants", "Constants of the parametric fit"), verdicts(view)
    if refused is not None:
        return refused
    if isinstance(values, Absent):
        return values
    level = level_of(view)
    found = [
        KeyValue(label=one.name, value=one.text if one.known else "not identified", note=one.why)
        for one in (*values, *centre_terms(view))
    ]
    trust = certificate(view)
    together = correlations(view)
    if together:
        note = "the resamples move them as one: read N_opt and the loss rather than these"
        trust.append(KeyValue(label="Move together", value="; ".join(together), note=note))
    return Panel(
        name="constants",
        short="Constants",
        title="Constants, and what the runs identify",
        lead="L = E + A / N^alpha + B / D^beta. A constant that these runs do not identify has no number.",
        cards=(
            (f"Constants, {100 * level:g} % intervals" if level else "Constants", tuple(found)),
            ("How the optimum was found", tuple(trust)),
        ),
    )
