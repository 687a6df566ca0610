"""The grade in the head of a page, with the warnings that set it and what would raise it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from isoflop.codes import CodeEntry, Grade, all_codes, grade_of
from isoflop.errors import Notice
from isoflop.fit import FitReport, Refused
from isoflop.report.fit_summary import forecast_ahead
from isoflop.report.panel import GradeReason, PageGrade
from isoflop.report.panels.best_size import size_notices
from isoflop.report.panels.optimum_tables import OptimaAt, fit_optima
from isoflop.report.record import StudyRecord

_REFERENCE = re.compile(r"\s*\(\[[^\]]*\]\([^)]*\)\)")
"""A page of the documentation in brackets: a report that is passed on does not have it next to it."""
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def study_grade(record: StudyRecord) -> PageGrade | None:
    """The grade of a study's plan by what it and its study warn of; before the plan that of the fit; None before both.

    Warnings of approaches that the plan does not rest on stand among the notices, and do not count.
    """
    if record.fit is None:
        return None
    if record.plan is None:
        return report_grade(record.fit, fit_optima(record.fit))
    notices = [*record.notices, *record.fit.observations.notices, *record.plan.warnings]
    return shown_grade(grade_of(notice.code for notice in notices), _messages(notices))


def report_grade(report: FitReport, optima: Sequence[OptimaAt], *, of: str = "") -> PageGrade:
    """The grade of a fit, `FitReport.grade`, with what its codes say; `of` names what is graded."""
    ahead = forecast_ahead(optima)
    notices = [*report.observations.notices, *report.notices, *size_notices(report), *(ahead.notices if ahead else ())]
    refused = {part.code: part.reason for part in report.fits.values() if isinstance(part, Refused)}
    return shown_grade(report.grade, refused | _messages(notices), of=of)


def _messages(notices: Iterable[Notice]) -> dict[str, str]:
    """{code: its first message}: the first stands for all of a code."""
    messages: dict[str, str] = {}
    for notice in notices:
        messages.setdefault(notice.code, notice.message)
    return messages


def shown_grade(grade: Grade, messages: Mapping[str, str], *, of: str = "") -> PageGrade:
    """`grade` with a reason a code: its message, or without one what the code means, and what would raise the grade."""
    # A warning before the refusal of the same name, which is what another question would get.
    entries: dict[str, CodeEntry] = {entry.code: entry for entry in reversed(all_codes())}
    reasons = []
    for code in grade.codes:
        entry = entries.get(code)
        message = messages.get(code) or (entry.means if entry else code)
        reasons.append(GradeReason(code=code, message=_sentence(message), remedy=plain(entry.remedy) if entry else ""))
    return PageGrade(word=grade.word, of=of, reasons=tuple(reasons))


def _sentence(text: str) -> str:
    """With a capital and a full stop; a formula keeps its case."""
    head = text[:1] if text.startswith("ln ") else text[:1].upper()
    return f"{head}{text[1:].rstrip('.')}."


def plain(markdown: str) -> str:
    """A remedy of the table of codes without its Markdown.

    >>> plain("Use `--trust` ([security.md](security.md#commands)). See [fitting.md](fitting.md).")
    'Use --trust. See fitting.md.'
    """
    return _LINK.sub(r"\1", _REFERENCE.sub("", markdown)).replace("`", "")
