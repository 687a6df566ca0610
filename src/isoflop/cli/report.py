"""`isoflop report`: one self-contained page."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.errors import InputError
from isoflop.report import write_report
from isoflop.study import StudyFolder, build_view


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it. [DIRECTORY/report.html]")
def command(directory: Path, out: Path | None) -> None:
    """Write the report of the study in DIRECTORY, as far as the study has come."""
    folder = StudyFolder(directory)
    view = build_view(folder)
    target = out or folder.report
    if target.is_dir():
        raise InputError(f"{target}: expected a file to write, and this is a folder")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent}: no such folder; make it, or write the report somewhere else")
    click.echo(write_report(view, target))
