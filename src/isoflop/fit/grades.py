"""How far a fit may be relied on: one grade of the whole, and one of each approach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.codes import Grade, grade_of
from isoflop.errors import RefusedError
from isoflop.fit.result import Approach, Refused

if TYPE_CHECKING:
    from isoflop.fit.report import FitReport

AHEAD = 10.0
"""Multiple of the largest compute of the runs for which a fit's size is graded: a budget to come."""
_BENDS = "frontier_bends"


def fit_grade(report: FitReport) -> Grade:
    """Returns the grade of the best size at AHEAD times the largest compute of the runs, as a plan would take it.

    It counts what the table warns of, the preferred approach, a frontier that bends by any approach, and the forecast
    of the size. A fit without a law is not to be used, for the reasons of its refusals.
    """
    name = report.preferred
    if name is None:
        parts = report.fits.values()
        return grade_of((), refused=[part.code for part in parts if isinstance(part, Refused) and part.applicable])
    codes = [notice.code for notice in (*report.observations.notices, *report.fits[name].notices)]
    codes += [notice.code for notice in report.notices if notice.code == _BENDS]
    if isinstance(report.parametric, Refused) and report.parametric.applicable:
        codes.append("parametric_refused")
    if report.size_backtest_refused:
        codes.append("no_size_backtest")
    if report.sizes is None:
        grows = report.parametric.identified.get("a", True) if not isinstance(report.parametric, Refused) else True
        if name == "parametric" and not grows:
            codes.append("optimum_not_identified")
        return grade_of(codes)
    try:
        ahead = report.sizes.at(AHEAD * report.flops_range[1])
    except RefusedError as error:
        return grade_of(codes, refused=[error.code])
    return grade_of([*codes, *(notice.code for notice in ahead.notices)])


def approach_grades(report: FitReport) -> dict[Approach, Grade]:
    """Returns {approach: its grade}, by its own notices and those of the table.

    A refused approach is not to be used; one for which data of its kind were not given is left out.
    """
    of_table = [notice.code for notice in report.observations.notices]
    grades: dict[Approach, Grade] = {}
    for name, part in report.fits.items():
        codes = [*of_table, *(notice.code for notice in part.notices)]
        if not isinstance(part, Refused):
            grades[name] = grade_of(codes)
        elif part.applicable:
            grades[name] = grade_of(codes, refused=[part.code])
    return grades
