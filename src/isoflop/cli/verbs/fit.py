"""`isoflop fit`: scaling laws fitted to the runs in a table, by three approaches, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import cloup
from cloup import option_group

from isoflop.arch import FLOPS_CONVENTIONS, PARAMS_CONVENTIONS
from isoflop.cli.options.logs import log_options
from isoflop.cli.options.named_values import parse_named
from isoflop.cli.options.types import DRAWS, OUT, PATH, SEED
from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.fit import print_fit
from isoflop.cli.output.fit_experts import print_expert_fit, rows_with_experts
from isoflop.cli.output.tables import print_json, print_notices, say
from isoflop.errors import InputError, Notice
from isoflop.files import storing
from isoflop.fit import FitReport, fit_all
from isoflop.fit.draws_file import check_beside
from isoflop.fit.experts import fit_experts
from isoflop.logs.fit_source import FitSource
from isoflop.logs.stated import stated_sizes, stated_tokens
from isoflop.observations import DECIMAL_MARKS, LOSS_UNITS, SCHEDULES, Observations, ReadOptions
from isoflop.plan import fitted_source, observed_cost


@verb(
    "isoflop fit runs.csv --out fit.json --report fit.html",
    "isoflop fit runs.csv --where optimizer=adamw",
)
@click.argument("file", type=PATH)
@option_group(
    "Reading the table",
    cloup.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Column of a field (loss=val_ce, params=size), or one number for every row (tokens=130e9). Repeatable.",
    ),
    cloup.option(
        "--where",
        multiple=True,
        metavar="COLUMN=VALUE",
        help="Use only these rows; also !=, <, <=, > and >=. Repeatable.",
    ),
    cloup.option(
        "--scale",
        multiple=True,
        metavar="FIELD=UNIT",
        help="Unit of a field's plain numbers: params=1e6, tokens=billions, flops=log10. Repeatable.",
    ),
    cloup.option(
        "--decimal", type=click.Choice(DECIMAL_MARKS), help="Decimal mark of the numbers. [read from the file]"
    ),
    cloup.option("--keep-all", is_flag=True, help="Keep every row with the same N and D, instead of the best setting."),
    cloup.option("--pooled", is_flag=True, help="Fit runs of several conditions (data sets, recipes) as one."),
    cloup.option("--optima", is_flag=True, help="Treat rows as compute-optimal points: fit N and D against C alone."),
)
@log_options
@option_group(
    "Conventions",
    cloup.option(
        "--params-convention",
        metavar="CONVENTION",
        type=click.Choice(PARAMS_CONVENTIONS),
        help=f"Parameters that N counts: {', '.join(PARAMS_CONVENTIONS)}. [total, as an assumption]",
    ),
    cloup.option(
        "--flops-convention",
        metavar="CONVENTION",
        type=click.Choice(FLOPS_CONVENTIONS),
        help=f"FLOPs that C counts: {', '.join(FLOPS_CONVENTIONS)}. [six_n, as an assumption]",
    ),
    cloup.option(
        "--loss-unit",
        metavar="UNIT",
        type=click.Choice(LOSS_UNITS),
        help=f"Unit of the losses: {', '.join(LOSS_UNITS)}. [nats_per_token, as an assumption]",
    ),
    cloup.option(
        "--schedule",
        type=click.Choice(SCHEDULES),
        help="Learning-rate schedule of a row: matched (the end of its own schedule), constant (a checkpoint at a "
        "constant rate) or unmatched (a point of a longer schedule). [unknown]",
    ),
)
@option_group(
    "Fitting",
    cloup.option("--draws", type=DRAWS, default=4000, help="Number of bootstrap refits; 0 for none. [4000]"),
    cloup.option("--seed", type=SEED, default=0, help="Random seed of the bootstrap. [0]"),
    cloup.option(
        "--delta",
        default="published",
        help="Delta of the Huber loss: published (1e-3), auto, or a number. [published]",
    ),
)
@option_group(
    "Output",
    cloup.option("--out", type=OUT, help="Save the fit here, for `isoflop plan --fit`."),
    cloup.option("--report", "page", type=OUT, help="Write its report here, one HTML page."),
)
@json_option
def command(
    file: Path,
    out: Path | None,
    page: Path | None,
    columns: tuple[str, ...],
    where: tuple[str, ...],
    scale: tuple[str, ...],
    params_of: tuple[str, ...],
    tokens_per_step: tuple[str, ...],
    draws: int,
    seed: int,
    delta: str,
    pooled: bool,
    as_json: bool,
    **stated: Any,
) -> None:
    """Fit scaling laws to the runs in FILE (CSV, JSON Lines, JSON, Parquet), by three approaches.

    Each row is a run: its parameters, its tokens or FLOPs, and its loss, under any of the usual column names. FILE may
    also be a training log or a folder of logs: the last point of each finished run is a row. Of the folder of a study
    the sweep is fitted as `isoflop study` does, and the fit is saved there.
    """
    options = ReadOptions(
        columns=parse_named(columns, "--column", "FIELD=COLUMN such as loss=val_ce"),
        scale=parse_named(scale, "--scale", "FIELD=UNIT such as params=1e6 or tokens=billions"),
        where=where,
        **stated,
    )
    _check_targets(file, out, page)  # before the work, not after it
    notices: tuple[Notice, ...] = ()
    if (file / "study.toml").is_file():
        if options != ReadOptions(where=()):
            raise InputError(f"{file}: the sweep of a study needs no options for reading; those are for tables")
        report = _of_study(file)
    elif options == ReadOptions(where=()) and (rows := rows_with_experts(file)) is not None:
        if out is not None or page is not None:
            raise InputError("fit: --out and --report are for laws of N and D; a table of experts is only printed")
        print_expert_fit(fit_experts(rows), file, as_json=as_json)
        return
    else:
        source = FitSource(file, params=stated_sizes(params_of), tokens_per_step=stated_tokens(tokens_per_step))
        report = _of_rows(source, options, draws=draws, seed=seed, delta=_delta(delta), pooled=pooled)
        notices = report.observations.notices
    if out is not None and report.fitted:
        with storing(out):
            report.save(out)
    if page is not None and report.fitted:
        _write_report(report, page, file.name)
    if as_json:
        from isoflop.report.panels.best_size import size_notices

        print_notices([*notices, *report.notices, *size_notices(report)])
        print_json(report.as_json() | report.grades_as_json())
    else:
        print_fit(report, file)
    fitted_source(report)  # refuses, with the reasons, where no approach has a law


def _of_rows(
    source: FitSource, options: ReadOptions, *, draws: int, seed: int, delta: str | float, pooled: bool
) -> FitReport:
    """The fit of a table or of logs; where its runs are of several conditions, each is read again alone."""
    observations = source.observations(options)

    def condition(where: Mapping[str, str]) -> Observations:
        chosen = (f"{column}={word}" for column, word in where.items())
        return source.observations(replace(options, where=(*options.where, *chosen)))

    return fit_all(
        observations,
        cost=observed_cost(observations),
        draws=draws,
        seed=seed,
        delta=delta,
        optima=options.optima,
        pooled=pooled,
        read=condition,
    )


def _check_targets(file: Path, out: Path | None, page: Path | None) -> None:
    """Raises InputError where the fit or its page cannot be written, or would replace the table."""
    for option, target in (("--out", out), ("--report", page)):
        if target is not None and not target.parent.is_dir():
            raise InputError(f"{option}: no such folder: {target.parent}")
        if target is not None and target.exists() and file.exists() and target.samefile(file):
            raise InputError(f"{option} {target}: would replace the table itself; choose another name")
    if out is not None:
        check_beside(out)


def _write_report(report: FitReport, page: Path, title: str) -> None:
    """Writes the page of the fit, and says so on stderr: stdout has the answer."""
    from isoflop.report.html import write_page
    from isoflop.report.pages import fit_page

    say(f"the report is {write_page(fit_page(report, title), page)}", err=True)


def _of_study(directory: Path) -> FitReport:
    from isoflop.corpus import load_corpus
    from isoflop.study import Listener, open_study
    from isoflop.study.analysis_stages import fit
    from isoflop.sweep import Design

    class NoticesOnly(Listener):
        """Prints notices and nothing else."""

        def notice(self, notice: Notice) -> None:
            """Prints the notice on stderr."""
            print_notices([notice])

    study = open_study(directory, NoticesOnly())
    if not study.folder.sweep.exists():
        raise InputError(f"{directory}: no sweep to fit; train one with `isoflop sweep {directory} --go`")
    recipe = study.recipe(load_corpus(study.folder.corpus).vocab_size)
    return fit(study, recipe, Design.load(study.folder.sweep))


def _delta(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text  # `published`, `auto`, or a word that the fit refuses with the list of those it knows
