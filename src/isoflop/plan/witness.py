"""The digest of a forecast where others can look: a line in a file, or a git note, of the user's.

A digest in the study's own folder can be rewritten by whoever owns the folder. In a repository that is pushed, in a
file on another machine or in a mail it cannot: a third party checks that the digest was known before the run, and that
the forecast shown later is that one.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from isoflop.errors import InputError, RefusedError
from isoflop.files import storing
from isoflop.plan.sealed_forecast import SealedForecast

GIT = "git"
"""Stands for a note in the repository, in place of a file."""
NOTES = "isoflop"
"""The notes are those of refs/notes/isoflop."""
_LARGEST_FILE = 2**26  # bytes: a file of lines like ours is far smaller, and what is larger is another file


@dataclass(frozen=True, kw_only=True)
class Witness:
    """The place where a digest is written down."""

    place: str
    """The file and line, or the commit that bears the note."""
    line: str
    """The line there."""
    added: bool
    """Whether this call wrote it."""


def witness_line(sealed: SealedForecast) -> str:
    """The line of a forecast: its digest first, as `sha256sum` writes it, then run and time of sealing."""
    when = datetime.fromtimestamp(sealed.sealed, UTC).isoformat(timespec="seconds")
    return f"{sealed.digest}  isoflop forecast of run {sealed.forecast.run_id or 'not named'}, sealed {when}"


def add_witness(sealed: SealedForecast, to: str) -> Witness:
    """Appends the digest of `sealed` to the file `to`, or with `git` to a note of HEAD, unless it is there already.

    Raises InputError where the file cannot be written, or there is no repository with a commit here.
    """
    existing = _look(sealed, to)
    if existing is not None:
        return existing
    line = witness_line(sealed)
    if to == GIT:
        commit = _git("rev-parse", "--verify", "HEAD").strip()
        _git("notes", f"--ref={NOTES}", "append", "-m", line, commit)
        return Witness(place=f"a note of commit {commit}", line=line, added=True)
    path = Path(to)
    data = f"{line}\n".encode()
    with storing(path, len(data)):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o644)
        with open(descriptor, "ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a last line without an end must not swallow ours
                    data = b"\n" + data
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    return Witness(place=str(path), line=line, added=True)


def check_witness(sealed: SealedForecast, to: str) -> Witness:
    """Where the digest of `sealed` stands in the file `to`, or with `git` in the notes of the repository here.

    Raises RefusedError `not_witnessed` where it does not.
    """
    existing = _look(sealed, to)
    if existing is None:
        where = f"the notes refs/notes/{NOTES} of this repository" if to == GIT else to
        raise RefusedError(
            "not_witnessed",
            f"{where}: no line with digest {sealed.digest}; either it was never put there, or it is another forecast",
        )
    return existing


def _look(sealed: SealedForecast, to: str) -> Witness | None:
    return _in_notes(sealed.digest) if to == GIT else _in_file(sealed.digest, Path(to))


def _in_file(digest: str, path: Path) -> Witness | None:
    if not path.exists() and not path.is_symlink():
        return None
    if path.is_symlink() or not path.is_file():
        raise InputError(f"{path}: expected a file of lines of text, and this is none; give another path with --to")
    if path.stat().st_size > _LARGEST_FILE:
        raise InputError(f"{path}: expected a file of lines, and this one is too large for that; give another path")
    try:
        lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    found = _line_of(digest, lines)
    return found and Witness(place=f"{path}, line {found[0]}", line=found[1], added=False)


def _in_notes(digest: str) -> Witness | None:
    _git("rev-parse", "--git-dir")
    for entry in _git("notes", f"--ref={NOTES}", "list", absent_is_empty=True).splitlines():
        note, _, commit = entry.partition(" ")
        found = _line_of(digest, _git("cat-file", "blob", note).splitlines())
        if found:
            when = _noted_when(digest)
            return Witness(place=f"a note of commit {commit}{when}", line=found[1], added=False)
    return None


def _noted_when(digest: str) -> str:
    """When the note was committed, by the clock of whoever did; empty where its history does not say."""
    ref = f"refs/notes/{NOTES}"
    dates = _git("log", "--reverse", "--format=%cI", f"-S{digest}", ref, "--", absent_is_empty=True).split()
    return f", written {dates[0]}" if dates else ""


def _line_of(digest: str, lines: list[str]) -> tuple[int, str] | None:
    """(number from 1, text) of the line that begins with the digest."""
    return next(((number, line) for number, line in enumerate(lines, 1) if line.split()[:1] == [digest]), None)


def _git(*arguments: str, absent_is_empty: bool = False) -> str:
    """The output of git. Raises InputError with its own message where it fails."""
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, env=environment, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise InputError("--to git: git is not installed here; give a file instead") from error
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"--to git: `git {arguments[0]}` did not answer within a minute; give a file instead"
        ) from error
    if done.returncode and not absent_is_empty:
        words = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise InputError(
            f"--to git: {words}; run it in a folder of your repository, with a commit to bear the note, or give a file"
        )
    return "" if done.returncode else done.stdout.decode(errors="replace")
