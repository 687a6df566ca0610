"""`isoflop status`: how far a study is."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.answer import print_json, print_view
from isoflop.cli.options import json_option
from isoflop.study import StudyFolder, build_view, status_of


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Show how far the study in DIRECTORY is, and its answer as far as there is one."""
    folder = StudyFolder(directory)
    if as_json:
        print_json(status_of(folder))
        return
    click.echo(f"next: {status_of(folder)['stage']}")
    print_view(build_view(folder))
