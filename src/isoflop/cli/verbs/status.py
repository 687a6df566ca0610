"""`isoflop status`: the progress of a study."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.planned import print_planned
from isoflop.cli.output.progress_text import print_losses, running_line
from isoflop.cli.output.tables import print_json, print_notices, print_study, print_text, say
from isoflop.study import StudyFolder, status_of, study_record
from isoflop.study.planned_status import planned_status
from isoflop.study.running import read_running
from isoflop.study.seals import DOUBTS
from isoflop.study.status import Stage, best_losses, stage_of

_LINE: dict[Stage, str] = {
    "corpus": "Started; the next stage is the corpus or the design of the sweep.",
    "sweep": "The next stage is the training of the sweep.",
    "fit": "The sweep is trained; the next stage is the fits.",
    "plan": "Fitted; the next stage is the plan and its sealed forecast.",
    "final": "Planned; the next stages are the planned model, the larger one and the score.",
    "done": "The study is finished.",
}
"""{next stage: the text for it}"""


@verb("isoflop status mine", "isoflop status plan --json")
@click.argument("directory", type=PATH)
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Show the progress of the study in DIRECTORY, or of the run of a plan, and its results so far."""
    if (planned := planned_status(directory)) is not None:
        if as_json:
            print_json(planned.as_json())
        else:
            print_planned(planned, f"isoflop run {directory / 'plan.toml'} --into {directory}")
        return
    folder = StudyFolder(directory)
    if as_json:
        print_json(status_of(folder))
        return
    record = study_record(folder, curves=False)
    stage = stage_of(folder, record)
    running = read_running(folder)
    if running is not None:
        print_text(running_line(running))
    else:
        click.echo(_LINE[stage])
        counts = ", ".join(f"{count} {name}" for name, count in record.count().items() if count)
        if counts and stage != "done":
            say(f"Runs: {counts}; resume with `isoflop study {directory}`.")
    print_notices(notice for notice in record.notices if notice.code in DOUBTS)
    print_study(record)
    if stage in ("sweep", "fit", "plan"):
        print_losses(best_losses(record.runs))
