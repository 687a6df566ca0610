"""`isoflop sweep`: the design and its cost; `--go` trains it."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.study import study_options, trust_option
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import verb
from isoflop.cli.output.progress import StudyProgress
from isoflop.cli.output.tables import print_json, say
from isoflop.codec import JsonObject
from isoflop.study import Study, StudyFolder, begin_or_resume
from isoflop.study.before_start import check_study
from isoflop.study.lock import study_lock
from isoflop.study.pipeline import Prepared, bill_lines, check_commands, do_missing, prepare


@verb("isoflop sweep mine --minutes 60", "isoflop sweep mine --minutes 60 --go")
@click.argument("directory", type=PATH)
@study_options
@trust_option
@click.option("--go", is_flag=True, help="Save the design and train it. Without --go, only the cost is shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def command(directory: Path, go: bool, trust: bool, as_json: bool, **options: object) -> None:
    """Design the sweep of the study in DIRECTORY and show its cost.

    Without --go nothing is trained and no design is saved: the command can be repeated with other options.
    """
    folder = StudyFolder(directory)
    settings = begin_or_resume(folder, options, check_study)
    with StudyProgress() as progress:
        study = Study(folder=folder, settings=settings, listener=progress)
        if go:
            check_commands(study, trust=trust)  # before the time that corpus and design take
        with study_lock(folder.path):
            prepared = prepare(study, keep=go)
    adaptive = prepared.adaptive
    if as_json and not (go and adaptive):
        print_json({**bills(prepared), **({} if adaptive is None else adaptive.answer(prepared.design))})
    elif not as_json:
        for line in bill_lines(study, prepared):
            say(line)
    if go:
        with StudyProgress() as progress:
            do_missing(Study(folder=folder, settings=settings, listener=progress), trust=trust)
        if as_json and adaptive is not None:
            print_json({**bills(prepared), **adaptive.answer(prepared.design)})


def bills(prepared: Prepared) -> JsonObject:
    """{budgets, sweep, final}: the bill of an adaptive sweep is that of the runs before it went on."""
    both = {"sweep": prepared.sweep_bill, "final": prepared.final_bill}
    return {
        "budgets": list(prepared.design.budgets),
        **{
            name: {
                "runs": bill.runs,
                "flops": bill.flops,
                "seconds": bill.seconds,
                "disk_bytes": bill.disk_bytes,
            }
            for name, bill in both.items()
        },
    }
