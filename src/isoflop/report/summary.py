"""The summary of a study, on top of its page and in the terminal: its plan, and how its forecast went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isoflop.laws import Provenance
from isoflop.report.fitted_runs import planned_run
from isoflop.report.formatting import interval_text, loss_text, percent, share_text, with_interval
from isoflop.report.panel import Absent, KeyValue, Summary
from isoflop.report.panels.best_size import (
    backtest_fact,
    backtest_sentence,
    estimator_facts,
    range_sentence,
    range_words,
    run_next,
)
from isoflop.report.panels.decisions import sweep_facts, sweep_sentence
from isoflop.report.panels.forecast import (
    ForecastOutcome,
    HeldOutLosses,
    PredictedLoss,
    SealedLoss,
    forecast_outcome,
)
from isoflop.report.panels.optimum_tables import exponents_table, not_identified
from isoflop.report.panels.planned_vs_larger import comparison_table
from isoflop.report.panels.runs import status_words
from isoflop.report.panels.watched import watch_fact
from isoflop.report.plan_record import PlannedShape, PlanRecord
from isoflop.report.record import Conventions, PlannedVsLarger, StudyRecord
from isoflop.units import format_bytes, format_flops, format_quantity


def study_summary(record: StudyRecord) -> Summary:
    """What a study comes to, as far as it has come."""
    plan, tested = record.plan, record.fit.size_backtest if record.fit else None
    outcome = forecast_outcome(record)
    known = None if isinstance(outcome, Absent) else outcome
    sentences = _plan_sentences(record, plan, known.sealed if known else None) if plan else []
    if plan is None and known is not None and known.sealed is not None:
        sentences.append(f"The loss of the planned run {_loss_words(record, known.sealed)}.")
    predicted = [] if known is None else _outcome_facts(known, record.conventions)
    if record.watch is not None:
        predicted.append(watch_fact(record.watch))
    if known is not None and known.held_out is not None:
        sentences.append(_backtest_words(known.held_out))
    if tested is not None:
        text = backtest_sentence(tested)
        sentences.append(f"{text[:1].upper()}{text[1:]}.")
        predicted.append(backtest_fact(tested))
    if record.sweep is not None and record.sweep.last is not None and record.sweep.last.stop is not None:
        sentences.append(sweep_sentence(record.sweep, plan.expected_waste if plan else None))
    if record.comparison is not None:
        sentences += _comparison_sentences(record.comparison, record.conventions)
    groups = (
        ("Plan", _plan_facts(record, plan) if plan else []),
        ("Sweep", sweep_facts(record.sweep) if record.sweep else []),
        ("Best size by each estimator alone", estimator_facts(plan.size) if plan and plan.size else []),
        ("Forecast against outcome", predicted),
    )
    tables = (comparison_table(record.comparison) if record.comparison else None, exponents_table(record.fit))
    return Summary(
        sentences=tuple(sentences) or (_before_the_plan(record),),
        groups=tuple((heading, tuple(facts)) for heading, facts in groups if facts),
        tables=tuple(table for table in tables if table),
        not_identified=not_identified(record.fit, of_study=True),
    )


def _before_the_plan(record: StudyRecord) -> str:
    if not record.runs:
        return "Nothing is planned yet; what is known so far stands below."
    return f"Nothing is planned yet; runs so far: {status_words(record)}."


def shape_text(shape: PlannedShape) -> str:
    """`llama, 3 layers of d_model 96, 3 heads of 32, feed-forward 256`."""
    heads = "1 head" if shape.n_heads == 1 else f"{shape.n_heads} heads"
    return (
        f"{shape.family}, {shape.n_layers} layers of d_model {shape.d_model}, {heads} of {shape.head_dim}, "
        f"feed-forward {shape.d_ff}"
    )


def _plan_sentences(record: StudyRecord, plan: PlanRecord, sealed: SealedLoss | None) -> list[str]:
    """The headline, and how the planned model came from the best size.

    The size, tokens and loss of the headline are those of the shape that is trained, whose loss was sealed.
    """
    best = (
        f"{with_interval(plan.params, plan.params_interval)} parameters on "
        f"{with_interval(plan.tokens, plan.tokens_interval)} tokens, {plan.tokens_per_param:.0f} tokens per parameter"
    )
    loss = _loss_words(record, sealed) if sealed else _planned_loss_words(record, plan)
    if plan.size and not plan.size.identified:
        middle = f"{format_quantity(plan.params)} parameters on {format_quantity(plan.tokens)} tokens"
        first = f"{range_sentence(plan.size)} What is planned is the mixed estimate, {middle}."
        return [first, f"The loss of the planned run {loss}."] if loss else [first]
    params, tokens = planned_run(record) or (plan.params, plan.tokens)
    shaped = f"train {format_quantity(params)} parameters on {format_quantity(tokens)} tokens"
    first = f"With {format_flops(plan.flops)} FLOPs, {shaped}{f': the loss {loss}' if loss else ''}."
    nearest = f"; {format_quantity(params)} is the nearest shape that can be built" if params != plan.params else ""
    return [first, f"The best size is {best}{nearest}."]


def _planned_loss_words(record: StudyRecord, plan: PlanRecord) -> str:
    """`is expected to be 1.51 (1.49 to 1.53, 90 % interval) nats per token`; empty where the law has no loss."""
    if plan.loss is None:
        return ""
    value = _with_level(plan.loss, plan.loss_interval, plan.level)
    return f"is expected to be {value} {record.conventions.loss_unit}; nothing is sealed yet"


def _with_level(loss: float, interval: Sequence[float] | None, level: float | None) -> str:
    if interval is None:
        return loss_text(loss)
    of_level = f", {share_text(level)} interval" if level else ""
    return f"{loss_text(loss)} ({interval_text(interval, loss_text)}{of_level})"


def _loss_words(record: StudyRecord, sealed: SealedLoss) -> str:
    """What was forecast, and how the run came out."""
    one, unit = sealed.loss, record.conventions.loss_unit
    text = f"was forecast as {_with_level(one.predicted, one.interval, sealed.level)} {unit}"
    if one.actual is None or one.error is None:
        text += "; the run is not finished"
    else:
        text += f" and came to {loss_text(one.actual)}, an error of {percent(one.error)}"
        text += "" if one.inside is None else f", {_placed(one.inside, one.interval, 'the')}"
    return text + ("; it was sealed after the run began: not a forecast" if sealed.late else "")


def _backtest_words(held_out: HeldOutLosses) -> str:
    best = held_out.best
    where = "" if best.inside is None else f", {_placed(best.inside, best.interval, 'its')}"
    return (
        f"Fitted without the top budget ({format_flops(held_out.flops)} FLOPs), "
        f"the same method predicts that budget's best loss with an error of {percent(best.error or 0.0)}{where}."
    )


def _placed(inside: bool, interval: Sequence[float] | None, whose: str) -> str:
    """`inside its interval`; one wider than +-10 % holds anything, and says so."""
    text = f"{'inside' if inside else 'OUTSIDE'} {whose} interval"
    if inside and interval is not None and interval[1] - interval[0] > 0.1 * (interval[1] + interval[0]):
        text += f", which is too wide to prove anything ({interval_text(interval, loss_text)})"
    return text


def _comparison_sentences(models: PlannedVsLarger, words: Conventions) -> list[str]:
    """How the planned model did against the larger one; nothing where a loss is missing."""
    plan, big = models.planned, models.larger
    gained = models.loss_advantage
    if gained is None or plan.run.loss is None or big.run.loss is None:
        return []
    verb = "beats" if gained > 0 else "loses to" if gained < 0 else "equals"
    text = (
        f"At the same compute it {verb} the model {big.run.params / plan.run.params:.1f} times as large: "
        f"{loss_text(plan.run.loss)} against {loss_text(big.run.loss)} {words.loss_unit}"
    )
    if models.loss_advantage_se is not None:
        text += (
            f", a difference of {loss_text(abs(gained))} ± {loss_text(models.loss_advantage_se)} (one standard error)"
        )
    if plan.memory_bytes and big.memory_bytes:
        text += f"; serving it takes {plan.memory_bytes / big.memory_bytes:.2f} times the memory"
    return [text + "."]


def _plan_facts(record: StudyRecord, plan: PlanRecord) -> list[KeyValue]:
    words = record.conventions
    facts = [
        KeyValue(label="Budget", value=f"{format_flops(plan.flops)} FLOPs", note=words.flops),
        *_size_facts(plan, words.params),
        KeyValue(label="Tokens", value=with_interval(plan.tokens, plan.tokens_interval)),
        KeyValue(label="Tokens per parameter", value=f"{plan.tokens_per_param:.1f}"),
    ]
    if plan.architecture:
        facts.append(KeyValue(label="Shape", value=shape_text(plan.architecture)))
    if record.forecast is not None:
        # The sealed loss is that of the shape which is trained: the one loss of the plan on this page.
        params, tokens = map(format_quantity, planned_run(record) or ())
        facts.append(KeyValue(label="Trained", value=f"{params} parameters on {tokens} tokens", note="as sealed"))
    elif plan.loss is not None:
        value = with_interval(plan.loss, plan.loss_interval, loss_text)
        facts.append(KeyValue(label="Loss", value=value, note=words.loss_unit))
    if plan.expected_waste is not None:
        waste = f"{100 * plan.expected_waste:.1f} % of the compute"
        facts.append(KeyValue(label="Expected waste", value=waste, note="for not knowing N_opt exactly"))
    if plan.memory_bytes is not None:
        facts.append(KeyValue(label="Memory", value=memory_text(plan.memory_bytes), note="bfloat16, one sequence"))
    facts.append(KeyValue(label="Law", value=law_text(plan.law)))
    return facts


def _size_facts(plan: PlanRecord, convention: str) -> list[KeyValue]:
    """N with its interval; where the runs do not identify it the range, what to run next, and what was taken."""
    note = convention + (f", {share_text(plan.level)} interval" if plan.level else "")
    if plan.size is None or plan.size.identified:
        return [KeyValue(label="Parameters", value=with_interval(plan.params, plan.params_interval), note=note)]
    facts = [
        KeyValue(label="Parameters", value=range_words(plan.size.interval), note=note),
        KeyValue(label="Run next", value=run_next(plan.size)),
        KeyValue(label="Planned", value=format_quantity(plan.params), note="the mixed estimate"),
    ]
    return [fact for fact in facts if fact.value]


def memory_text(memory: Mapping[str, int]) -> str:
    """{purpose: bytes} as `5.3 MiB to train, 1.4 MiB to serve`; the parts of a purpose are left out."""
    return ", ".join(
        f"{format_bytes(memory[purpose])} to {purpose}" for purpose in ("train", "serve") if purpose in memory
    )


def law_text(law: Provenance) -> str:
    """Name, paper and place of a plan's law, as far as they say different things."""
    parts = [part for part in (law.name, law.paper, law.place) if part]
    if len(parts) > 1 and parts[-1].startswith(parts[0]):  # "fitted, fitted to 35 runs"
        parts = parts[1:]
    return ", ".join(parts)


