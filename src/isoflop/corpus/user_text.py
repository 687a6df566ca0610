"""Domains of files and folders of the user's own, and what of a folder is not read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from isoflop.corpus.binary import COMPRESSED
from isoflop.corpus.documents import Domain, Reader, SourceFile
from isoflop.corpus.read import Layout, read_jsonl, read_parquet, read_text
from isoflop.corpus.read_json import read_json
from isoflop.errors import InputError, Notice
from isoflop.units import format_bytes, percent

TEXT_SUFFIXES = (".txt", ".text", ".md", ".rst")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
PARQUET_SUFFIXES = (".parquet",)
READABLE = (*TEXT_SUFFIXES, *JSONL_SUFFIXES, *PARQUET_SUFFIXES)
"""File name endings that `--text` takes from a folder; the first two kinds compressed too."""
ON_REQUEST = (".json", ".py", ".pyi", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cu", ".cs", ".go", ".rs",
             ".java", ".kt", ".scala", ".swift", ".m", ".js", ".mjs", ".jsx", ".ts", ".tsx", ".rb", ".php", ".pl",
             ".lua", ".r", ".jl", ".sh", ".bash", ".sql", ".hs", ".ml", ".ex", ".exs", ".erl", ".clj", ".lisp", ".el",
             ".vim", ".f90", ".pas", ".zig", ".dart", ".tex", ".html", ".css")  # fmt: skip
"""Endings that are read where the file itself is named, or its ending by --text-suffix: JSON and program sources."""
_MOST_SHOWN = 6


@dataclass(kw_only=True)
class _Skipped:
    """What of a folder is not read: files by kind, folders that are links or not readable, hidden names."""

    kinds: dict[str, list[int]] = field(default_factory=dict)
    """{ending: [files, bytes]}"""
    linked: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    hidden: int = 0

    def add(self, kind: str, size: int) -> None:
        """Count a file of `size` bytes."""
        count_and_bytes = self.kinds.setdefault(kind, [0, 0])
        count_and_bytes[0] += 1
        count_and_bytes[1] += size

    @property
    def bytes(self) -> int:
        return sum(size for _, size in self.kinds.values())

    def words(self) -> str:
        """The kinds in words, those of most bytes first."""
        kinds = sorted(self.kinds.items(), key=lambda item: (-item[1][1], item[0]))
        parts = [f"{_files(count)} {ending} ({format_bytes(size)})" for ending, (count, size) in kinds[:_MOST_SHOWN]]
        if more := sum(count for _, (count, _) in kinds[_MOST_SHOWN:]):
            parts.append(f"{_files(more)} of other kinds")
        if self.linked:
            names = ", ".join(self.linked[:3]) + (" and others" if len(self.linked) > 3 else "")
            parts.append(f"linked folders, which are not followed ({names})")
        if self.closed:
            parts.append(f"folders that may not be read ({', '.join(self.closed[:3])})")
        if self.hidden:
            parts.append(f"hidden files and folders ({self.hidden:,})")
        return ", ".join(parts)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _ending(path: Path) -> str:
    """The name of a kind of file in messages."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:] if re.fullmatch(r"\.\w{1,10}", suffix)]
    if len(suffixes) == 2 and suffixes[1] not in COMPRESSED:
        del suffixes[0]
    return "".join(suffixes) or "without an ending"


def suffixes_of(written: Iterable[str]) -> tuple[str, ...]:
    """The file name endings of --text-suffix, each with its dot. Raises InputError for what is no ending.

    >>> suffixes_of([".py,rs", "JSON"])
    ('.json', '.py', '.rs')
    """
    suffixes = {f".{part.strip().lstrip('.').lower()}" for text in written for part in text.split(",")}
    for suffix in suffixes:
        if not re.fullmatch(r"(\.[\w+-]{1,20}){1,3}", suffix):
            raise InputError(f"--text-suffix: expected the ending of a file name such as .py, got {suffix[1:]!r}")
    return tuple(sorted(suffixes))


def reader_of(path: Path, layout: Layout, requested: Iterable[str] = (), *, named: bool = False) -> Reader | None:
    """The reader for a file's name; None for a kind of file that is not read.

    `requested` are further endings to read, JSON as such, others as plain text. A file that the user `named` itself may
    also have no ending or one of ON_REQUEST.
    """
    name = path.name.lower()
    inner = next((name.removesuffix(end) for end in COMPRESSED if name.endswith(end)), name)
    chosen = name.endswith(tuple(requested)) or inner.endswith(tuple(requested))
    if inner.endswith(JSONL_SUFFIXES):
        return partial(read_jsonl, layout=layout)
    if name.endswith(PARQUET_SUFFIXES):
        return partial(read_parquet, layout=layout)
    if inner.endswith(".json") and (chosen or named):
        return partial(read_json, layout=layout)
    if inner.endswith(TEXT_SUFFIXES) or chosen or (named and (inner.endswith(ON_REQUEST) or "." not in inner)):
        return partial(read_text, layout=layout)
    return None


