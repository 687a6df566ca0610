"""`isoflop run`: do or resume what is missing of a study, or train a plan."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.own_device import OwnDevice, own_device_options
from isoflop.cli.options.study import engine_option, log_option, sbatch_option, trust_option
from isoflop.cli.options.types import PATH
from isoflop.cli.options.verb import flags, json_option, picked, verb
from isoflop.cli.output.planned import print_outcome
from isoflop.cli.output.progress import StudyProgress
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.errors import InputError
from isoflop.own_hardware import DeviceSource
from isoflop.study import open_study
from isoflop.study.lock import study_lock
from isoflop.study.pipeline import do_missing
from isoflop.study.plan_run import PlanOutcome, run_planned


@verb("isoflop run mine", "isoflop run plan.toml --engine slurm")
@click.argument("directory", metavar="DIRECTORY|PLAN.TOML", type=PATH)
@click.option("--reindex", is_flag=True, help="Only rebuild study.db from the run folders.")
@click.option("--into", type=PATH, help="Folder of a plan's run. [PLAN without .toml]")
@click.option("--allow-epochs", is_flag=True, help="For a plan: allow more than four epochs over the text.")
@engine_option
@log_option
@trust_option
@sbatch_option
@own_device_options("A device of your own, named in the plan")
@json_option
def command(
    directory: Path,
    reindex: bool,
    into: Path | None,
    allow_epochs: bool,
    engine: str | None,
    log: tuple[str, ...],
    trust: bool,
    sbatch: tuple[str, ...],
    as_json: bool,
    **options: object,
) -> None:
    """Train or resume every designed run of the study in DIRECTORY that has no result, or the run of PLAN.TOML.

    A plan's forecast is sealed before its run and scored after it. Stop at any time; run the command again to resume.
    """
    if directory.suffix == ".toml":
        if reindex:
            raise InputError("run: --reindex needs the folder of a study")
        devices = picked(OwnDevice, options).devices
        train_plan(directory, into, allow_epochs, engine, log, sbatch, devices, trust=trust, as_json=as_json)
        return
    if stated := [name for name, value in options.items() if value is not None]:
        raise InputError(f"run: {flags(stated)}: of a plan's device; a study has none")
    if into is not None or allow_epochs or as_json:
        raise InputError("run: --into, --allow-epochs and --json need a plan, a file that ends in .toml")
    _run_study(directory, reindex, engine, log, sbatch, trust)


def train_plan(
    file: Path,
    into: Path | None,
    allow_epochs: bool,
    engine: str | None,
    log: tuple[str, ...],
    sbatch: tuple[str, ...],
    devices: DeviceSource,
    *,
    trust: bool,
    as_json: bool,
) -> None:
    """Trains or resumes the plan in `file`, and prints its outcome."""
    with StudyProgress() as progress:
        outcome = run_planned(
            file,
            into or file.with_suffix(""),
            listener=progress,
            allow_epochs=allow_epochs,
            engine=engine,
            log=log,
            trust=trust,
            sbatch=sbatch,
            devices=devices,
        )
    _print_outcome(outcome, as_json)


def _run_study(
    directory: Path, reindex: bool, engine: str | None, log: tuple[str, ...], sbatch: tuple[str, ...], trust: bool
) -> None:
    if reindex:
        study = open_study(directory)
        with study_lock(directory):
            study.run_index().reindex()
        say(f"{study.folder.run_index}: {len(study.run_index().rows())} runs")
        return
    with StudyProgress() as progress:
        results = do_missing(open_study(directory, progress, engine, log, sbatch), trust=trust)
    if not results:
        click.echo("nothing to do: every designed run has its result")
        return
    failed = sum(result.status == "failed" for result in results)
    ended = f"{len(results) - failed} runs done"
    say(f"{ended}, {failed} failed: `isoflop status {directory}` shows why" if failed else ended)


def _print_outcome(outcome: PlanOutcome, as_json: bool) -> None:
    if outcome.seals is not None:
        print_notices(outcome.seals.notices)
    if as_json:
        print_json(outcome.as_json())
    else:
        print_outcome(outcome.folder, outcome.result, outcome.score, outcome.seals)
