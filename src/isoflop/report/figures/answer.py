"""The answer in words and numbers: the same for the top of the page and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.report.figures.proof import Contest, contest, proof
from isoflop.report.style import APPROACH_NAMES
from isoflop.report.view import Absent, View, approach, conventions, section
from isoflop.report.wording import exponent_text, interval_text, loss_text, percent, shown, with_interval
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One line of the answer."""

    label: str
    value: str
    """With unit, and interval where one is known."""
    note: str = ""
    """Convention or source, in few words."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the study found, most important first."""

    sentences: tuple[str, ...]
    """Each can stand alone."""
    groups: tuple[tuple[str, tuple[Fact, ...]], ...]
    """(heading, facts): Plan, Forecast, Planned against larger, Backtest, Scaling; those that are known."""
    unsaid: tuple[str, ...]
    """What the data do not identify or an approach refused, said instead of printed."""


def answer(view: View) -> Answer:
    """The answer of a view, as far as it goes."""
    groups = (
        ("Plan", _plan_facts(view)),
        ("Forecast", _forecast_facts(view)),
        ("Planned against larger", _contest_facts(view)),
        ("Backtest", _backtest_facts(view)),
        ("Scaling", _scaling_facts(view)),
    )
    return Answer(
        sentences=tuple(sentence for sentence in (_say_plan(view), *_say_proof(view), _say_contest(view)) if sentence)
        or ("Nothing is planned yet; what is known so far stands below.",),
        groups=tuple((heading, tuple(facts)) for heading, facts in groups if facts),
        unsaid=unidentified(view),
    )


def shape_text(architecture: Mapping[str, Any]) -> str:
    """`llama, 3 layers of d_model 96, 3 heads of 32, feed-forward 256`."""
    parts = [str(architecture.get("family", ""))]
    if architecture.get("n_layers") and architecture.get("d_model"):
        parts.append(f"{architecture['n_layers']} layers of d_model {architecture['d_model']}")
    if architecture.get("n_heads") and architecture.get("head_dim"):
        parts.append(f"{architecture['n_heads']} heads of {architecture['head_dim']}")
    if architecture.get("d_ff"):
        parts.append(f"feed-forward {architecture['d_ff']}")
    return ", ".join(part for part in parts if part)


def unidentified(view: View) -> tuple[str, ...]:
    """Sentences on what the fit cannot say: refused approaches, constants without identification, open fits."""
    found = []
    fit = section(view, "fit")
    for name, words in APPROACH_NAMES.items():
        part = fit.get(name) or {}
        if part and part.get("status", "ok") != "ok":
            state = "was refused" if part["status"] == "refused" else "does not apply"
            found.append(f"{words.capitalize()}: {state}. {part.get('reason') or ''}".strip())
    constants = [name for name, known in (approach(view, "parametric").get("identified") or {}).items() if not known]
    if constants:
        found.append(
            f"Not identified by these runs, hence not printed: {', '.join(constants)} of the parametric fit. "
            "The optimum and its loss inside the range of the runs do not depend on them."
        )
    return tuple(found)


def _say_plan(view: View) -> str:
    plan = section(view, "plan")
    if not plan:
        return ""
    ratio = plan.get("tokens_per_param") or plan["tokens"] / plan["params"]
    return (
        f"With {format_flops(plan['flops'])} FLOPs, train {format_quantity(plan['params'])} parameters "
        f"on {format_quantity(plan['tokens'])} tokens: {ratio:.0f} tokens per parameter."
    )