def _outcome_facts(outcome: ForecastOutcome, words: Conventions) -> list[KeyValue]:
    facts = []
    if outcome.sealed:
        one, level, unit = outcome.sealed.loss, outcome.sealed.level, words.loss_unit
        note = f"{share_text(level)} interval, {unit}" if level else unit
        facts += [
            KeyValue(label="Forecast", value=with_interval(one.predicted, one.interval, loss_text), note=note),
            _actual_fact("Outcome", one),
            KeyValue(label="Sealed", value=outcome.sealed.sealed, note=outcome.sealed.seal_words),
        ]
    if outcome.held_out:
        best = outcome.held_out.best
        note = f"best loss at {format_flops(outcome.held_out.flops)} FLOPs, fitted without it"
        value = with_interval(best.predicted, best.interval, loss_text)
        facts += [KeyValue(label="Backtest", value=value, note=note), _actual_fact("Outcome there", best)]
    return facts


def _actual_fact(label: str, one: PredictedLoss) -> KeyValue:
    if one.actual is None or one.error is None:
        return KeyValue(label=label, value="not finished")
    where = "" if one.inside is None else f", {'inside' if one.inside else 'outside'} the interval"
    return KeyValue(label=label, value=loss_text(one.actual), note=f"error {percent(one.error)}{where}")
