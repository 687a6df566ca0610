"""A comparison in three lines: what `repr` prints, with interval, grade and what it rests on."""

from __future__ import annotations

from isoflop.codes import grade_of
from isoflop.compare import Comparison
from isoflop.report.comparison_audit import differing
from isoflop.report.comparison_words import AXIS_NOTES, headline, percent_text, short_name
from isoflop.units import format_number

_MOST_NAMED = 4


def comparison_lines(comparison: Comparison) -> tuple[str, str, str]:
    """The answer; the runs it rests on and what differs between the recipes; the noise floor and the grade."""
    cells = {(cell.params, cell.tokens) for one in comparison.sets for cell in one.cells}
    names = [short_name(one.name, comparison.sets) for one in comparison.sets]
    listed = ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" if names[_MOST_NAMED:] else "")
    differs = [one.what for one in differing(comparison)]
    count = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}"
    return (
        headline(comparison),
        f"along {AXIS_NOTES[comparison.axis]}, {count}, on {listed or 'no set'}; "
        + (f"differs in {', '.join(differs[:_MOST_NAMED])}" if differs else "nothing that was recorded differs"),
        f"{_noise(comparison)}; {_grade(comparison)}",
    )


def _noise(comparison: Comparison) -> str:
    floor = comparison.noise
    if floor is None:
        return "noise between seeds not known"
    one = floor.smallest_gain.get(1)
    shown = "" if one is None else f", one pair shows {percent_text(one)} of the loss"
    return f"noise {format_number(floor.sd)} between seeds ({floor.runs} runs){shown}"


def _grade(comparison: Comparison) -> str:
    grade = grade_of(notice.code for notice in comparison.notices)
    return f"{grade.word} ({', '.join(grade.codes)})" if grade.codes else grade.word
