"""`isoflop seal`: the digest of a sealed forecast, where a third party can check it."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.verb import json_option, verb
from isoflop.cli.output.tables import print_facts, print_json, print_notices
from isoflop.codec import to_json
from isoflop.errors import InputError
from isoflop.plan import SealedForecast, SealOrder, load_forecast, seal_order
from isoflop.plan.witness import Witness, add_witness, check_witness
from isoflop.report.formatting import moment
from isoflop.runs.folder import RunFolder
from isoflop.study import StudyFolder


@verb("isoflop seal mine --to git", "isoflop seal mine --to digests.txt --check")
@click.argument("forecast", metavar="FORECAST|DIRECTORY", type=click.Path(path_type=Path))
@click.option(
    "--to", metavar="FILE|git", help="Append the digest to this file, or to a git note of HEAD in this repository."
)
@click.option("--check", is_flag=True, help="Only check that --to contains the digest; exit with 3 where it does not.")
@json_option
def command(forecast: Path, to: str | None, check: bool, as_json: bool) -> None:
    """Show the digest of a sealed forecast, and whether it was sealed before its run; publish it where others can look.

    FORECAST is a file such as study/forecasts/final.json, or the folder of a study or of a planned run.
    """
    if check and to is None:
        raise InputError("seal: --check needs --to FILE or --to git")
    path = _file_of(forecast)
    sealed = load_forecast(path)
    order = seal_order(sealed, _run_of(path, sealed))
    found = None
    if to is not None:
        found = check_witness(sealed, to) if check else add_witness(sealed, to)
    print_notices(order.notices())
    if as_json:
        print_json(_as_json(sealed, order, found))
        return
    facts = [
        ("Digest", sealed.digest),
        ("Sealed", f"{moment(sealed.sealed)}, {order.words}"),
        ("Run", sealed.forecast.run_id or "not named"),
        ("Data", sealed.forecast.observations_digest or "none: a published law"),
    ]
    if found is not None:
        facts.append(("Written to" if found.added else "Stands in", found.place))
    print_facts(facts)


def _file_of(given: Path) -> Path:
    """The forecast's file. Raises InputError where a folder has none."""
    if not given.is_dir():
        return given
    path = StudyFolder(given).forecast
    if not path.exists():
        raise InputError(f"{given}: no sealed forecast; `isoflop study` and `isoflop run` seal one")
    return path


def _run_of(path: Path, sealed: SealedForecast) -> RunFolder | None:
    """The run of a forecast that lies in its study's forecasts/."""
    name = sealed.forecast.run_id
    return None if name is None else RunFolder(path.absolute().parent.parent / "runs" / name)


def _as_json(sealed: SealedForecast, order: SealOrder, found: Witness | None) -> dict[str, object]:
    return {
        "digest": sealed.digest,
        "sealed": sealed.sealed,
        "run_id": sealed.forecast.run_id,
        "observations_digest": sealed.forecast.observations_digest,
        "fit_digest": sealed.forecast.fit_digest,
        "sealed_before_run": order.before,
        "seal_order": to_json(order),
        "witness": None if found is None else {"place": found.place, "line": found.line, "added": found.added},
    }
