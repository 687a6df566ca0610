"""`isoflop planner`: one page that plans in the browser, without a server."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.law import read_law
from isoflop.cli.options.types import OUT, PATH
from isoflop.cli.options.verb import verb
from isoflop.cli.output.tables import say
from isoflop.errors import InputError
from isoflop.plan.stated_budget import StatedBudget


@verb("isoflop planner '$2M'", "isoflop planner --fit fit.json -o ours.html")
@click.argument("budget", required=False)
@click.option("--fit", type=PATH, help="Start with a fit from `isoflop fit FILE --out FIT`, or a study.")
@click.option("--approach", help="Approach of the fit: parametric, isoflop or envelope. [the first with a law]")
@click.option("--out", "-o", type=OUT, default=Path("planner.html"), help="File to write. [planner.html]")
def command(budget: str | None, fit: Path | None, approach: str | None, out: Path) -> None:
    """Write a page that plans in the browser: type a budget, and size, tokens, loss, time and money follow.

    The page is one file that opens from disk, needs no server and sends nothing anywhere. Its link holds every input.
    BUDGET is what it begins with: FLOPs such as 1e21, money such as '$2M', or '512xH100 30d'.
    """
    from isoflop.report.planner.page import planner_page, write_planner_page

    if fit is None and approach is not None:
        raise InputError("--approach: needs --fit; a published law belongs to one approach")
    if out == fit:
        raise InputError(f"{out}: the page would replace the fit that it is made from; choose another --out")
    if out.is_dir():
        raise InputError(f"{out}: expected a file to write, got a folder")
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder; create it, or choose another --out")
    stated = None if budget is None else StatedBudget.parse(budget)
    page = planner_page(None if fit is None else read_law(None, fit, approach), fit, stated)
    say(str(write_planner_page(page, out)))
