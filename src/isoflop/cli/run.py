"""`isoflop run`: do or resume what is missing."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.progress import StudyProgress
from isoflop.runs.lock import study_lock
from isoflop.study import open_study
from isoflop.study.loop import do_missing


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--reindex", is_flag=True, help="Only rebuild study.db from the run folders.")
def command(directory: Path, reindex: bool) -> None:
    """Do or resume every designed run of the study in DIRECTORY that has no result yet."""
    if reindex:
        study = open_study(directory)
        with study_lock(directory):
            study.ledger().reindex()
        click.echo(f"{study.folder.ledger}: {len(study.ledger().rows())} runs")
        return
    with StudyProgress() as progress:
        results = do_missing(open_study(directory, progress))
    if not results:
        click.echo("nothing to do: every designed run has its result")
        return
    failed = sum(result.status == "failed" for result in results)
    ended = f"{len(results) - failed} runs done"
    click.echo(f"{ended}, {failed} failed: `isoflop status {directory}` says why" if failed else ended)
