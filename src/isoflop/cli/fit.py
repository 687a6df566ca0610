"""`isoflop fit`: scaling laws fitted to the runs in a table, by three approaches, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from isoflop.arch import FLOPS_CONVENTIONS, PARAMS_CONVENTIONS
from isoflop.cli.answer import print_facts, print_json, print_notices, print_table
from isoflop.cli.options import EXISTING_FILE, json_option
from isoflop.errors import InputError
from isoflop.files import storing
from isoflop.fit import LEVEL, Fit, FitReport, fit_all
from isoflop.observations import read_observations
from isoflop.plan import fitted_source, observed_cost
from isoflop.units import format_flops, format_quantity

_TITLES = {"parametric": "3 parametric", "isoflop": "2 isoFLOP", "envelope": "1 envelope"}


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
    for fit in report.fits.values():
        print_notices(fit.warnings)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report, file)
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


def _print(report: FitReport, file: Path) -> None:
    seen: dict[str, Any] = report.observations
    conventions = f"N {seen['params_convention']}, C {seen['flops_convention']}, loss in {seen['loss_unit']}"
    facts = [("Rows", f"{seen['rows_used']} used of {seen['rows_read']}"), ("Conventions", conventions)]
    facts += [(f"Row {item['row']} left out", item["reason"]) for item in seen["dropped"][:10]]
    if len(seen["dropped"]) > 10:
        facts.append(("", f"and {len(seen['dropped']) - 10} more (--json lists all)"))
    print_facts(facts, title=str(file))
    click.echo()
    flops = report.flops_range[1]
    print_table(
        ["Approach", "a", f"{LEVEL:.0%} interval", f"N at {format_flops(flops)}", "status"],
        [_row(name, fit, flops) for name, fit in report.fits.items()],
        text=(0, 4),
    )
    if report.parametric.ok:
        click.echo()
        print_table(
            ["Constant", "value", f"{LEVEL:.0%} interval"],
            [
                [name, f"{value:.4g}", _interval(report.parametric, name)]
                if report.parametric.details.get("identified", {}).get(name, True)
                else [name, "not identified", ""]
                for name, value in report.parametric.require().constants().items()
            ],
        )


def _row(name: str, fit: Fit, flops: float) -> list[str]:
    if not fit.ok or fit.exponents is None:
        return [_TITLES[name], "-", "-", "-", f"{fit.status.replace('_', ' ')}: {fit.reason}"]
    size = format_quantity(fit.optimum(flops)[0])
    return [_TITLES[name], f"{fit.exponents[0]:.3f}", _interval(fit, "a"), size, "ok"]


def _interval(fit: Fit, name: str) -> str:
    if name not in fit.intervals:
        return "-"
    low, high = fit.intervals[name]
    return f"{low:.4g} to {high:.4g}"