def _say_proof(view: View) -> list[str]:
    found, said = proof(view), []
    if isinstance(found, Absent):
        return []
    one = found.forecast
    if one:
        text = f"Its loss was forecast as {loss_text(one.predicted)}"
        if one.interval:
            level = f", {100 * found.forecast_level:.0f} % interval" if found.forecast_level else ""
            text += f" ({interval_text(one.interval, loss_text)}{level})"
        if one.actual is None or one.error is None:
            text += "; the run is not finished."
        else:
            text += f"; it ended at {loss_text(one.actual)}, an error of {percent(one.error)}"
            text += "." if one.inside is None else f", {'inside' if one.inside else 'OUTSIDE'} the interval."
        said.append(text)
    best = found.backtest_best
    if best and best.error is not None and found.held_out_flops:
        where = "" if best.inside is None else f", {'inside' if best.inside else 'OUTSIDE'} its interval"
        said.append(
            f"Fitted without the top budget ({format_flops(found.held_out_flops)} FLOPs), "
            f"the same method predicts that budget's best loss with an error of {percent(best.error)}{where}."
        )
    return said


def _say_contest(view: View) -> str:
    found = contest(view)
    if isinstance(found, Absent):
        return ""
    plan, big = found.planned, found.larger
    if found.advantage is None or plan.bits_per_byte is None or big.bits_per_byte is None:
        return ""
    times = f"{big.params / plan.params:.1f} times as large" if big.params and plan.params else "larger"
    verb = "beats" if found.advantage > 0 else "loses to" if found.advantage < 0 else "equals"
    text = (
        f"At the same compute it {verb} the model {times}: "
        f"{plan.bits_per_byte:.4f} against {big.bits_per_byte:.4f} bits per byte"
    )
    if plan.tokens_per_second and big.tokens_per_second:
        text += f", and generates {plan.tokens_per_second / big.tokens_per_second:.1f} times as many tokens a second"
    if plan.memory_bytes and big.memory_bytes:
        text += f" from {plan.memory_bytes / big.memory_bytes:.2f} of the memory"
    return text + "."


def _plan_facts(view: View) -> list[Fact]:
    plan = section(view, "plan")
    if not plan:
        return []
    words = conventions(view)
    facts = [
        Fact(label="Budget", value=f"{format_flops(plan['flops'])} FLOPs", note=words["flops"]),
        Fact(label="Parameters", value=with_interval(plan["params"], plan.get("params_interval")), note=words["params"]),
        Fact(label="Tokens", value=with_interval(plan["tokens"], plan.get("tokens_interval"))),
        Fact(label="Tokens per parameter", value=f"{plan.get('tokens_per_param') or plan['tokens'] / plan['params']:.1f}"),
    ]
    if plan.get("architecture"):
        facts.append(Fact(label="Shape", value=shape_text(plan["architecture"])))
    if plan.get("loss") is not None:
        value = with_interval(plan["loss"], plan.get("loss_interval"), loss_text)
        facts.append(Fact(label="Loss", value=value, note=words["loss_unit"]))
    if plan.get("expected_waste") is not None:
        waste = f"{100 * plan['expected_waste']:.1f} % of the compute"
        facts.append(Fact(label="Expected waste", value=waste, note="for not knowing N_opt exactly"))
    if plan.get("memory_bytes") is not None:
        memory = plan["memory_bytes"]
        value = ", ".join(f"{format_bytes(v)} to {k}" for k, v in memory.items()) if isinstance(memory, Mapping) else format_bytes(memory)
        facts.append(Fact(label="Memory", value=value))
    if plan.get("hours") is not None:
        facts.append(Fact(label="Time", value=format_duration(3600 * plan["hours"])))
    if plan.get("price") is not None:
        facts.append(Fact(label="Price", value=f"{plan['price']:,.2f} dollars"))
    if plan.get("law"):
        facts.append(Fact(label="Law", value=law_text(plan["law"])))
    return facts


def law_text(law: Any) -> str:
    """Name (and source) of a plan's law, given as a string or as a dict with `name` and `source`."""
    if isinstance(law, Mapping):
        return ", ".join(str(law[key]) for key in ("name", "source", "paper", "place") if law.get(key))
    return str(law)


