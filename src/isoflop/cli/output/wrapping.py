"""Text broken between words at the width of a terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import TextIO

WIDEST = 100
"""Columns of the longest lines that are easy to read."""


def wrapped(text: str, width: int) -> str:
    """Returns the lines of `text`, those longer than `width` or WIDEST columns broken between words.

    What follows a break is indented by two more columns; a word longer than a line, such as a path, stays whole.
    """
    return "\n".join(_broken(line, min(width, WIDEST)) for line in text.split("\n"))


def wrapped_for(stream: TextIO, text: str) -> str:
    """Returns `text` for that stream: wrapped at the width of a terminal, as it is elsewhere."""
    return wrapped(text, shutil.get_terminal_size().columns) if stream.isatty() else text


def _broken(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.fill(line, width=width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
