"""`isoflop compare`: which of two recipes is better, by how much, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import cloup
from cloup import option_group

from isoflop.cli.options.compare import Question, ReadingRequest, price_options, question_options, reading_options
from isoflop.cli.options.pairs import PairsAsked, pairs_options
from isoflop.cli.options.study import trust_option
from isoflop.cli.options.types import OUT
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.compare import print_all_against_one, print_comparison, print_cost
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.compare import CompareOptions, Comparison, compare_named, noise_sides
from isoflop.errors import InputError
from isoflop.report.comparison_json import comparison_json
from isoflop.report.comparison_words import named_notices


@verb("isoflop compare adamw.csv muon.csv", "isoflop compare runs.csv --by recipe adamw muon --at 1e21")
@click.argument("sides", metavar="A B", nargs=-1, required=True)
@question_options
@reading_options
@price_options
@pairs_options
@trust_option
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
    trust: bool,
    **options: object,
) -> None:
    """Tell which of two recipes is better, by how much, and how sure that is.

    A is the baseline and B the recipe that is held against it. Each is a table of final rows (run, params, tokens,
    loss), a log or a folder of logs of any engine, a study, or a fit from `isoflop fit --out`. With --by, the first
    argument is one file with both, and the next two are the values of that column: FILE --by recipe A B.

    Where A is a study and B a --recipe, or both are recipes (A.toml B.toml), pairs of runs are trained, the cheapest
    first, until the verdict stands; the same command continues where it stopped.
    """
    reading, question = picked(ReadingRequest, options).sources(), picked(Question, options)
    if page is not None and not page.parent.is_dir():
        raise InputError(f"--report: no such folder: {page.parent}")
    asked = question.options(() if noise_from is None else noise_sides(noise_from, reading))
    pairs = picked(PairsAsked, options)
    found = (
        _trained(sides, pairs, asked, trust=trust)
        if pairs.trains(sides)
        else compare_named(sides, reading, asked, baseline)
    )
    if page is not None:
        _write_report(found, page)
    if as_json:
        answers = [comparison_json(one) for one in found]
        print_json(answers[0] if baseline is None else {"baseline": baseline, "comparisons": answers})
    elif baseline is None:
        print_comparison(found[0])
    else:
        print_all_against_one(found)
    if not as_json and any(one.saved is not None for one in found):
        print_cost(question.priced_or_default())
    print_notices([notice for one in found for notice in named_notices(one)])


def _trained(names: Sequence[str], pairs: PairsAsked, asked: CompareOptions, *, trust: bool) -> Sequence[Comparison]:
    """The comparison by pairs of runs that are trained now, or were. Raises RefusedError where no pair ended well."""
    from isoflop.cli.output.pairs import compared_by_training
    from isoflop.study.pairs.start import PairsRequest

    request = PairsRequest(
        pairs=pairs.pairs, minutes=pairs.minutes, seed=pairs.seed, name=pairs.name, options=asked, trust=trust
    )
    old = Path(names[0])
    if pairs.recipe is not None:
        return [compared_by_training(old, pairs.recipe, None, request)]
    return [compared_by_training(old, Path(names[1]), pairs.place(names), request)]


def _write_report(found: Sequence[Comparison], page: Path) -> None:
    """Writes the page, of several recipes that of the best with a row each, and says so on stderr."""
    from isoflop.report.comparison_page import comparison_page
    from isoflop.report.html import write_page

    say(f"the report is {write_page(comparison_page(found[0], found), page)}", err=True)
