"""`isoflop ledger`: how good forecasts have been."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.ledger import ToWrite, writing_options
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.ledger import print_ledger
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.errors import InputError
from isoflop.ledger import read_ledger


@verb(
    "isoflop ledger studies/",
    'isoflop ledger notes/ --add big-run --predicted 2.01 --interval 1.97 2.06 --from "nine runs"',
    "isoflop ledger notes/ --outcome big-run 2.03",
)
@click.argument("places", metavar="[FOLDER|FILE ...]", nargs=-1, type=PATH)
@writing_options
@json_option
def command(places: tuple[Path, ...], as_json: bool, **options: object) -> None:
    """Tell how good forecasts have been: how often intervals held what came, and whether forecasts lean to one side.

    Forecasts are those that studies and launches sealed, and those written down by hand with --add, in the folders and
    below them (here, without any). One that was sealed after its run began, or whose data changed, does not count.
    """
    to_write = picked(ToWrite, options)
    if to_write.asked:
        if len(places) > 1:
            raise InputError(f"ledger: a forecast is written to one folder, got {len(places)}")
        path = to_write.write(places[0] if places else Path())
        print_json({"written": str(path)}) if as_json else say(f"written to {path}")
        return
    ledger = read_ledger(places or (Path(),))
    if as_json:
        print_json(ledger.as_json())
    else:
        print_ledger(ledger)
    print_notices(ledger.notices)
