"""`isoflop score`: the sealed forecast against what happened."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.scored import INSIDE, sealed_words
from isoflop.cli.output.tables import print_facts, print_json, print_notices
from isoflop.errors import InputError
from isoflop.study import open_study
from isoflop.study.analysis_stages import score_forecast
from isoflop.study.seals import check_planned, data_notices, read_seals
from isoflop.sweep import Design
from isoflop.units import percent


@verb("isoflop score mine", "isoflop score mine --json")
@click.argument("directory", type=PATH)
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Score the sealed forecast of the study in DIRECTORY against the planned run.

    A forecast that was sealed after that run began does not count, and is marked so.
    """
    study = open_study(directory)
    if not study.folder.final_design.exists():
        raise InputError(f"{directory}: no plan to score; continue with `isoflop study {directory}`")
    check_planned(study.folder)
    found = score_forecast(study, Design.load(study.folder.final_design))
    seals = read_seals(study.folder)
    sweep = Design.load(study.folder.sweep) if study.folder.sweep.exists() else None
    data = data_notices(study.folder, sweep) if sweep else ()
    notices = (*seals.notices, *data)
    print_notices(notices)
    if as_json:
        warnings = [notice.as_json() for notice in notices]
        print_json({**found.as_json(), **seals.as_json(), "sealed": seals.sealed.sealed, "warnings": warnings})
        return
    print_facts(
        [
            ("forecast", f"{found.predicted:.4f} nats a token"),
            ("sealed", sealed_words(seals)),
            ("measured", f"{found.actual:.4f} nats a token"),
            ("error", f"{percent(found.error, 2, sign=True)}, {INSIDE[found.inside]}"),
        ]
    )
