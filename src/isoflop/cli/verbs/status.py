"""`isoflop status`: how far a study is."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.common import PATH, json_option
from isoflop.cli.output.tables import print_json, print_notices, print_view, say
from isoflop.errors import Notice
from isoflop.study import StudyFolder, build_view, status_of
from isoflop.study.seals import DOUBTS

_LINE = {
    "corpus": "Begun; the corpus or the design of the sweep comes next.",
    "sweep": "Training the sweep.",
    "fit": "The sweep is trained; the fits come next.",
    "plan": "Fitted; the plan and its sealed forecast come next.",
    "final": "Planned; the planned model and the larger one are next, then the score.",
    "done": "The study is finished.",
}
"""What is said of a study whose next stage is this."""


@click.command()
@click.argument("directory", type=PATH)
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Show how far the study in DIRECTORY is, and its answer as far as there is one."""
    folder = StudyFolder(directory)
    if as_json:
        print_json(status_of(folder))
        return
    view = build_view(folder, curves=False)
    status = status_of(folder, view)
    click.echo(_LINE[status["stage"]])
    counts = ", ".join(f"{count} {name}" for name, count in status["runs"].items() if count)
    if counts and status["stage"] != "done":
        say(f"Runs: {counts}; `isoflop study {directory}` goes on.")
    told = (item for item in status["notices"] if item["code"] in DOUBTS)
    print_notices(Notice(code=item["code"], message=item["message"]) for item in told)
    print_view(view)
