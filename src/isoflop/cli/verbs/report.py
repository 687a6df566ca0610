"""`isoflop report`: one self-contained page, of a study, of a fit alone, of two recipes compared, or of the papers."""

from __future__ import annotations

from pathlib import Path

import click

from isoflop.cli.options.types import OUT, PATH
from isoflop.cli.options.verb import verb
from isoflop.cli.output.tables import say
from isoflop.errors import InputError
from isoflop.report.html import write_page
from isoflop.report.pages import fit_page, papers_page, study_page
from isoflop.report.panel import Page

_DRAWS = 1000
"""Resamples of the fit of Figure 4 that is drawn; the section of Figure 4 has 4,000."""


@verb("isoflop report mine", "isoflop report fit.json --out fit.html", "isoflop report --compare adamw.csv muon.csv")
@click.argument("directory", metavar="DIRECTORY|FIT", required=False, type=PATH)
@click.option("--compare", "sides", nargs=2, metavar="A B", help="Report B held against A, as `isoflop compare A B`.")
@click.option("--fit", type=PATH, help="The same as FIT: a fit from `isoflop fit FILE --out FIT`.")
@click.option("--paper", is_flag=True, help="Report the comparison of published numbers with ours (`isoflop paper`).")
@click.option("--points", type=PATH, help="With --paper: the points of Figure 4, to fit them again.")
@click.option(
    "--out",
    type=OUT,
    help="File to write. [DIRECTORY/report.html, FIT with .html, compare.html or paper.html]",
)
def command(
    directory: Path | None,
    sides: tuple[str, str] | None,
    fit: Path | None,
    paper: bool,
    points: Path | None,
    out: Path | None,
) -> None:
    """Write the report of the study in DIRECTORY (finished or not), of the fit in the file FIT, of two recipes, or of
    the papers.

    The page is one file that contains everything it shows and loads nothing.
    """
    if (directory is not None) + (fit is not None) + paper + (sides is not None) != 1:
        raise InputError(
            "report: expected either DIRECTORY, a study, or FIT, made by `isoflop fit FILE --out FIT`, or "
            "--compare A B, or --paper"
        )
    if directory is not None and directory.is_file():
        directory, fit = None, directory
    if points is not None and not paper:
        raise InputError("report: --points goes with --paper")
    if paper:
        page, place = _of_papers(points)
    elif sides is not None:
        page, place = _of_two(sides)
    else:
        page, place = _of_fit(fit) if fit is not None else _of_study(Path(str(directory)))
    target = out or place
    if target in (fit, points):
        raise InputError(f"{target}: the page would replace the file that it is made from; choose another --out")
    if target.is_dir():
        raise InputError(f"{target}: expected a file to write, got a folder")
    if not target.parent.is_dir():
        raise InputError(f"{target.parent}: no such folder; create it, or choose another --out")
    say(str(write_page(page, target)))


def _of_papers(points: Path | None) -> tuple[Page, Path]:
    from isoflop.fit import fit_all
    from isoflop.paper import all_sections
    from isoflop.paper.refit import read_points

    refit = None if points is None else fit_all(read_points(points)[0], draws=_DRAWS)
    return papers_page({section.name: section for section in all_sections(points)}, refit), Path("paper.html")


def _of_two(sides: tuple[str, str]) -> tuple[Page, Path]:
    from isoflop.compare import CompareOptions, SourceOptions, compare_named
    from isoflop.report.comparison_page import comparison_page

    (found,) = compare_named(sides, SourceOptions(), CompareOptions())
    return comparison_page(found), Path("compare.html")


def _of_fit(file: Path) -> tuple[Page, Path]:
    from isoflop.fit import FitReport

    if file.is_dir():
        raise InputError(
            f"--fit {file}: expected a file, got a folder; the report of a study is: isoflop report {file}"
        )
    return fit_page(FitReport.load(file), file.name), file.with_suffix(".html")


def _of_study(directory: Path) -> tuple[Page, Path]:
    from isoflop.study import StudyFolder, study_record

    folder = StudyFolder(directory)
    return study_page(study_record(folder)), folder.report
