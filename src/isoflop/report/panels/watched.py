"""The planned run while it trained: inside the sealed band or not, each verdict at its time, its end as it was seen."""

from __future__ import annotations

from isoflop.report.formatting import DASH, loss_text, moment, share_text, with_interval
from isoflop.report.panel import Absent, KeyValue, Panel, Table
from isoflop.report.panels.watched_drawn import done_text, draw_course, draw_final
from isoflop.report.panels.watched_values import WatchedRun, watched_run
from isoflop.report.record import StudyRecord, WatchRecord
from isoflop.units import format_quantity
from isoflop.watch.verdict_words import is_off_course, verdict_words


def watch_fact(watch: WatchRecord) -> KeyValue:
    """What was last said of the planned run, for the summary."""
    last = watch.logbook.last
    assert last is not None, "a record has a look"
    off = [look for look in watch.logbook.changes if is_off_course(look.verdict)]
    note = f"at {done_text(last.share)} of its tokens"
    if off and not is_off_course(last.verdict):
        note += f"; {verdict_words(off[-1].verdict)} from {done_text(off[-1].share)} on for a time"
    if last.predicted_final is not None and last.share < 1:
        note += f"; will end at {with_interval(last.predicted_final, last.interval, loss_text)}"
    return KeyValue(label="Watched", value=verdict_words(last.verdict), note=note)


def watched_panel(record: StudyRecord) -> Panel | Absent:
    """The planned run under way."""
    values = watched_run(record)
    if isinstance(values, Absent):
        return values
    unit = record.conventions.loss_unit
    drawings = [draw_course(values, unit)]
    if values.together:
        drawings.append(draw_final(values, unit))
    made = "sealed with the forecast before the run" if values.sealed else "made from the forecast while it was watched"
    band = f" Band: {share_text(values.level)} at each share alone, {made}." if values.band else ""
    return Panel(
        name="watch",
        short="Under way",
        title="The planned run under way",
        lead=_lead(values),
        drawings=tuple(drawings),
        columns=len(drawings),
        tables=(_table(values),) if values.changes else (),
        caption=f"Training loss, the mean over the last tenth of the way to each share; pale: as logged.{band} "
        "Predicted final losses are validation losses, each with what was known at its share alone.",
    )


def _lead(values: WatchedRun) -> str:
    off = [place for place in values.verdicts if place.off_course]
    if not values.verdicts:
        return "It is too early to tell whether it is on course."
    if not off:
        return f"{values.verdicts[-1].words.capitalize()}; no look found it off course."
    now = values.verdicts[-1]
    words = f"First off course at {done_text(off[0].share)} of its tokens: {off[0].words}."
    return words if now.off_course else f"{words} Since {done_text(now.share)}: {now.words}."


def _table(values: WatchedRun) -> Table:
    rows = tuple(
        (
            done_text(look.share),
            DASH if look.tokens is None else format_quantity(look.tokens),
            verdict_words(look.verdict),
            DASH if look.expected is None else with_interval(look.expected[1], look.expected[::2], loss_text),
            with_interval(look.predicted_final, look.interval, loss_text),
            moment(look.looked),
            look.reason,
        )
        for look in values.changes
    )
    return Table(
        columns=("share done", "tokens", "verdict", "expected loss", "predicted final", "looked at", "why"),
        rows=rows,
        words=(2, 5, 6),
        heading="Each change of the verdict",
    )
