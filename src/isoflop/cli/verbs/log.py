"""`isoflop log`: send what runs have written to experiment trackers, now or while they go."""

from __future__ import annotations

import json
from pathlib import Path

import click

from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.tables import print_facts, print_json, say
from isoflop.codec import to_json
from isoflop.errors import RefusedError
from isoflop.runs.registry import TRACKERS
from isoflop.study.folder import StudyFolder
from isoflop.study.tracking import input_ended, send


@verb("isoflop log mine --to tensorboard", "isoflop log mine --to wandb --to mlflow")
@click.argument("directory", type=PATH)
@click.option(
    "--to",
    multiple=True,
    type=click.Choice(list(TRACKERS)),
    help="Tracker to send to. Repeatable. [those of the study]",
)
@click.option("--follow", is_flag=True, hidden=True, help="Continue until standard input ends; warnings as JSON lines.")
@json_option
def command(directory: Path, to: tuple[str, ...], follow: bool, as_json: bool) -> None:
    """Send the curves and results of the runs in DIRECTORY, a study or a plan, to experiment trackers.

    Points that a tracker already has are not sent again; a tracker that fails causes a warning.
    """

    def warn(message: str) -> None:
        """Prints the warning of a tracker, with the command that resumes it."""
        resume = f"isoflop log {directory} --to {message.split(':')[0]}"
        line = f"{message}; the runs continue without it; resume with `{resume}`"
        say(json.dumps({"warning": line}) if follow else f"warning: {line} [tracker]", err=True)

    sent = send(StudyFolder(directory), to, warn, until=input_ended if follow else None)
    if as_json:
        print_json({"sent": to_json(sent)})
    else:
        facts = [(one.tracker, f"{one.points:,} points of {one.runs} runs, in {one.where}") for one in sent]
        print_facts(facts)
    if any(one.failed for one in sent) and not follow:
        click.get_current_context().exit(RefusedError.exit_code)
