"""The summary on top of a page and of the terminal report: a plan and how its forecast went, or what a fit found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isoflop.report.fit_summary import fit_answer
from isoflop.report.formatting import interval_text, loss_text, percent, shown, with_interval
from isoflop.report.panel import Absent, KeyValue, Summary
from isoflop.report.panels.best_size import (
    backtest_facts,
    backtest_of,
    open_size,
    range_words,
    run_next,
    say_backtest,
    say_open,
    size_group,
)
from isoflop.report.panels.forecast import Prediction, Proof, proof
from isoflop.report.panels.optimum_tables import exponents_grid, unidentified
from isoflop.report.panels.papers import paper_answer
from isoflop.report.panels.planned_vs_larger import contest, contest_grid
from isoflop.report.view import View, conventions, is_fit, is_paper, plan_of
from isoflop.units import format_bytes, format_duration, format_flops, format_quantity


def answer(view: View) -> Summary:
    """The answer of a view, as far as it goes: of a study its plan and proof, of a fit or the papers what was found."""
    if is_paper(view):
        return paper_answer(view)
    if is_fit(view):
        return fit_answer(view)
    proved = [*_proof_facts(view), *backtest_facts(view)]
    groups = (("Plan", _plan_facts(view)), size_group(view), ("Forecast against outcome", proved))
    grids = (contest_grid(view), exponents_grid(view))
    return Summary(
        sentences=tuple(sentence for sentence in (_say_plan(view), *_say_proof(view), _say_contest(view)) if sentence)
        or ("Nothing is planned yet; what is known so far stands below.",),
        groups=tuple((heading, tuple(facts)) for heading, facts in groups if facts),
        grids=tuple(grid for grid in grids if grid),
        unsaid=unidentified(view),
    )


def shape_text(architecture: Mapping[str, Any]) -> str:
    """`llama, 3 layers of d_model 96, 3 heads of 32, feed-forward 256`."""
    parts = [str(architecture.get("family", ""))]
    if architecture.get("n_layers") and architecture.get("d_model"):
        parts.append(f"{architecture['n_layers']} layers of d_model {architecture['d_model']}")
    if architecture.get("n_heads") and architecture.get("head_dim"):
        heads = "1 head" if architecture["n_heads"] == 1 else f"{architecture['n_heads']} heads"
        parts.append(f"{heads} of {architecture['head_dim']}")
    if architecture.get("d_ff"):
        parts.append(f"feed-forward {architecture['d_ff']}")
    return ", ".join(part for part in parts if part)


def _say_plan(view: View) -> str:
    plan = plan_of(view)
    if not plan:
        return ""
    ratio = plan.get("tokens_per_param") or plan["tokens"] / plan["params"]
    run = (
        f"{format_quantity(plan['params'])} parameters on {format_quantity(plan['tokens'])} tokens: {ratio:.0f} tokens "
        f"per parameter.{_built(plan)}"
    )
    size = open_size(view)
    if size:
        return f"{say_open(size)} What is planned is the middle of that range, {run}"
    return f"With {format_flops(plan['flops'])} FLOPs, train {run}"


def _built(plan: Mapping[str, Any]) -> str:
    """The nearest shape there is, and the tokens that the same compute pays for with it."""
    shape = plan.get("architecture") or {}
    if not (shape.get("params") and shape.get("tokens")):
        return ""
    return (
        f" The nearest shape that can be built has {format_quantity(shape['params'])} and "
        f"sees {format_quantity(shape['tokens'])}."
    )


def _say_proof(view: View) -> list[str]:
    found, tested = proof(view), backtest_of(view)
    sized = say_backtest(tested) if tested else ""
    about_size = [f"{sized[:1].upper()}{sized[1:]}."] if sized else []
    return about_size if isinstance(found, Absent) else [*_say_losses(found), *about_size]


def _say_losses(found: Proof) -> list[str]:
    one, said = found.forecast, []
    if one:
        text = f"Its loss was forecast as {loss_text(one.predicted)}"
        if one.interval:
            level = f", {100 * found.forecast_level:g} % interval" if found.forecast_level else ""
            text += f" ({interval_text(one.interval, loss_text)}{level})"
        if one.actual is None or one.error is None:
            text += "; the run is not finished."
        else:
            text += f"; it ended at {loss_text(one.actual)}, an error of {percent(one.error)}"
            text += "." if one.inside is None else f", {_placed(one.inside, one.interval, 'the')}."
        if found.late:
            text += " It was sealed after the run began: not a forecast."
        said.append(text)
    best = found.backtest_best
    if best and best.error is not None and found.held_out_flops:
        where = "" if best.inside is None else f", {_placed(best.inside, best.interval, 'its')}"
        said.append(
            f"Fitted without the top budget ({format_flops(found.held_out_flops)} FLOPs), "
            f"the same method predicts that budget's best loss with an error of {percent(best.error)}{where}."
        )
    return said


def _placed(inside: bool, interval: Sequence[float] | None, whose: str) -> str:
    """`inside its interval`; one wider than +-10 % holds anything, and says so."""
    text = f"{'inside' if inside else 'OUTSIDE'} {whose} interval"
    if inside and interval is not None and interval[1] - interval[0] > 0.1 * (interval[1] + interval[0]):
        text += f", which is too wide to prove anything ({interval_text(interval, loss_text)})"
    return text


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


def _plan_facts(view: View) -> list[KeyValue]:
    plan = plan_of(view)
    if not plan:
        return []
    words = conventions(view)
    facts = [
        KeyValue(label="Budget", value=f"{format_flops(plan['flops'])} FLOPs", note=words["flops"]),
        *_size_facts(view, plan, words["params"]),
        KeyValue(label="Tokens", value=with_interval(plan["tokens"], plan.get("tokens_interval"))),
        KeyValue(
            label="Tokens per parameter", value=f"{plan.get('tokens_per_param') or plan['tokens'] / plan['params']:.1f}"
        ),
    ]
    if plan.get("architecture"):
        facts.append(KeyValue(label="Shape", value=shape_text(plan["architecture"])))
    if plan.get("loss") is not None:
        value = with_interval(plan["loss"], plan.get("loss_interval"), loss_text)
        facts.append(KeyValue(label="Loss", value=value, note=words["loss_unit"]))
    if plan.get("expected_waste") is not None:
        waste = f"{100 * plan['expected_waste']:.1f} % of the compute"
        facts.append(KeyValue(label="Expected waste", value=waste, note="for not knowing N_opt exactly"))
    if plan.get("memory_bytes") is not None:
        facts.append(KeyValue(label="Memory", value=memory_text(plan["memory_bytes"])))
    if plan.get("hours") is not None:
        facts.append(KeyValue(label="Time", value=format_duration(3600 * plan["hours"])))
    if plan.get("price") is not None:
        facts.append(KeyValue(label="Price", value=f"{plan['price']:,.2f} dollars"))
    if plan.get("law"):
        facts.append(KeyValue(label="Law", value=law_text(plan["law"])))
    return facts


def _size_facts(view: View, plan: Mapping[str, Any], convention: str) -> list[KeyValue]:
    """N with its interval; where the runs do not identify it the range, what to run next, and what was taken."""
    note = convention + (f", {100 * plan['level']:g} % interval" if plan.get("level") else "")
    size = open_size(view)
    if not size:
        return [
            KeyValue(label="Parameters", value=with_interval(plan["params"], plan.get("params_interval")), note=note)
        ]
    facts = [
        KeyValue(label="Parameters", value=range_words(size["interval"]), note=note),
        KeyValue(label="Run next", value=run_next(size)),
        KeyValue(label="Planned", value=format_quantity(plan["params"]), note="the middle of that range"),
    ]
    return [fact for fact in facts if fact.value]


def memory_text(memory: float | Mapping[str, float]) -> str:
    """Bytes, or {purpose: bytes} as `5.3 MiB to train, 1.4 MiB to serve`; the parts of a purpose are left out."""
    if isinstance(memory, Mapping):
        purposes = [purpose for purpose in ("train", "serve") if memory.get(purpose)]
        return ", ".join(f"{format_bytes(memory[purpose])} to {purpose}" for purpose in purposes)
    return format_bytes(memory)


def law_text(law: Any) -> str:
    """Name (and source) of a plan's law, given as a string or as the provenance's dict."""
    if isinstance(law, Mapping):
        parts = [str(law[key]) for key in ("name", "paper", "place") if law.get(key)]
        if len(parts) > 1 and parts[-1].startswith(parts[0]):  # "fitted, fitted to 35 runs"
            parts = parts[1:]
        return ", ".join(parts)
    return str(law)


def _proof_facts(view: View) -> list[KeyValue]:
    found = proof(view)
    if isinstance(found, Absent):
        return []
    unit, facts = conventions(view)["loss_unit"], []
    if found.forecast:
        one = found.forecast
        level = f"{100 * found.forecast_level:g} % interval, {unit}" if found.forecast_level and one.interval else unit
        facts.append(
            KeyValue(label="Forecast", value=with_interval(one.predicted, one.interval, loss_text), note=level)
        )
        facts.append(_outcome("Outcome", one))
        if found.sealed:
            facts.append(KeyValue(label="Sealed", value=found.sealed, note=found.seal_words))
    if found.backtest_best:
        best = found.backtest_best
        where = f"best loss at {shown(found.held_out_flops, format_flops)} FLOPs, fitted without it"
        facts.append(
            KeyValue(label="Backtest", value=with_interval(best.predicted, best.interval, loss_text), note=where)
        )
        facts.append(_outcome("Outcome there", best))
    return facts


def _outcome(label: str, one: Prediction) -> KeyValue:
    if one.actual is None or one.error is None:
        return KeyValue(label=label, value="not finished")
    where = "" if one.inside is None else f", {'inside' if one.inside else 'outside'} the interval"
    return KeyValue(label=label, value=loss_text(one.actual), note=f"error {percent(one.error)}{where}")
