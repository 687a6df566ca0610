"""The answer in words and numbers: the same for the top of the page and for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isoflop.report.figures.proof import Contest, Prediction, contest, proof
from isoflop.report.style import APPROACH_NAMES, APPROACH_SHORT
from isoflop.report.view import Absent, View, approach, conventions, plan_of, section
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
class Grid:
    """A small table of the answer."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    """What is said under it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the study found, most important first."""

    sentences: tuple[str, ...]
    """Each can stand alone."""
    groups: tuple[tuple[str, tuple[Fact, ...]], ...]
    """(heading, facts): the plan, then forecast and backtest; those that are known."""
    grids: tuple[Grid, ...]
    """The planned against the larger model, and the exponents by approach; those that are known."""
    unsaid: tuple[str, ...]
    """What the data do not identify or an approach refused, said instead of printed."""


def answer(view: View) -> Answer:
    """The answer of a view, as far as it goes."""
    groups = (("Plan", _plan_facts(view)), ("Forecast against outcome", _proof_facts(view)))
    grids = (_contest_grid(view), _scaling_grid(view))
    return Answer(
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
        meaning = (
            "How the optimum grows with compute is therefore not known from it either."
            if "a" in constants
            else "How the optimum grows with compute is known all the same."
        )
        found.append(
            f"Not identified by these runs, hence not printed: {', '.join(constants)} of the parametric fit. {meaning}"
        )
    return tuple(found)


def _say_plan(view: View) -> str:
    plan = plan_of(view)
    if not plan:
        return ""
    ratio = plan.get("tokens_per_param") or plan["tokens"] / plan["params"]
    return (
        f"With {format_flops(plan['flops'])} FLOPs, train {format_quantity(plan['params'])} parameters "
        f"on {format_quantity(plan['tokens'])} tokens: {ratio:.0f} tokens per parameter.{_built(plan)}"
    )


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
    found, said = proof(view), []
    if isinstance(found, Absent):
        return []
    one = found.forecast
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


def _plan_facts(view: View) -> list[Fact]:
    plan = plan_of(view)
    if not plan:
        return []
    words = conventions(view)
    facts = [
        Fact(label="Budget", value=f"{format_flops(plan['flops'])} FLOPs", note=words["flops"]),
        Fact(
            label="Parameters",
            value=with_interval(plan["params"], plan.get("params_interval")),
            note=words["params"] + (f", {100 * plan['level']:g} % interval" if plan.get("level") else ""),
        ),
        Fact(label="Tokens", value=with_interval(plan["tokens"], plan.get("tokens_interval"))),
        Fact(
            label="Tokens per parameter", value=f"{plan.get('tokens_per_param') or plan['tokens'] / plan['params']:.1f}"
        ),
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
        facts.append(Fact(label="Memory", value=memory_text(plan["memory_bytes"])))
    if plan.get("hours") is not None:
        facts.append(Fact(label="Time", value=format_duration(3600 * plan["hours"])))
    if plan.get("price") is not None:
        facts.append(Fact(label="Price", value=f"{plan['price']:,.2f} dollars"))
    if plan.get("law"):
        facts.append(Fact(label="Law", value=law_text(plan["law"])))
    return facts


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


def _proof_facts(view: View) -> list[Fact]:
    found = proof(view)
    if isinstance(found, Absent):
        return []
    unit, facts = conventions(view)["loss_unit"], []
    if found.forecast:
        one = found.forecast
        level = f"{100 * found.forecast_level:g} % interval, {unit}" if found.forecast_level and one.interval else unit
        facts.append(Fact(label="Forecast", value=with_interval(one.predicted, one.interval, loss_text), note=level))
        facts.append(_outcome("Outcome", one))
        if found.sealed:
            source = f"before the run, from data {found.digest[:12]}" if found.digest else "before the run"
            facts.append(Fact(label="Sealed", value=found.sealed, note=source))
    if found.backtest_best:
        best = found.backtest_best
        where = f"best loss at {shown(found.held_out_flops, format_flops)} FLOPs, fitted without it"
        facts.append(Fact(label="Backtest", value=with_interval(best.predicted, best.interval, loss_text), note=where))
        facts.append(_outcome("Outcome there", best))
    return facts


def _outcome(label: str, one: Prediction) -> Fact:
    if one.actual is None or one.error is None:
        return Fact(label=label, value="not finished")
    where = "" if one.inside is None else f", {'inside' if one.inside else 'outside'} the interval"
    return Fact(label=label, value=loss_text(one.actual), note=f"error {percent(one.error)}{where}")


def _contest_grid(view: View) -> Grid | None:
    found = contest(view)
    if isinstance(found, Absent):
        return None
    wanted = ("Parameters", "Tokens", "Bits per byte, all text", "Tokens per second, generating", "Memory to serve")
    rows = tuple((what, ours, theirs) for what, ours, theirs, _ in contest_rows(found) if what in wanted)
    return Grid(heading="Planned against larger, same compute", columns=("", "planned", "larger"), rows=rows)


def contest_rows(found: Contest) -> list[tuple[str, str, str, str]]:
    """(what, planned, larger, which is better) of the table of the contest."""
    ours, theirs = found.planned, found.larger

    def score(value: float) -> str:
        return f"{value:.4f}"

    def rate(value: float) -> str:
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

    rows = [
        ("Parameters", shown(ours.params), shown(theirs.params), ""),
        ("Tokens", shown(ours.tokens), shown(theirs.tokens), ""),
        ("Tokens per parameter", shown(ours.tokens_per_param, rate), shown(theirs.tokens_per_param, rate), ""),
        ("Training compute (FLOPs)", shown(ours.flops, format_flops), shown(theirs.flops, format_flops), "the same"),
        ("Training time", shown(ours.wall_seconds, format_duration), shown(theirs.wall_seconds, format_duration), ""),
        ("Loss", shown(ours.loss, loss_text), shown(theirs.loss, loss_text), "lower"),
        ("Bits per byte, all text", shown(ours.bits_per_byte, score), shown(theirs.bits_per_byte, score), "lower"),
    ]
    rows += [
        (f"Bits per byte, {name}", score(ours.domains[name]), score(theirs.domains[name]), "lower")
        for name in found.domains
    ]
    speeds = shown(ours.tokens_per_second, rate), shown(theirs.tokens_per_second, rate)
    rows.append(("Tokens per second, generating", *speeds, "higher"))
    sizes = shown(ours.memory_bytes, format_bytes), shown(theirs.memory_bytes, format_bytes)
    rows.append(("Memory to serve", *sizes, "lower"))
    return rows


def _scaling_grid(view: View) -> Grid | None:
    rows = []
    for name in APPROACH_NAMES:
        fit = approach(view, name)
        if fit.get("a") is not None:
            limits = fit.get("intervals") or {}
            cells = (with_interval(fit.get(letter), limits.get(letter), exponent_text) for letter in ("a", "b"))
            rows.append((APPROACH_SHORT[name], *cells))
    if not rows:
        return None
    ratios = (section(view, "fit").get("disagreement") or {}).get("params_ratio_at") or {}
    notes = [f"×{ratio:.2f} at {format_flops(float(flops))} FLOPs" for flops, ratio in ratios.items() if ratio]
    level = _level(view)
    note = f"{100 * level:g} % intervals. " if level else ""
    if notes:
        note += f"Largest over least N_opt of the approaches: {', '.join(notes)}."
    columns = ("approach", "a: N_opt ∝ C^a", "b: D_opt ∝ C^b")
    return Grid(heading="How the optimum grows", columns=columns, rows=tuple(rows), note=note.strip())


def _level(view: View) -> float | None:
    levels = [(approach(view, name).get("intervals") or {}).get("level") for name in APPROACH_NAMES]
    return next((float(level) for level in levels if level), None)
