"""`isoflop score`: the sealed forecast against what happened."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.answer import print_facts, print_json
from isoflop.cli.options import PATH, json_option
from isoflop.errors import InputError
from isoflop.study import open_study
from isoflop.study.analysis import scored
from isoflop.sweep import Design

INSIDE = {True: "inside the interval", False: "outside the interval", None: "the forecast had no interval"}
"""What a score's `inside` says, for people."""


@click.command()
@click.argument("directory", type=PATH)
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Score the sealed forecast of the study in DIRECTORY against the planned run."""
    study = open_study(directory)
    if not study.folder.contest.exists():
        raise InputError(f"{directory}: nothing was planned yet; go on with `isoflop study {directory}`")
    found = scored(study, Design.load(study.folder.contest))
    if as_json:
        print_json(found.as_json())
        return
    print_facts(
        [
            ("forecast", f"{found.predicted:.4f} nats a token"),
            ("measured", f"{found.actual:.4f} nats a token"),
            ("error", f"{found.error:+.2%}, {INSIDE[found.inside]}"),
        ]
    )
