"""What a corpus is read from: files by domain, each with its reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isoflop.corpus.read import Reader
from isoflop.errors import Notice


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file to read."""

    path: Path
    label: str
    """Its name inside the package or folder: what it is called wherever it was installed."""
    reader: Reader
    sha256: str | None = None
    """What the file should hash to, where that is known."""


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A kind of text, with a validation set of its own."""

    name: str
    files: tuple[SourceFile, ...]
    notices: tuple[Notice, ...] = ()
    """What of it is not read."""
