"""`isoflop compare`: which of two recipes is better, by how much, and how sure that is."""

from __future__ import annotations

from pathlib import Path

import click
import cloup
from cloup import option_group

from isoflop.cli.options.compare import Question, ReadingRequest, price_options, question_options, reading_options
from isoflop.cli.options.types import OUT
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.compare import print_all_against_one, print_comparison, print_cost
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.compare import Comparison, Side, SourceOptions, compare_named, read_source
from isoflop.errors import InputError
from isoflop.report.comparison_json import comparison_json


@verb("isoflop compare adamw.csv muon.csv", "isoflop compare runs.csv --by recipe adamw muon --at 1e21")
@click.argument("sides", metavar="A B", nargs=-1, required=True)
@question_options
@reading_options
@price_options
@option_group(
    "Output",
    cloup.option("--report", "page", type=OUT, help="Write the report of the comparison here, one HTML page."),
)
@json_option
def command(
    sides: tuple[str, ...],
    noise_from: Path | None,
    baseline: str | None,
    page: Path | None,
    as_json: bool,
    **options: object,
) -> None:
    """Tell which of two recipes is better, by how much, and how sure that is.

    A is the baseline and B the recipe that is held against it. Each is a table of final rows (run, params, tokens,
    loss), a log or a folder of logs of any engine, a study, or a fit from `isoflop fit --out`. With --by, the first
    argument is one file with both, and the next two are the values of that column: FILE --by recipe A B.
    """
    reading, question = picked(ReadingRequest, options).sources(), picked(Question, options)
    if page is not None and not page.parent.is_dir():
        raise InputError(f"--report: no such folder: {page.parent}")
    asked = question.options(_noise(noise_from, reading))
    found = compare_named(sides, reading, asked, baseline)
    if page is not None:
        _write_report(found[0], page)
    if as_json:
        answers = [comparison_json(one) for one in found]
        print_json(answers[0] if baseline is None else {"baseline": baseline, "comparisons": answers})
    elif baseline is None:
        print_comparison(found[0])
    else:
        print_all_against_one(found)
    if not as_json and any(one.saved is not None for one in found):
        print_cost(question.cluster())
    print_notices([notice for one in found for notice in one.notices])


def _noise(file: Path | None, reading: SourceOptions) -> tuple[Side, ...]:
    """The recipes whose repeated runs say more about the noise; of a file without the column of --by all as one."""
    if file is None:
        return ()
    recorded = read_source(file, reading)
    if reading.by is not None and recorded.has_setting(reading.by):
        return tuple(recorded.by_recipe(reading.by).values())
    return (recorded.side(),)


def _write_report(comparison: Comparison, page: Path) -> None:
    """Writes the page, and says so on stderr: stdout has the answer."""
    from isoflop.report.comparison_page import comparison_page
    from isoflop.report.html import write_page

    say(f"the report is {write_page(comparison_page(comparison), page)}", err=True)
