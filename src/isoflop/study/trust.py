"""Whose a study or plan is, and what it would have run here: shell lines of jobs, and a cluster of somebody's choice.

A study that isoflop began on this machine for this user is the user's own; one that was received, copied or moved is
not, until it is trusted once. What is known of this lies outside of studies, in the user's own folder: one small file a
study, with its path and the number of its folder on the disk, so that another put in its place is another.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from isoflop.errors import InputError, Notice, RefusedError
from isoflop.files import write_json_atomically
from isoflop.regular_files import read_regular
from isoflop.runs.engines.settings import EngineSettings
from isoflop.runs.registry import settings_of, starter_of
from isoflop.state_folder import private_folder, state_home

_FOLDER = "trusted"


def remember(path: Path) -> None:
    """Notes that the study folder or plan file at `path` is the user's own. Raises InputError where that cannot be."""
    entry = {"path": str(path.resolve()), "folder": _folder_number(path), "since": time.time()}
    write_json_atomically(private_folder(_FOLDER) / _name(path), entry)


def remember_begun(path: Path) -> None:
    """As `remember`, of what isoflop has just made; nothing where the user's folder takes no files.

    Then a study that runs commands has to be trusted once, and any other needs no trust.
    """
    with suppress(InputError, OSError):
        remember(path)


def is_own(path: Path) -> bool:
    """Whether the study folder or plan file at `path` was made here, or has been trusted."""
    try:
        entry = json.loads(read_regular(state_home() / _FOLDER / _name(path)))
        return bool(entry["path"] == str(path.resolve()) and entry["folder"] == _folder_number(path))
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return False


def _name(path: Path) -> str:
    return hashlib.sha256(bytes(path.resolve())).hexdigest()[:32] + ".json"


def _folder_number(path: Path) -> int:
    """Of the study's folder, or of that which a plan's file lies in: editors give a file a new one."""
    resolved = path.resolve()
    return (resolved if resolved.is_dir() else resolved.parent).stat().st_ino


def commands_of(engine: str, tables: Mapping[str, EngineSettings]) -> dict[str, list[str]]:
    """{table of the engine that is used: what it would have run, a line each}; empty where it runs only the trainer."""
    starter = starter_of(engine, tables)
    commands = settings_of(starter, tables).commands()
    return {starter: [f"[{starter}] {command}" for command in commands]} if commands else {}


def check_trust(path: Path, commands: list[str], notice: Callable[[Notice], None], *, trust: bool = False) -> None:
    """Names what the settings at `path`, a study's folder or a plan's file, have run; `trust` makes it the user's own.

    Raises RefusedError `untrusted_commands` where they are not, so that none of it runs.
    """
    if not commands:
        return
    if trust:
        remember(path)
    if not is_own(path):
        listed = "\n".join(f"  - {line}" for line in commands)
        raise RefusedError(
            "untrusted_commands",
            f"{path}: not begun here by you, and it would run what is not isoflop's:\n{listed}\n"
            "Where you know all of this, give --trust once, also for a study of your own that was moved or begun by an "
            "earlier version; --engine local trains here without any of it",
        )
    for line in commands:
        notice(Notice(code="runs_commands", message=f"{path} has this run: {line}"))
