"""A comparison as the object that `isoflop compare --json` prints."""

from __future__ import annotations

from isoflop.codec import JsonObject, fields_to_json, to_json
from isoflop.codes import grade_of
from isoflop.compare import Comparison
from isoflop.report.comparison_words import headline


def comparison_json(comparison: Comparison) -> JsonObject:
    """The fields of the comparison, its answer in a sentence, its grade, and its warnings."""
    return {
        **fields_to_json(comparison),
        "answer": headline(comparison),
        "grade": to_json(grade_of(notice.code for notice in comparison.notices)),
        "warnings": to_json(comparison.notices),
    }
