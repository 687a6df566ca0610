"""`isoflop ledger`: how good forecasts have been."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import cloup
from cloup import option_group

from isoflop.cli.options.ledger import ToWrite, writing_options
from isoflop.cli.options.types import OUT, PATH
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.ledger import print_ledger
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.errors import InputError, printable
from isoflop.ledger import Ledger, read_ledger, why_not_counted
from isoflop.report.ledger_markdown import ledger_markdown


@verb(
    "isoflop ledger studies/",
    'isoflop ledger notes/ --add big-run --predicted 2.01 --interval 1.97 2.06 --from "nine runs"',
    "isoflop ledger notes/ --outcome big-run 2.03",
)
@click.argument("places", metavar="[FOLDER|FILE ...]", nargs=-1, type=PATH)
@writing_options
@option_group(
    "Output",
    cloup.option("--report", "page", type=OUT, help="Write the page of the ledger here, one HTML file."),
    cloup.option("--markdown", is_flag=True, help="Print Markdown, such as the page docs/ledger.md."),
)
@json_option
def command(places: tuple[Path, ...], page: Path | None, markdown: bool, as_json: bool, **options: object) -> None:
    """Tell how good forecasts have been: how often intervals held what came, and whether forecasts lean to one side.

    Forecasts are those that studies and launches sealed, and those written down by hand with --add, in the folders and
    below them (here, without any). One that was sealed after its run began, or whose data changed, does not count.
    """
    if markdown and as_json:
        raise InputError("ledger: expected one of --markdown and --json")
    if page is not None and not page.parent.is_dir():
        raise InputError(f"--report: no such folder: {page.parent}")
    to_write = picked(ToWrite, options)
    if to_write.asked:
        to_write.check()
        if len(places) > 1:
            raise InputError(f"ledger: a forecast is written to one folder, got {len(places)}")
        path = to_write.write(places[0] if places else Path())
        print_json({"written": str(path)}) if as_json else say(f"written to {path}")
        if (doubt := why_not_counted(path)) is not None:
            say(f"it does not count: {doubt}", err=True)
        return
    ledger = read_ledger(places or (Path(),))
    if page is not None:
        _write_report(ledger, page)
    if as_json:
        print_json(ledger.as_json())
    elif markdown:
        command_line = shlex.join(["isoflop", "ledger", *map(str, places), "--markdown"])
        click.echo(ledger_markdown(ledger, printable(command_line)), nl=False)
    else:
        print_ledger(ledger)
    print_notices(ledger.notices)


def _write_report(ledger: Ledger, page: Path) -> None:
    """Writes the page, and says so on stderr: stdout has the answer."""
    from isoflop.report.html import write_page
    from isoflop.report.ledger_page import ledger_page

    say(f"the report is {write_page(ledger_page(ledger), page)}", err=True)
