"""The papers' systems as plain numbers: where they stand, what each law would have built, how counts compare."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.laws import published_law
from isoflop.paper import Section
from isoflop.paper.rules import PROPOSED, Lifetime, Rule, lifetimes, rules
from isoflop.paper.systems import LOSS_LAWS, System, evaluate, loss_law, system_named, systems
from isoflop.plan import law_at_budget
from isoflop.report.panels.scaling_lines import LAWS, ScalingLine, published_lines
from isoflop.report.record import Interval

_ROOM = 4.0
"""How far the axis of compute goes beyond the least and the most of the systems."""

LOSS_LAW_LABELS = {
    "hoffmann2022-3-rounded": "approach 3, Eq. 10 as printed",
    "hoffmann2022-3": "approach 3, unrounded",
    "besiroglu2024": "Besiroglu 2024",
}


@dataclass(frozen=True, kw_only=True)
class Instead:
    """What one law would have built with a system's compute."""

    law: str
    label: str
    params: float
    tokens: float


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A system, and what each law would have built instead."""

    system: System
    instead: tuple[Instead, ...]


@dataclass(frozen=True, kw_only=True)
class SystemsMap:
    """N and D of systems against their compute, over the frontiers of published laws."""

    params_lines: tuple[ScalingLine, ...]
    tokens_lines: tuple[ScalingLine, ...]
    placed: tuple[Placed, ...]
    flops_range: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class JudgedBy:
    """What one law says of every system, in the order of their labels."""

    law: str
    label: str
    systems: tuple[str, ...]
    loss: tuple[float, ...]
    gap: tuple[float, ...]
    """Above the least loss at the same compute."""
    share: tuple[float, ...]
    """Of its compute that an optimal run of its loss needs."""


@dataclass(frozen=True, kw_only=True)
class RuleSizes:
    """N at PaLM's compute by every rule."""

    rules: tuple[Rule, ...]
    proposed: float
    """140e9."""
    refit: tuple[float, Interval] | None
    """N of our refit with its interval; None without the points of Figure 4."""


@dataclass(frozen=True, kw_only=True)
class CountErrors:
    """Counted parameters over printed ones, less 1, and how much of that rounding explains."""

    names: tuple[str, ...]
    params: tuple[float, ...]
    """As printed."""
    error: tuple[float, ...]
    rounding: tuple[float, ...]
    """Half a unit of the last printed digit, over the printed number."""


def systems_map() -> SystemsMap:
    """Every system that was built or proposed, at its own 6 N D."""
    shown = [system for system in systems() if system.built]
    low, high = min(one.flops for one in shown) / _ROOM, max(one.flops for one in shown) * _ROOM
    return SystemsMap(
        params_lines=published_lines("params", low, high),
        tokens_lines=published_lines("tokens", low, high),
        placed=tuple(Placed(system=one, instead=_instead(one.flops)) for one in shown),
        flops_range=(low, high),
    )


def _instead(flops: float) -> tuple[Instead, ...]:
    optima = [(name, label, law_at_budget(published_law(name), flops)) for name, label in LAWS.items()]
    return tuple(Instead(law=name, label=label, params=best.params, tokens=best.tokens) for name, label, best in optima)


def judged_systems() -> tuple[JudgedBy, ...]:
    """Losses, gaps and shares of all systems under the three laws fitted to Hoffmann et al.'s runs."""
    judged = []
    for name in LOSS_LAWS:
        law, shown = loss_law(name), systems()
        seen = [evaluate(law, one.params, one.tokens) for one in shown]
        judged.append(
            JudgedBy(
                law=name,
                label=LOSS_LAW_LABELS[name],
                systems=tuple(one.label for one in shown),
                loss=tuple(one.loss for one in seen),
                gap=tuple(one.gap for one in seen),
                share=tuple(one.share for one in seen),
            )
        )
    return tuple(judged)


def rule_sizes(refit: tuple[float, Interval] | None) -> RuleSizes:
    """Best N at PaLM's compute by rule, with our refit's where there is one."""
    return RuleSizes(rules=rules(), proposed=system_named(PROPOSED).params, refit=refit)


def serving() -> tuple[Lifetime, ...]:
    """Totals over a life, by tokens served; the first of them is training alone."""
    return lifetimes()


def count_errors(section: Section) -> CountErrors:
    """Of the shapes of a section of counts."""
    compared = section.compared
    return CountErrors(
        names=tuple(one.what for one in compared),
        params=tuple(one.published.value for one in compared),
        error=tuple(one.difference for one in compared),
        rounding=tuple(one.published.half / one.published.value for one in compared),
    )
