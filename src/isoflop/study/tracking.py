"""Trackers of a study: a separate process follows the run folders, so that no tracker's library can harm a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from select import select

from isoflop.errors import InputError, Notice
from isoflop.regular_files import make_folder
from isoflop.runs import LockedError, held
from isoflop.runs.registry import make_tracker, require_extra
from isoflop.runs.trackers.follow import Follower
from isoflop.study.folder import StudyFolder
from isoflop.study.lock import check_study_links
from isoflop.study.settings import read_settings

LOOK_SECONDS = 2.0
"""Seconds between two looks at the run folders: trackers redraw every few seconds."""
LAST_SECONDS = 30.0
"""Seconds that the last points may take to be sent, over a slow network too, when training has ended."""
LOCK_SECONDS = 30.0
"""Seconds that the follower of a killed driver may take to end."""


@dataclass(frozen=True, kw_only=True)
class SentTo:
    """What was sent to one tracker."""

    tracker: str
    where: str
    runs: int
    points: int
    failed: bool


def send(
    folder: StudyFolder,
    names: Sequence[str],
    on_warning: Callable[[str], None],
    *,
    until: Callable[[], bool] | None = None,
) -> list[SentTo]:
    """Sends what is new in the runs of `folder` to the trackers `names`, or to those of its settings; once, or, with
    `until`, again and again until that is true.

    Raises InputError where no tracker is named, one's library is missing, or there are no runs; LockedError while
    another process sends.
    """
    names = tuple(dict.fromkeys(names)) or _configured(folder)
    require_extra(*names)
    check_study_links(folder.path)
    if until is None and not folder.runs.is_dir():
        raise InputError(f"{folder.path}: no runs in this folder; begin a study with `isoflop study {folder.path}`")
    with ExitStack() as stack:
        _hold(stack, folder.tracked / "lock", LOCK_SECONDS if until else 0.0)
        project = folder.path.resolve().name
        trackers = [make_tracker(name, folder.tracked.resolve(), project) for name in names]
        follower = Follower(
            runs=folder.runs, trackers=trackers, sent_file=folder.tracked / "sent.json", on_warning=on_warning
        )
        try:
            while until is not None and not until():
                follower.look()
            follower.look()
        finally:
            follower.close()
    return [
        SentTo(tracker=tracker.name, where=tracker.where, failed=tracker.name in follower.failed, **asdict(sent))
        for tracker, sent in zip(trackers, follower.sent.values(), strict=True)
    ]


def _configured(folder: StudyFolder) -> tuple[str, ...]:
    names = read_settings(folder).log if folder.settings.exists() else ()
    if not names:
        raise InputError(f"{folder.path}: expected a tracker, such as --to tensorboard, or log = [...] in study.toml")
    return names


def _hold(stack: ExitStack, lock: Path, seconds: float) -> None:
    make_folder(lock.parent)
    deadline = time.monotonic() + seconds
    while True:
        try:
            stack.enter_context(held(lock, "the trackers of this study"))
        except LockedError:
            if time.monotonic() > deadline:
                raise
            continue
        return


def input_ended() -> bool:
    """Whether standard input has ended, after waiting LOOK_SECONDS for it: the driver closes it, or ends."""
    ready, _, _ = select([0], [], [], LOOK_SECONDS)
    return bool(ready) and not os.read(0, 65536)


@contextmanager
def following(folder: Path, names: Sequence[str], notice: Callable[[Notice], None]) -> Generator[None]:
    """Has a process send what the runs in `folder` write until the block ends. Its failures are notices, not errors."""
    command = [sys.executable, "-P", "-m", "isoflop", "log", str(folder), "--follow"]
    for name in names:
        command += ["--to", name]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # Ctrl-C in the terminal is the driver's to handle
    )
    warnings = threading.Thread(target=_pass_on_warnings, args=(process, notice), daemon=True)
    warnings.start()
    try:
        yield
    finally:
        _end(process, notice)
        warnings.join(1.0)


def _pass_on_warnings(process: subprocess.Popen[str], notice: Callable[[Notice], None]) -> None:
    """Passes on the follower's own warnings: everything else on its stderr is chatter of trackers' libraries."""
    assert process.stderr is not None
    for line in process.stderr:
        with suppress(ValueError, TypeError, KeyError):
            notice(Notice(code="tracker", message=str(json.loads(line)["warning"])))


def _end(process: subprocess.Popen[str], notice: Callable[[Notice], None]) -> None:
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.close()
    try:
        process.wait(LAST_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        message = f"the last points were not sent within {LAST_SECONDS:.0f} s; `isoflop log` sends them"
        notice(Notice(code="tracker", message=message))
