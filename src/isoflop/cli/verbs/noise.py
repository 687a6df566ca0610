"""`isoflop noise`: how far final losses scatter between seeds, and what gain pairs of runs can show."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.compare import ReadingRequest, reading_options
from isoflop.cli.options.law import level_option
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.noise import print_noise
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.codec import fields_to_json, to_json
from isoflop.compare import measure_noise


@verb("isoflop noise runs.csv", "isoflop noise runs.csv --by recipe --json")
@click.argument("source", metavar="STUDY|FILE", type=PATH)
@reading_options
@level_option
@json_option
def command(source: Path, level: float, as_json: bool, **options: object) -> None:
    """Show the noise floor: the scatter of final losses between runs that differ by their seed alone.

    Runs of one recipe, size and number of tokens are repeats of each other. --by names the column of the recipe;
    without it runs are of one recipe where all their recorded settings but the seed are equal.
    """
    found = measure_noise(source, picked(ReadingRequest, options).sources(), level)
    if as_json:
        print_json(
            {
                **fields_to_json(found.floors[0]),
                "level": level,
                "told_apart_by": list(found.told_apart_by),
                "sets": to_json(found.floors),
                "warnings": to_json(found.notices),
            }
        )
    else:
        print_noise(found)
    print_notices(found.notices)
