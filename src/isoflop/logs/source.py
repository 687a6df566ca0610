"""A file or folder that may be a log, as a format looks at it before anything is read."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from isoflop.errors import InputError
from isoflop.regular_files import kind_of

HEAD_BYTES = 65_536
"""Bytes of a file by which its kind is recognised."""
MOST_NAMES = 4_096
"""Entries of a folder by which its kind is recognised; a folder with more is looked at up to these."""
_GENERAL = frozenset({
    "metrics", "metric", "history", "log", "logs", "train", "train_log", "training", "output", "out", "stdout", "run",
    "results", "result", "trainer_state", "losses", "loss", "curve", "curves", "data", "wandb", "scalars",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LogSource:
    """A path, with what tells its kind. The first bytes are read once, however many formats ask."""

    path: Path
    """The file or folder."""
    root: Path
    """What the caller named: `path` itself, or a folder that it lies in."""

    @cached_property
    def is_folder(self) -> bool:
        """Whether it is a folder; a link in a folder of logs is none, see `read.py`."""
        return self.path.is_dir()

    @cached_property
    def head(self) -> bytes:
        """The first HEAD_BYTES bytes of a file, decompressed where it is gzipped; empty for a folder.

        Raises InputError for what is no regular file, or cannot be read.
        """
        if self.is_folder:
            return b""
        try:
            # O_NONBLOCK: to open a named pipe without a writer would wait for one
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                mode = os.fstat(descriptor).st_mode
                if not stat.S_ISREG(mode):
                    raise InputError(f"{self.path}: expected a log, found {kind_of(mode)}")
                first = file.read(HEAD_BYTES)
                if not first.startswith(b"\x1f\x8b"):
                    return first
                file.seek(0)
                with gzip.open(file) as packed:
                    return packed.read(HEAD_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{self.path}: cannot be read: {error}") from error

    @cached_property
    def text(self) -> str:
        """The head as text; empty where it is binary (a NUL byte, or no UTF-8)."""
        head = self.head
        marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
        encoding = next((name for mark, name in marks.items() if head.startswith(mark)), "utf-8")
        if encoding == "utf-16":
            return head[: len(head) // 2 * 2].decode(encoding, "replace")
        if b"\x00" in head:
            return ""
        try:
            return head.decode(encoding)
        except UnicodeDecodeError as error:
            # the last character may be cut in two
            cut = len(head) == HEAD_BYTES and error.start >= HEAD_BYTES - 4
            return head[: error.start].decode(encoding) if cut else ""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the entries of a folder, sorted, at most MOST_NAMES of them; empty for a file."""
        if not self.is_folder:
            return ()
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                found.append(entry.name)
                if len(found) >= MOST_NAMES:
                    break
        return tuple(sorted(found))

    @property
    def run_name(self) -> str:
        """The name of the one run in a file that names none: the file's own, or its folder's where it is general.

        >>> root = Path("logs")
        >>> LogSource(path=root / "small-1.csv", root=root).run_name
        'small-1'
        >>> LogSource(path=root / "small-1" / "logs" / "metrics.csv", root=root).run_name
        'small-1'
        """
        if self.is_folder:
            return self.path.absolute().name
        name = self.path.name.removesuffix(".gz")
        stem = name.rpartition(".")[0] or name
        if stem.lower() not in _GENERAL:
            return stem
        folders = [folder.name for folder in self.path.absolute().parents if folder.name]
        return next((name for name in folders if name.lower() not in _GENERAL), stem)

    def __str__(self) -> str:
        return str(self.path)
