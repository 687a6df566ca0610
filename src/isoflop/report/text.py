"""Answers as short tables in the terminal; they read well from 60 columns on, and nothing is cut below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from isoflop.errors import printable
from isoflop.fit import FitReport, Refused
from isoflop.report.fit_summary import headline, open_size, refusals, size_groups
from isoflop.report.pages import report_warnings
from isoflop.report.panel import Absent, KeyValue, SmallTable, Summary
from isoflop.report.panels.best_size import backtest_sentence, range_sentence
from isoflop.report.panels.constants import centre_terms, certificate, constants, correlations
from isoflop.report.panels.optimum_tables import OptimaAt, exponents_table, fit_optima, optimum_table
from isoflop.report.panels.past_forecasts import errors_table, form_errors, lack_of_fit
from isoflop.report.panels.rows_read import left_out_facts, range_facts, read_facts
from isoflop.report.panels.runs import status_words
from isoflop.report.record import StudyRecord
from isoflop.report.style import APPROACH_SHORT
from isoflop.report.summary import study_summary
from isoflop.report.terminal_tables import BETWEEN, columns_table, facts_table, verdict

# Stands for a space at which no line may break: rich breaks at every kind of white space there is.
_TIED = "\ue000"


def study_text(record: StudyRecord) -> RenderableType:
    """A study's summary as at the top of its page, for `rich.print`."""
    summary = study_summary(record)
    parts: list[RenderableType] = [_tied(sentence) for sentence in summary.sentences]
    parts += [_tied(f"! {sentence}", style="yellow") for sentence in summary.not_identified]
    parts += _parts(summary)
    if record.runs:
        parts.append(Text(f"\nRuns: {status_words(record)}."))
    return _Untied(Group(*parts))


def plain_text(report: RenderableType, width: int = 80) -> str:
    """`report` as plain text of at most `width` columns."""
    file = StringIO()
    Console(file=file, width=width, color_system=None, force_terminal=False).print(report)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def warnings_text(report: FitReport) -> RenderableType | None:
    """Every warning of a fit in plain words with its code; None where there is none."""
    warnings = report_warnings(report)
    if not warnings:
        return None
    lines = _facts(KeyValue(label="!", value=f"{notice.message} [{notice.code}]") for _, notice in warnings)
    return _Untied(Group(Text("\nWarnings", style="bold"), lines))


def fit_text(report: FitReport, title: str) -> RenderableType:
    """Rows, laws, optimum, constants and how far to trust them: a fit's whole answer but its warnings."""
    optima, read = fit_optima(report), report.observations
    parts: list[RenderableType] = [Text(title, style="bold")]
    unknown = open_size(optima)
    parts += [_tied(range_sentence(unknown), style="yellow")] if unknown else [_tied(headline(report, optima))]
    parts += [_facts(grade_facts(report))]
    parts += [Text("\nRuns", style="bold"), _facts([*read_facts(read), *range_facts(report)])]
    if left_out_facts(read):
        parts += [Text("\nRows left out", style="bold"), _facts(left_out_facts(read))]
    parts += _tables(exponents_table(report), optimum_table(optima[0]))
    for heading, facts in size_groups(optima):
        parts += [Text(f"\n{heading}", style="bold"), _facts(facts)]
    if report.size_backtest is not None:
        parts.append(_tied(f"Backtest: {backtest_sentence(report.size_backtest)}."))
    if refusals(report):
        parts += [Text("\nNo law by", style="bold"), _facts(refusals(report))]
    parts += _parametric(report, optima)
    past = form_errors(report)
    if not isinstance(past, Absent):
        parts += _tables(errors_table(past))
    return _Untied(Group(*parts))


def grade_facts(report: FitReport) -> list[KeyValue]:
    """The grade of a fit and what would raise it; then the approaches whose grade is another."""
    word, *remedies = report.grade.lines()
    facts = [KeyValue(label="Grade", value=word), *(KeyValue(label="", value=line) for line in remedies)]
    for name, grade in report.grades.items():
        if grade.word != report.grade.word:
            codes = f": {', '.join(grade.codes)}" if grade.codes else ""
            facts.append(KeyValue(label=f"  {APPROACH_SHORT[name]}", value=grade.word + codes))
    return facts


def _parametric(report: FitReport, optima: Sequence[OptimaAt]) -> list[RenderableType]:
    """The constants, and how far to trust them; nothing where approach 3 was refused."""
    fit = report.parametric
    if isinstance(fit, Refused):
        return []
    trust = certificate(fit)
    together, trend = ", ".join(correlations(fit)), lack_of_fit(report)
    trust += [KeyValue(label="Move together", value=together)] if together else []
    trust += [KeyValue(label="Lack of fit", value=trend)] if trend else []
    named = [*constants(fit, optima), *centre_terms(fit)]
    return [
        Text("\nConstants of L = E + A / N^alpha + B / D^beta", style="bold"),
        _facts(KeyValue(label=one.name, value=one.text) for one in named),
        Text("\nThe parametric fit", style="bold"),
        _facts(trust),
    ]


def _tied(text: str, style: str = "") -> Text:
    """Text in which an interval in brackets stays on one line, and a number with its per cent sign."""
    return Text(_ties(text), style=style)


def _ties(text: str) -> str:
    tied = re.sub(r"(\([^\s()]+) to ([^\s()]+\))", rf"\1{_TIED}to{_TIED}\2", text)
    return tied.replace(" %", f"{_TIED}%")


@dataclass(frozen=True)
class _Untied:
    """What is in it, with the ties turned into spaces after the lines were broken, fit for a terminal."""

    inside: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The segments of what is inside."""
        for segment in console.render(self.inside, options):
            text = "\n".join(map(printable, segment.text.replace(_TIED, " ").split("\n")))
            yield Segment(text, segment.style, segment.control)


def _parts(summary: Summary) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for heading, facts in summary.groups:
        parts += [Text(f"\n{heading}", style="bold"), _facts(facts)]
    return parts + _tables(*summary.tables)


def _tables(*tables: SmallTable | None) -> list[RenderableType]:
    """Each table under its heading, with its note; nothing for None."""
    parts: list[RenderableType] = []
    for table in tables:
        if table is not None:
            parts += [Text(f"\n{table.heading}", style="bold"), _Fitting(table)]
            parts += [_tied(table.note, style="dim")] if table.note else []
    return parts


def _facts(facts: Iterable[KeyValue]) -> Table:
    rows = []
    for fact in facts:
        value = verdict(_ties(fact.value))
        if fact.note:
            value.append_text(_tied(f"  {fact.note}", style="dim"))
        rows.append((fact.label, value))
    return facts_table(rows)


@dataclass(frozen=True)
class _Fitting:
    """A table where it fits, else a block a row: a number broken over two lines is read wrongly."""

    table: SmallTable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, or the blocks."""
        del console
        rows = (self.table.columns, *self.table.rows)
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.table.columns))]
        if sum(widths) + BETWEEN * (len(widths) - 1) <= options.max_width:
            yield columns_table(self.table.columns, self.table.rows)
            return
        for name, *cells in self.table.rows:
            yield Text(name)
            pairs = zip(self.table.columns[1:], cells, strict=True)
            yield _facts(KeyValue(label=f"  {column}", value=cell) for column, cell in pairs)
