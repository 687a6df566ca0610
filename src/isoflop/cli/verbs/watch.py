"""`isoflop watch`: is a run that is under way on its forecast, and where will it end."""

from __future__ import annotations

from pathlib import Path

import click
import cloup
from cloup import option_group

from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.options.watch import USUAL_FAILURES, WatchAsk, failures, parse_every, watch_options
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.cli.output.watch import Changes, print_watched
from isoflop.errors import OFF_COURSE
from isoflop.report.watch_json import watch_json
from isoflop.study.watch_following import EVERY_SECONDS, WatchAnswer, WatchAsked, follow, watch_once
from isoflop.units import format_number


@verb("isoflop watch mine", "isoflop watch big.csv --like small/ --total-tokens 20B", "isoflop watch mine --follow")
@click.argument("run", type=PATH)
@watch_options
@option_group(
    "Output",
    cloup.option("--follow", is_flag=True, help="Keep watching until the run ends, and print changes."),
    cloup.option(
        "--every",
        metavar="SECONDS",
        default=format_number(EVERY_SECONDS),
        help="With --follow: between looks at the log. [2]",
    ),
    cloup.option(
        "--fail-on",
        metavar="VERDICTS",
        help="Verdicts with exit code 4: off_course (above, below, off_shape, data_repeated), diverged, "
        f"spiking, too_early, or never; with --follow these end the watching. [{USUAL_FAILURES}, at the end]",
    ),
)
@json_option
def command(run: Path, follow: bool, every: str, fail_on: str | None, as_json: bool, **options: object) -> None:
    """Tell whether a run that is under way is on its forecast, and predict its final loss.

    RUN is a run folder, a study or the folder of a planned run (its planned run is meant), or a log or folder of logs
    of any engine: Hugging Face, W&B offline, TensorBoard, MLflow, Lightning, torchtitan, nanoGPT, Megatron and others,
    or a CSV of steps or tokens and losses.

    The final loss is predicted from finished smaller runs of the same recipe, and held against the sealed forecast. A
    run in a study has both; of another one, name them with --like and --forecast.

    Exit code 0: on course, or too early to tell; 4: off course or diverging, see --fail-on.
    """
    asked = picked(WatchAsk, options).asked(run)
    failing = failures(USUAL_FAILURES if fail_on is None else fail_on)
    seconds = parse_every(every)
    if follow:
        answer = _followed(asked, seconds, failing if fail_on is not None else frozenset(), as_json=as_json)
    else:
        answer = watch_once(asked)
        if as_json:
            print_json(watch_json(answer.found))
        else:
            print_watched(answer)
        print_notices(answer.found.notices)
    if answer is not None and answer.found.verdict in failing:
        click.get_current_context().exit(OFF_COURSE)


def _followed(asked: WatchAsked, every: float, until: frozenset[str], *, as_json: bool) -> WatchAnswer | None:
    """The last answer about a run that is followed to its end, or to a verdict of `until`."""
    changes, last = Changes(as_json=as_json), None
    for answer in follow(asked, lambda line: say(line, err=True), every):
        last = answer
        changes.show(answer)
        if answer.found.verdict in until:
            break
    return last
