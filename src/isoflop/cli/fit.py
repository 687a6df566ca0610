"""`isoflop fit`: scaling laws fitted to the runs in a table, by three approaches, side by side."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.arch import FLOPS_CONVENTIONS, PARAMS_CONVENTIONS
from isoflop.cli.answer import print_json, print_notices
from isoflop.cli.fit_output import print_fit
from isoflop.cli.options import EXISTING_FILE, json_option
from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.fit import FitReport, fit_all
from isoflop.observations import read_observations
from isoflop.plan import fitted_source, observed_cost


@click.command()
@click.argument("file", type=EXISTING_FILE)
@click.option("--out", type=click.Path(path_type=Path), help="Write the fit here, for `isoflop plan --fit`.")
@click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Name a column, e.g. loss=val_ce.")
@click.option("--params-convention", type=click.Choice(PARAMS_CONVENTIONS), default="total", show_default=True)
@click.option("--flops-convention", type=click.Choice(FLOPS_CONVENTIONS), default="six_n", show_default=True)
@click.option("--loss-unit", default="nats_per_token", show_default=True, help="Unit of the losses, carried through.")
@click.option("--draws", type=click.IntRange(min=0), default=4000, show_default=True, help="Bootstrap refits; 0: none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the bootstrap.")
@click.option(
    "--delta", default="published", show_default=True, help="Huber's delta: published (1e-3), auto, a number."
)
@json_option
def command(
    file: Path,
    out: Path | None,
    columns: tuple[str, ...],
    params_convention: str,
    flops_convention: str,
    loss_unit: str,
    draws: int,
    seed: int,
    delta: str,
    as_json: bool,
) -> None:
    """Fit scaling laws to the runs in FILE (CSV, JSON Lines, Parquet), by three approaches.

    A row is a run: its parameters, tokens or FLOPs, and loss, under any of the usual column names. FILE may also be the
    folder of a study: its sweep is fitted as `isoflop study` does, whatever the other options, and kept there.
    """
    if file.is_dir():
        report = _of_study(file)
    else:
        observations = read_observations(
            file,
            columns=dict(_pair(text) for text in columns),
            params_convention=params_convention,
            flops_convention=flops_convention,
            loss_unit=loss_unit,
        )
        report = fit_all(observations, cost=observed_cost(observations), draws=draws, seed=seed, delta=_delta(delta))
    if out is not None and any(fit.ok for fit in report.fits.values()):
        if not out.parent.is_dir():
            raise InputError(f"--out: no such folder: {out.parent}")
        with storing(out):
            report.save(out)
    if as_json:
        for fit in report.fits.values():
            print_notices(fit.warnings)
        print_json(report.as_json())
    else:
        print_fit(report, file)
    fitted_source(report)  # refuses, with the reasons, where no approach has a law


def _of_study(directory: Path) -> FitReport:
    from isoflop.corpus import load_corpus
    from isoflop.study import open_study
    from isoflop.study.analysis import fit
    from isoflop.sweep import Design

    study = open_study(directory)
    if not study.folder.sweep.exists():
        raise InputError(f"{directory}: no sweep to fit yet; train one with `isoflop sweep {directory} --go`")
    recipe = study.recipe(load_corpus(study.folder.corpus).vocab_size)
    return fit(study, recipe, Design.load(study.folder.sweep))


def _pair(text: str) -> tuple[str, str]:
    field, found, column = text.partition("=")
    if not found or not field or not column:
        raise InputError(f"--column: expected FIELD=COLUMN such as loss=val_ce, got {text!r}")
    return field, column


def _delta(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text  # `published`, `auto`, or a word that the fit refuses with the list of those it knows
