"""Text broken between words at the width of a terminal."""

from __future__ import annotations

import textwrap

WIDEST = 100
"""Columns of the longest lines that are easy to read."""


def wrapped(text: str, width: int) -> str:
    """Returns the lines of `text`, those longer than `width` or WIDEST columns broken between words.

    What follows a break is indented by two more columns; a word longer than a line, such as a path, stays whole.
    """
    return "\n".join(_broken(line, min(width, WIDEST)) for line in text.split("\n"))


def _broken(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, width=width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
