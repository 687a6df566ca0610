"""What an adaptive sweep decided: batch by batch, what each was for and what it was expected to gain."""

from __future__ import annotations

from collections import Counter

from isoflop.report.adaptive_record import AdaptiveRecord
from isoflop.report.panel import KeyValue, Panel, Table
from isoflop.sweep.adaptive import Decision
from isoflop.units import format_flops, format_number, format_quantity, percent

COLUMNS = ("batch", "runs", "FLOPs", "waste before", "expected after", "best size", "for")


def decisions_panel(sweep: AdaptiveRecord, plan_waste: float | None = None) -> Panel:
    """A row for each batch, and why there is no further one; `plan_waste` as for `sweep_sentence`."""
    return Panel(
        name="decisions",
        short="Sweep",
        title="How the sweep was decided",
        lead=sweep_sentence(sweep, plan_waste),
        tables=(
            Table(
                columns=COLUMNS,
                rows=tuple(_row(number, one) for number, one in enumerate(sweep.decisions, 1)),
                words=(COLUMNS.index("for"),),
            ),
        ),
        caption="Waste: the share of the planned run's FLOPs that is expected to be lost because its best size is not "
        "known better, the error of form included. FLOPs are those of the batch; best size: parameters for the planned "
        "run by the rows so far, with the 90 % interval. The FLOPs of the planned run are set at the end, and the plan "
        "has its expected waste from the forecast of the size, which rests on more than the forms of these decisions.",
    )


def _row(number: int, one: Decision) -> tuple[str, ...]:
    low, high = (format_quantity(edge, 2) for edge in one.params_interval)
    goes_on = bool(one.runs)
    reasons = Counter(run.reason for run in one.runs)
    return (
        str(number) if goes_on else "end",
        str(len(one.runs)),
        format_flops(one.batch_flops, 2) if goes_on else "-",
        percent(one.waste_before, 2),
        percent(one.waste_after, 2) if goes_on else "-",
        f"{format_quantity(one.params, 2)} ({low} to {high})",
        one.stop or ", ".join(f"{count} {reason}" for reason, count in reasons.items()),
    )


def sweep_sentence(sweep: AdaptiveRecord, plan_waste: float | None = None) -> str:
    """What the sweep cost and what is expected of it, in sentences.

    `plan_waste` is the plan's expected waste, by the forecast of the size, which stands first where it is known.
    """
    last, target = sweep.last, sweep.target_flops
    if last is None or sweep.waste is None:
        return f"The sweep has {format_flops(sweep.sweep_flops, 2)} FLOPs of runs so far, before its first decision."
    cost = f"{format_flops(sweep.sweep_flops, 2)} FLOPs, {percent(sweep.sweep_flops / target, 0)} of the planned run"
    waste = percent(sweep.waste, 1)
    if last.stop is None:
        return f"The sweep continues: {cost} so far; {waste} of that run is expected to be wasted."
    expected = f"{waste} of that run is expected to be wasted"
    if plan_waste is not None:
        expected = f"{percent(plan_waste, 1)} of that run is expected to be wasted, {waste} by the sweep's own forms"
    more = sweep.one_more
    if more is not None and more.runs:
        fewer = percent(max(sweep.waste - more.waste_after, 0.0), 2)
        expected += f"; one more batch, of {format_flops(more.batch_flops, 2)} FLOPs, would take off {fewer}"
    return f"The sweep cost {cost}; {expected}. It ended: {last.stop}. {noise_sentence(last)}"


def noise_sentence(last: Decision) -> str:
    """How much single runs scatter, and by what that is known."""
    noise = last.noise
    by = "their fit" if noise.repeats == 0 else f"{noise.repeats} {'repeats' if noise.repeats > 1 else 'repeat'}"
    return f"The loss of one run scatters by {format_number(100 * noise.sd, 2)} %, by {by}."


def sweep_facts(sweep: AdaptiveRecord) -> list[KeyValue]:
    """The same as lines of the summary."""
    last = sweep.last
    if last is None or sweep.waste is None:
        return []
    facts = [
        KeyValue(
            label="Sweep over planned run",
            value=percent(sweep.sweep_flops / sweep.target_flops, 0),
            note=f"{format_flops(sweep.sweep_flops, 2)} of {format_flops(sweep.target_flops, 2)} FLOPs",
        ),
        KeyValue(label="Waste by its own forms", value=percent(sweep.waste, 1), note="expected, of the planned run"),
        KeyValue(label="Noise floor", value=f"{format_number(100 * last.noise.sd, 2)} %", note="sd of one run's loss"),
    ]
    if sweep.one_more is not None and sweep.one_more.runs:
        more = sweep.one_more
        facts.append(
            KeyValue(
                label="One more batch",
                value=f"{percent(max(sweep.waste - more.waste_after, 0.0), 2)} less waste",
                note=f"by the same forms, for {format_flops(more.batch_flops, 2)} FLOPs",
            )
        )
    if last.stop is not None:
        facts.append(KeyValue(label="The sweep ended", value=last.stop))
    return facts
