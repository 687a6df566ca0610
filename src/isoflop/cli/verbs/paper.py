"""`isoflop paper`: printed numbers of the papers next to what the code computes."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.paper import print_section
from isoflop.cli.output.tables import print_json
from isoflop.errors import InputError
from isoflop.paper import all_sections, paper_markdown, section


@verb("isoflop paper", "isoflop paper --table a9")
@click.option("--table", "name", metavar="NAME", help="Print one section with all of its rows.")
@click.option("--points", type=PATH, help="The 245 points of Figure 4 (svg_extracted_data.csv), to fit them again.")
@click.option("--markdown", is_flag=True, help="Print Markdown; with --points, the page docs/paper.md.")
@json_option
def command(name: str | None, points: Path | None, markdown: bool, as_json: bool) -> None:
    """Compare published numbers with ours: Hoffmann et al. 2022, table by table, and the systems it discusses."""
    if markdown and as_json:
        raise InputError("paper: expected one of --markdown and --json")
    found = all_sections(points) if name is None else (section(name, points),)
    if as_json:
        print_json({"sections": {one.name: one.as_json() for one in found}})
    elif markdown:
        click.echo(paper_markdown(found), nl=False)
    else:
        for one in found:
            print_section(one, whole=name is not None)
