"""The grade in the head of a page, with the warnings that set it and what would raise it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from isoflop.codes import Grade, all_codes, grade_of
from isoflop.fit import FitReport, Refused
from isoflop.report.panel import PageGrade
from isoflop.report.panels.warnings import SourcedNotice

_LINK = re.compile(r"\s*\(\[[^\]]*\]\([^)]*\)\)")
"""A reference to a page of the documentation in brackets, which a file that is passed on does not have next to it."""
_LINKED = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def study_grade(notices: Sequence[SourcedNotice], report: FitReport | None) -> PageGrade | None:
    """The grade of a study by all its warnings; None before it has a fit."""
    return None if report is None else page_grade(notices, report)


def page_grade(notices: Sequence[SourcedNotice], report: FitReport, *, of: str = "") -> PageGrade:
    """The grade of a fit, or of what is planned from it, by the `notices` of its page.

    Without a law the answer is not to be used, for the reasons of the approaches.
    """
    if not report.fitted:
        return PageGrade(word="do not use", of=of, reasons=_refusals(report))
    grade = grade_of(notice.code for _, notice in notices)
    return PageGrade(word=grade.word, of=of, reasons=_reasons(grade, notices))


def _reasons(grade: Grade, notices: Sequence[SourcedNotice]) -> tuple[tuple[str, str, str], ...]:
    """(message, code, remedy) of each code of the grade; the first message of a code stands for all of it."""
    remedies = {entry.code: entry.remedy for entry in all_codes() if entry.kind == "notice"}
    messages: dict[str, str] = {}
    for _, notice in notices:
        messages.setdefault(notice.code, notice.message)
    return tuple((_sentence(messages[code]), code, plain(remedies.get(code, ""))) for code in grade.codes)


def _refusals(report: FitReport) -> tuple[tuple[str, str, str], ...]:
    remedies = {entry.code: entry.remedy for entry in all_codes() if entry.kind == "refusal"}
    refused = [part for part in report.fits.values() if isinstance(part, Refused)]
    # Data that were not given are no reason, unless nothing else is.
    told = [part for part in refused if part.applicable] or refused
    unique = {part.code: part for part in told}
    return tuple((_sentence(part.reason), code, plain(remedies.get(code, ""))) for code, part in unique.items())


def _sentence(text: str) -> str:
    """With a capital and a full stop; a formula keeps its case."""
    head = text[:1] if text.startswith("ln ") else text[:1].upper()
    return f"{head}{text[1:].rstrip('.')}."


def plain(markdown: str) -> str:
    """A remedy of the table of codes without its Markdown.

    >>> plain("Use `--trust` ([security.md](security.md#commands)). See [fitting.md](fitting.md).")
    'Use --trust. See fitting.md.'
    """
    return _LINKED.sub(r"\1", _LINK.sub("", markdown)).replace("`", "")
