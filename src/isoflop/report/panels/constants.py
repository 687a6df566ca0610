"""The constants of the parametric fit, each with its interval and whether these runs identify it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from isoflop.fit import ParametricFit
from isoflop.report.fitted_runs import FittedRuns
from isoflop.report.formatting import exponent_text, interval_text, share_text, with_interval
from isoflop.report.panel import Absent, KeyValue, Panel
from isoflop.report.panels.optimum_tables import OptimaAt, level_of
from isoflop.report.panels.refused import refusal
from isoflop.report.record import Interval
from isoflop.units import format_flops, format_number, format_quantity

_RANGE = re.compile(r"\S+ to ")  # how a reason begins that is an interval and the limit it exceeds


@dataclass(frozen=True, kw_only=True)
class Constant:
    """One quantity and how well the runs know it."""

    name: str
    """E, A, B, alpha, beta, a, N_opt, or a term with the place it is taken at."""
    value: float
    interval: Interval | None
    """At the fit's level; None without draws."""
    known: bool = True
    """Whether the runs identify it; without a verdict of the fit it counts as known."""
    why: str = ""
    """Why not; empty where it is known."""
    how: Callable[[float], str]
    """How its numbers are written."""

    @property
    def text(self) -> str:
        """`value (low to high)`, or that it is not identified and why."""
        return with_interval(self.value, self.interval, self.how) if self.known else f"not identified: {self.why}"


def constants(fit: ParametricFit, optima: Sequence[OptimaAt]) -> tuple[Constant, ...]:
    """The five constants, then a, and N_opt at the largest compute where the fit judges that too."""
    values = [(name, float(value), _digits) for name, value in fit.law.constants().items()]
    values.append(("a", fit.exponents[0], exponent_text))
    judged = [_constant(fit, name, value, fit.intervals.get(name), how) for name, value, how in values]
    best = optima[0].by_approach.get("parametric") if optima else None
    if best is not None and "params_opt" in fit.verdicts:
        judged.append(_constant(fit, "params_opt", best.params, best.params_interval, format_quantity))
    return tuple(judged)


def _constant(
    fit: ParametricFit, name: str, value: float, interval: Interval | None, how: Callable[[float], str]
) -> Constant:
    verdict = fit.verdicts.get(name)
    why = ""
    if verdict is not None and not verdict.known:
        reason = verdict.reason
        why = f"90 % interval {reason}" if _RANGE.match(reason) else reason
        if not reason:
            open_range = f"resamples put it anywhere from {interval_text(interval, how)}"
            why = open_range if interval else "the runs leave it open"
    return Constant(
        name="N_opt" if name == "params_opt" else name,
        value=value,
        interval=interval,
        known=verdict is None or verdict.known,
        why=why,
        how=how,
    )


def centre_terms(fit: ParametricFit) -> tuple[Constant, ...]:
    """The size and the token term at the centre of the data: where A and B alone say little, these are sharp."""
    if fit.at_centre is None:
        return ()
    named = (
        (f"A / N^alpha at N = {format_quantity(fit.centre.params)}", fit.at_centre.size_term),
        (f"B / D^beta at D = {format_quantity(fit.centre.tokens)}", fit.at_centre.token_term),
    )
    return tuple(Constant(name=name, value=term.value, interval=term.interval, how=_digits) for name, term in named)


def correlations(fit: ParametricFit) -> tuple[str, ...]:
    """`A and alpha +0.999` for each pair that the resamples move together."""
    return tuple(
        " and ".join(f"ln {name}" if name in ("A", "B") else name for name in item.pair)
        + f" {item.correlation:+.3f}".replace("-", "−")
        for item in fit.correlations
    )


def certificate(fit: ParametricFit) -> list[KeyValue]:
    """How the optimum of the parametric fit was reached: starts, gradient, objective, delta, scatter."""
    reached = (
        f"{fit.starts.at_best} of {fit.starts.tried} starts end at the best optimum; its gradient is "
        f"{format_number(fit.gradient, 1)} of its scale"
    )
    objective = (
        f"{format_number(fit.objective, 8)}, the sum of Huber losses of ln loss, delta {format_number(fit.delta, 4)}"
    )
    return [
        KeyValue(label="Optimum", value=reached),
        KeyValue(label="Objective", value=objective),
        KeyValue(label="Scatter", value=f"{100 * fit.residual_sd:.2f} % of the loss, one run"),
    ]


def _digits(value: float) -> str:
    return format_flops(value, 4) if value and not 1e-3 <= abs(value) < 1e4 else format_number(value, 4)


def constants_panel(fitted: FittedRuns, optima: Sequence[OptimaAt]) -> Panel | Absent:
    """The constants with what the runs identify, or why approach 3 was refused."""
    refused = refusal(fitted.fit, "parametric", "constants", "Constants of the parametric fit")
    if refused is not None or fitted.parametric is None or fitted.fit is None:
        return refused or Absent(sentence="Constants: there is no parametric fit here.")
    fit, level = fitted.parametric, level_of(fitted.fit)
    judged = tuple(
        KeyValue(label=one.name, value=one.text if one.known else "not identified", note=one.why)
        for one in (*constants(fit, optima), *centre_terms(fit))
    )
    trust = certificate(fit)
    together = correlations(fit)
    if together:
        note = "the resamples move them as one: read N_opt and the loss rather than these"
        trust.append(KeyValue(label="Move together", value="; ".join(together), note=note))
    return Panel(
        name="constants",
        short="Constants",
        title="Constants, and what the runs identify",
        lead="L = E + A / N^alpha + B / D^beta. A constant that these runs do not identify has no number.",
        cards=(
            (f"Constants, {share_text(level)} intervals" if level else "Constants", judged),
            ("How the optimum was found", tuple(trust)),
        ),
    )
