"""`isoflop study`: the whole loop on one machine."""

from __future__ import annotations

import time
from pathlib import Path

import click

from isoflop.cli.options.study import study_options, trust_option
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import verb
from isoflop.cli.output.progress import StudyProgress
from isoflop.cli.output.tables import print_json, print_study, say
from isoflop.study import Study, StudyFolder, begin_or_resume, is_finished, run_study, status_of, study_record
from isoflop.study.before_start import check_study


@verb("isoflop study mine --text novels/ --minutes 60", "isoflop study code --corpus python --family gopher")
@click.argument("directory", type=PATH)
@study_options
@trust_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout at the end and nothing else.")
def command(directory: Path, trust: bool, as_json: bool, **options: object) -> None:
    """Fit scaling laws to small runs on your text, plan a larger run, train it and score the forecast.

    Everything is stored in DIRECTORY. Stop at any time, even with kill -9; run the command again to resume.
    """
    folder = StudyFolder(directory)
    settings = begin_or_resume(folder, options, check_study)
    started = time.monotonic()
    if is_finished(folder):
        say(f"nothing to do: {directory} is finished; its report is {folder.report}", err=True)
    else:
        with StudyProgress() as progress:
            run_study(Study(folder=folder, settings=settings, listener=progress), trust=trust)
        progress.say(f"done in {time.monotonic() - started:.0f} s; the report is {folder.report}")
    if as_json:
        print_json(status_of(folder))
    else:
        print_study(study_record(folder, curves=False))
