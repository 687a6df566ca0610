"""`isoflop launch`: put a plan to work with an engine, or see what would be submitted."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.own_device import OwnDevice, own_device_options
from isoflop.cli.options.study import engine_option, log_option, sbatch_option, trust_option
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import json_option, picked, verb
from isoflop.cli.output.launch import print_dry_run
from isoflop.cli.output.tables import print_json, print_notices
from isoflop.cli.verbs.run import train_plan
from isoflop.errors import InputError
from isoflop.study.dry_run import dry_run_of


@verb("isoflop launch plan.toml --dry-run", "isoflop launch plan.toml --engine slurm")
@click.argument("plan", metavar="PLAN.TOML", type=PATH)
@engine_option
@click.option("--dry-run", is_flag=True, help="Show what would be submitted, and do nothing.")
@click.option("--into", type=PATH, help="Folder of the run. [PLAN without .toml]")
@click.option("--allow-epochs", is_flag=True, help="Allow more than four epochs over the text.")
@log_option
@trust_option
@sbatch_option
@own_device_options("A device of your own, named in the plan")
@json_option
def command(
    plan: Path,
    engine: str | None,
    dry_run: bool,
    into: Path | None,
    allow_epochs: bool,
    log: tuple[str, ...],
    trust: bool,
    sbatch: tuple[str, ...],
    as_json: bool,
    **options: object,
) -> None:
    """Train the run of PLAN.TOML with an engine, as `isoflop run PLAN.TOML` does. Run it again to resume.

    With --dry-run: show the job, its command, layout and memory per device; nothing is written or started.
    """
    if plan.suffix != ".toml":
        raise InputError(f"{plan}: expected a plan, a file that ends in .toml; `isoflop plan ... --out` makes one")
    devices, folder = picked(OwnDevice, options).devices, into or plan.with_suffix("")
    if not dry_run:
        train_plan(plan, into, allow_epochs, engine, log, sbatch, devices, trust=trust, as_json=as_json)
        return
    shown = dry_run_of(plan, folder, allow_epochs=allow_epochs, engine=engine, sbatch=sbatch, devices=devices)
    print_notices(shown.notices)
    if as_json:
        print_json(shown.as_json())
    else:
        print_dry_run(shown)
