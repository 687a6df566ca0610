"""`isoflop noise`: how far final losses scatter between seeds, and what gain pairs of runs can show."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.compare import ReadingRequest, reading_options
from isoflop.cli.options.law import level_option
from isoflop.cli.options.study import trust_option
from isoflop.cli.options.types import PATH, WholeNumber
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.noise import print_noise
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.codec import fields_to_json, to_json
from isoflop.compare import MeasuredNoise, measure_noise
from isoflop.errors import InputError


@verb("isoflop noise runs.csv", "isoflop noise mine --pairs 4")
@click.argument("source", metavar="STUDY|FILE", type=PATH)
@reading_options
@click.option("--pairs", type=WholeNumber(1, 1000), help="Of a study: train repeats of its cheapest run, two a pair.")
@trust_option
@level_option
@json_option
def command(source: Path, level: float, as_json: bool, pairs: int | None, trust: bool, **options: object) -> None:
    """Show the noise floor: the scatter of final losses between runs that differ by their seed alone.

    Runs of one recipe, size and number of tokens are repeats of each other. --by names the column of the recipe;
    without it runs are of one recipe where all their recorded settings but the seed are equal. Of a study all runs
    count, those of its comparisons too.
    """
    request = picked(ReadingRequest, options)
    if (source / "study.toml").exists():
        found = _of_study(source, request, level, pairs, trust=trust)
    elif pairs is not None:
        raise InputError("--pairs: expected a study, whose runs can be trained again with other seeds")
    else:
        found = measure_noise(source, request.sources(), level)
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


def _of_study(study: Path, reading: ReadingRequest, level: float, pairs: int | None, *, trust: bool) -> MeasuredNoise:
    """The noise floor of a study, after its repeats are trained where `pairs` asks for them."""
    from isoflop.cli.output.progress import StudyProgress
    from isoflop.study.pairs.repeats import noise_of_study, train_repeats

    if reading.any:
        raise InputError("a study's runs are read as they are: leave the options of reading out")
    if pairs is not None:
        with StudyProgress() as progress:
            train_repeats(study, pairs, listener=progress, trust=trust)
    return noise_of_study(study, level)