def _forecast_facts(view: View) -> list[Fact]:
    found = proof(view)
    if isinstance(found, Absent) or not found.forecast:
        return []
    one, unit = found.forecast, conventions(view)["loss_unit"]
    level = f"{100 * found.forecast_level:.0f} % interval" if found.forecast_level else "interval"
    facts = [
        Fact(label="Forecast loss", value=loss_text(one.predicted), note=unit),
        Fact(label="Interval", value=interval_text(one.interval, loss_text), note=level),
        Fact(label="Outcome", value=shown(one.actual, loss_text) if one.actual else "not finished", note=unit if one.actual else ""),
    ]
    if one.error is not None:
        verdict = "" if one.inside is None else "inside the interval" if one.inside else "outside the interval"
        facts.append(Fact(label="Error", value=percent(one.error), note=verdict))
    if found.sealed:
        facts.append(Fact(label="Sealed", value=found.sealed, note=f"data {found.digest[:12]}" if found.digest else ""))
    return facts


def _contest_facts(view: View) -> list[Fact]:
    found = contest(view)
    if isinstance(found, Absent):
        return []
    return [Fact(label=label, value=f"{ours} against {theirs}", note=note) for label, ours, theirs, note in contest_rows(found)]


def contest_rows(found: Contest) -> list[tuple[str, str, str, str]]:
    """(what, planned, larger, unit) of the table of the contest."""
    ours, theirs = found.planned, found.larger

    def score(value: float) -> str:
        return f"{value:.4f}"

    def rate(value: float) -> str:
        return f"{value:,.0f}"

    rows = [
        ("Parameters", shown(ours.params), shown(theirs.params), ""),
        ("Tokens", shown(ours.tokens), shown(theirs.tokens), ""),
        ("Tokens per parameter", shown(ours.tokens_per_param, rate), shown(theirs.tokens_per_param, rate), ""),
        ("Training compute", shown(ours.flops, format_flops), shown(theirs.flops, format_flops), "FLOPs"),
        ("Loss", shown(ours.loss, loss_text), shown(theirs.loss, loss_text), "nats per token"),
        ("All text", shown(ours.bits_per_byte, score), shown(theirs.bits_per_byte, score), "bits per byte"),
    ]
    rows += [(name.capitalize(), score(ours.domains[name]), score(theirs.domains[name]), "bits per byte") for name in found.domains]
    rows += [
        ("Generation", shown(ours.tokens_per_second, rate), shown(theirs.tokens_per_second, rate), "tokens per second"),
        ("Memory to serve", shown(ours.memory_bytes, format_bytes), shown(theirs.memory_bytes, format_bytes), ""),
        ("Training time", shown(ours.wall_seconds, format_duration), shown(theirs.wall_seconds, format_duration), ""),
    ]
    return rows


def _backtest_facts(view: View) -> list[Fact]:
    found = proof(view)
    if isinstance(found, Absent) or not found.backtest_best:
        return []
    best = found.backtest_best
    facts = [Fact(label="Held out", value=f"{shown(found.held_out_flops, format_flops)} FLOPs", note="the top budget")]
    facts.append(Fact(label="Predicted", value=with_interval(best.predicted, best.interval, loss_text), note="best loss there"))
    facts.append(Fact(label="Outcome", value=shown(best.actual, loss_text)))
    if best.error is not None:
        verdict = "" if best.inside is None else "inside the interval" if best.inside else "outside the interval"
        facts.append(Fact(label="Error", value=percent(best.error), note=verdict))
    return facts


def _scaling_facts(view: View) -> list[Fact]:
    facts = []
    for name, words in APPROACH_NAMES.items():
        fit = approach(view, name)
        for symbol, exponent in (("N_opt", "a"), ("D_opt", "b")):
            if fit.get(exponent) is not None:
                limits = (fit.get("intervals") or {}).get(exponent)
                value = f"{symbol} ∝ C^{with_interval(fit[exponent], limits, exponent_text)}"
                facts.append(Fact(label=words.split(",")[0].capitalize(), value=value, note=words.split(", ")[1]))
    ratios = (section(view, "fit").get("disagreement") or {}).get("params_ratio_at") or {}
    for flops, ratio in ratios.items():
        where = f"largest over least N_opt at {format_flops(float(flops))} FLOPs"
        facts.append(Fact(label="Disagreement", value=f"×{ratio:.2f}", note=where))
    return facts