def _walk(
    root: Path, layout: Layout, requested: tuple[str, ...]
) -> tuple[list[tuple[Path, Reader]], _Skipped, int, int]:
    """(files with readers, what is skipped, bytes of the files, number of all files) below `root`, sorted by path."""
    skipped, found, size, count = _Skipped(), [], 0, 0
    for folder, names, files in os.walk(root, onerror=lambda error: skipped.closed.append(str(error.filename))):
        visible = [name for name in names if not name.startswith(".")]
        skipped.hidden += len(names) - len(visible) + sum(name.startswith(".") for name in files)
        links = [Path(folder, name) for name in visible if Path(folder, name).is_symlink()]
        skipped.linked += [os.path.relpath(link, root) for link in links]
        names[:] = sorted(visible)
        for path in (Path(folder, name) for name in files if not name.startswith(".")):
            count += 1
            reader, (regular, length) = reader_of(path, layout, requested), _size(path)
            if reader is None or not regular:
                skipped.add(_ending(path) if regular else "that is no regular file", length)
            else:
                found.append((path, reader))
                size += length
    return sorted(found, key=lambda item: item[0]), skipped, size, count


def _size(path: Path) -> tuple[bool, int]:
    """(whether it is a regular file, its bytes): reading a pipe or a device might never end."""
    try:
        status = path.stat()
    except OSError:
        return True, 0  # reported when it is read
    return stat.S_ISREG(status.st_mode), status.st_size


def _domain_name(path: Path, taken: set[str]) -> str:
    stem = path.resolve().name
    inner = next((stem[: -len(end)] for end in COMPRESSED if stem.lower().endswith(end)), stem)
    stem = inner if inner.lower().endswith(READABLE) else stem
    for suffix in sorted(READABLE, key=len, reverse=True):
        stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else stem
    base = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:40] or "text"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


def text_domains(
    paths: Iterable[Path], layout: Layout, requested: tuple[str, ...] = (), *, allow_skipped: bool = False
) -> list[Domain]:
    """One domain for each path. Raises InputError with the problems of all paths at once.

    A folder of which more bytes are skipped than read is a problem unless `allow_skipped`; fewer skipped bytes are a
    notice of its domain.
    """
    problems, domains, taken = [], [], set[str]()
    for path in sorted(set(paths), key=lambda p: str(p.resolve())):
        try:
            files, notices = _files_of(path, layout, requested, allow_skipped=allow_skipped)
        except InputError as error:
            problems.append(str(error))
            continue
        domains.append(Domain(name=_domain_name(path, taken), files=files, notices=notices))
    if problems:
        raise InputError.gathered("--text", problems)
    return domains


def _files_of(
    path: Path, layout: Layout, requested: tuple[str, ...], *, allow_skipped: bool
) -> tuple[tuple[SourceFile, ...], tuple[Notice, ...]]:
    if path.is_dir():
        found, skipped, size, count = _walk(path, layout, requested)
        if not found:
            held = f"a folder with {count} files of other kinds"
            raise InputError(f"{path}: expected {', '.join(READABLE)}, got {held}; {_what_to_do(skipped)}")
        if skipped.bytes > size and not allow_skipped:
            share = skipped.bytes / (skipped.bytes + size)
            raise InputError(
                f"{path}: {percent(share, 0)} of the bytes would be skipped: {skipped.words()}; read them with "
                "--text-suffix, name the files themselves, or continue without them with --allow-skipped"
            )
        notice = Notice(code="skipped_files", message=f"{path}: not read: {skipped.words()}; see --text-suffix")
        notices = (notice,) if skipped.words() else ()
        return tuple(
            SourceFile(path=file, label=file.relative_to(path).as_posix(), reader=reader) for file, reader in found
        ), notices
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    if not path.is_file():
        raise InputError(f"{path}: expected a file or folder, got a pipe or device; write its text to a file")
    one = reader_of(path, layout, requested, named=True)
    if one is None:
        raise InputError(
            f"{path}: expected {', '.join(READABLE)}, got another kind of file; convert the text or name another path, "
            "or read it as plain text with --text-suffix"
        )
    return (SourceFile(path=path, label=path.name, reader=one),), ()


def _what_to_do(skipped: _Skipped) -> str:
    if not skipped.kinds:
        return "convert the text or name another path"
    return f"there are {skipped.words()}: read them with --text-suffix, convert the text or name another path"
