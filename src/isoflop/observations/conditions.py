"""Columns that may tell rows of different conditions apart: data sets, tokenizers, architectures, recipes."""

from __future__ import annotations

import re

from isoflop.arrays import Labels
from isoflop.observations.parsing import Words
from isoflop.observations.repeats import MEASURED, SETTING, few_valued_columns, spaced
from isoflop.observations.values import Values

_MOST_VALUES = 24
# Fields that are read, and that losses of different values cannot be compared across.
_FIELDS = ("schedule", "vocab_size")


def condition_columns(values: Values, run: Words, at: Labels) -> dict[str, tuple[str, ...]]:
    """{column: its words in the rows `at`} of few values, each in two rows or more on average.

    Numbers count only under the name of a setting: others are measurements, such as an accuracy.
    """
    found = {}
    for name, labels in few_valued_columns(values, run, at):
        words = _words(values, name, at)
        named = SETTING.search(spaced(name)) or MEASURED.search(spaced(name))
        if int(labels.max()) < _MOST_VALUES and (named or not all(map(_is_number, words))):
            found[name] = words
    for field in _FIELDS:
        if field in values.mapping:
            name = values.mapping[field].column
            if name in values.table.columns and 1 < len(set(words := _words(values, name, at))) <= _MOST_VALUES:
                found[name] = words
    return found


def _words(values: Values, column: str, at: Labels) -> tuple[str, ...]:
    cells = values.table.columns[column]
    return tuple(str(cells[i]) for i in at.tolist())


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text)) or text in ("", "nan", "None")
