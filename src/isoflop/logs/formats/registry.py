"""The kinds of logs, the surest sign first: the first that recognises a file or folder reads it."""

from __future__ import annotations

from isoflop.logs.formats import nested_curves, tables
from isoflop.logs.formats.format import LogFormat

FORMATS: tuple[LogFormat, ...] = (
    nested_curves.FORMAT,
    tables.FORMAT,
)  # fmt: skip
"""Folders and files with a sign of their own come first; any table comes last."""
