"""Answers as short tables in the terminal; they read well from 60 columns on, and nothing is cut below."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from isoflop.errors import printable
from isoflop.report.fit_summary import refusals
from isoflop.report.panel import Absent, KeyValue, SmallTable, Summary
from isoflop.report.panels.best_size import backtest_of, open_size, say_backtest, say_open, size_group
from isoflop.report.panels.constants import centre_terms, certificate, correlations, verdicts
from isoflop.report.panels.optimum_tables import exponents_grid, optimum_grid
from isoflop.report.panels.past_forecasts import errors_grid, form_errors, lack_of_fit
from isoflop.report.panels.rows_read import left_out_facts, range_facts, read_facts
from isoflop.report.panels.runs import status_counts
from isoflop.report.panels.warnings import notices
from isoflop.report.summary import answer
from isoflop.report.view import View, is_fit

_GAP = 2  # columns between two columns of a table

# Stands for a space at which no line may break: rich breaks at every kind of white space there is.
_TIED = "\ue000"


def text_report(view: View) -> RenderableType:
    """A study's answer as at the top of its page, or all that a fit alone found, for `rich.print`."""
    if is_fit(view):
        return _Untied(_fit_report(view))
    found = answer(view)
    parts: list[RenderableType] = [_tied(sentence) for sentence in found.sentences]
    parts += [_tied(f"! {sentence}", style="yellow") for sentence in found.unsaid]
    parts += _parts(found)
    counts = ", ".join(f"{count} {status}" for status, count in status_counts(view).items())
    if counts:
        parts.append(Text(f"\nRuns: {counts}."))
    return _Untied(Group(*parts))


def plain_report(view: View, width: int = 80) -> str:
    """`text_report` as plain text of at most `width` columns."""
    file = StringIO()
    Console(file=file, width=width, color_system=None, force_terminal=False).print(text_report(view))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def warnings_text(view: View) -> RenderableType | None:
    """Every warning in plain words with its code; None where there is none."""
    found = notices(view)
    if not found:
        return None
    lines = _facts(KeyValue(label="!", value=f"{one.message} [{one.code}]") for one in found)
    return _Untied(Group(Text("\nWarnings", style="bold"), lines))


def _fit_report(view: View) -> RenderableType:
    """Rows, laws, optimum, constants and how far to trust them: a fit's whole answer but its warnings."""
    first = (view.get("optima") or [{}])[0]
    values = verdicts(view)
    constants = [] if isinstance(values, Absent) else [*values, *centre_terms(view)]
    together = ", ".join(correlations(view))
    trust = certificate(view)
    trust += [KeyValue(label="Move together", value=together)] if together else []
    past = form_errors(view)
    trend = lack_of_fit(view)
    grids = (exponents_grid(view), optimum_grid(first) if first else None)
    parts: list[RenderableType] = [Text(str(view.get("title") or ""), style="bold")]
    unknown = open_size(view)
    parts += [_tied(say_open(unknown), style="yellow")] if unknown else []
    parts += [_facts([*read_facts(view), *range_facts(view)])]
    if left_out_facts(view):
        parts += [Text("\nRows left out", style="bold"), _facts(left_out_facts(view))]
    parts += _parts(Summary(sentences=(), groups=(), grids=tuple(grid for grid in grids if grid), unsaid=()))
    parts += _size(view)
    if refusals(view):
        parts += [Text("\nNo law by", style="bold"), _facts(refusals(view))]
    if constants:
        parts += [
            Text("\nConstants of L = E + A / N^alpha + B / D^beta", style="bold"),
            _facts([KeyValue(label=one.name, value=one.text) for one in constants]),
            Text("\nThe parametric fit", style="bold"),
            _facts([*trust, *([KeyValue(label="Lack of fit", value=trend)] if trend else [])]),
        ]
    if not isinstance(past, Absent):
        parts += _parts(Summary(sentences=(), groups=(), grids=(errors_grid(past),), unsaid=()))
    return Group(*parts)


def _size(view: View) -> list[RenderableType]:
    """What each estimator says of the best size ahead, and how such a forecast went before."""
    heading, facts = size_group(view)
    tested = backtest_of(view)
    parts: list[RenderableType] = [Text(f"\n{heading}", style="bold"), _facts(facts)] if facts else []
    return parts + ([_tied(f"Backtest: {say_backtest(tested)}.")] if tested else [])


def _tied(text: str, style: str = "") -> Text:
    """Text in which an interval in brackets stays on one line, and a number beside its per cent sign."""
    kept = re.sub(r"(\([^\s()]+) to ([^\s()]+\))", rf"\1{_TIED}to{_TIED}\2", text)
    return Text(kept.replace(" %", f"{_TIED}%"), style=style)


@dataclass(frozen=True)
class _Untied:
    """What is in it, with the ties turned into spaces after the lines were broken, fit for a terminal."""

    inside: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The segments of what is inside."""
        for segment in console.render(self.inside, options):
            text = "\n".join(map(printable, segment.text.replace(_TIED, " ").split("\n")))
            yield Segment(text, segment.style, segment.control)


def _parts(found: Summary) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for heading, facts in found.groups:
        parts += [Text(f"\n{heading}", style="bold"), _facts(facts)]
    for grid in found.grids:
        parts += [Text(f"\n{grid.heading}", style="bold"), _Fitting(grid)]
        if grid.note:
            parts.append(_tied(grid.note, style="dim"))
    return parts


def _facts(facts: Iterable[KeyValue]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for fact in facts:
        value = _tied(fact.value)
        if fact.note:
            value.append_text(_tied(f"  {fact.note}", style="dim"))
        table.add_row(Text(fact.label), value)
    return table


@dataclass(frozen=True)
class _Fitting:
    """A grid as a table where it fits, else a block a row: a number broken over two lines is read wrongly."""

    grid: SmallTable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The table, or the blocks."""
        del console
        rows = (self.grid.columns, *self.grid.rows)
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.grid.columns))]
        if sum(widths) + _GAP * (len(widths) - 1) <= options.max_width:
            yield _table(self.grid)
            return
        for name, *cells in self.grid.rows:
            yield Text(name)
            pairs = zip(self.grid.columns[1:], cells, strict=True)
            yield _facts(KeyValue(label=f"  {column}", value=cell) for column, cell in pairs)


def _table(grid: SmallTable) -> Table:
    table = Table(box=None, show_header=True, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
    for i, column in enumerate(grid.columns):
        table.add_column(column, no_wrap=True, justify="left" if i == 0 else "right")
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
