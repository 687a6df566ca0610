"""The supervisor runs next to a trainer on a machine that the engine cannot reach by signals.

It starts the trainer, passes on the signals of a scheduler and the commands that the engine leaves in the run folder,
and reports how the trainer ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Literal

from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.regular_files import open_to_append, read_regular
from isoflop.runs.engines.processes import TORCHRUN
from isoflop.runs.engines.worker import worker_environment
from isoflop.runs.folder import RunFolder
from isoflop.runs.jsonl import append_lines, read_lines

Command = Literal["stop", "kill"]
LOOK_SECONDS = 0.2
"""How often a supervisor reads the command file: far below what a shared disk notices."""
LOG_BYTES = 10_000
"""How much of a trainer's stderr is searched for its last line."""
REPORT_VARIABLE = "ISOFLOP_EXIT_REPORT"
"""Names, to a trainer, the file that its supervisor reads in the end."""
# Clusters announce a time limit or a preemption by any of these; all of them leave time for a checkpoint.
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


def supervise(path: str, command: Sequence[str], cancelled: Callable[[], bool] = lambda: False) -> tuple[int, str]:
    """Runs `command` on the run folder `path` until it ends: (its exit code, why).

    The reason is what one of its processes reported (`report_exit`), else the last line that was written to stderr.
    It is killed once `cancelled`.
    """
    folder = RunFolder(Path(path))
    with _signals() as received, _report_file() as report_file, open_to_append(folder.log) as log:
        start = log.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**worker_environment(), **_safe_path(command), REPORT_VARIABLE: str(report_file)},
            process_group=0,  # a signal to the supervisor's group would end a trainer that does not know it
            preexec_fn=_end_with_supervisor if sys.platform == "linux" else None,
        )
        stopped = False
        try:
            stopped = _wait(process, folder, received, cancelled)
        finally:
            for group in (process.pid, *_children(process.pid)):
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
            process.wait()
        reports = read_lines(report_file).lines
    code, of_torchrun = process.returncode, TORCHRUN in command
    if stopped and not reports and (code == -signal.SIGTERM or (code == 1 and of_torchrun)):
        return 128 + signal.SIGTERM, ""  # a trainer that had no signal handler yet, or torchrun
    if not code or not reports:
        return code, "" if not code else _last_line(folder.log, start)
    longest = max(reports, key=lambda line: len(line["message"]))
    # whatever its processes exit with, torchrun exits with 1
    return longest["exit"] if of_torchrun and code == 1 else code, longest["message"]


def _safe_path(command: Sequence[str]) -> dict[str, str]:
    """Keeps torchrun, which starts its processes as modules, from importing from the working folder (python -P)."""
    return {"PYTHONSAFEPATH": "1"} if TORCHRUN in command else {}


@contextmanager
def _report_file() -> Generator[Path]:
    """A file on this machine for `report_exit`; the null device where there is no room for one."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="isoflop-")
    except OSError:  # then the last line of stderr must do
        yield Path(os.devnull)
        return
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        with suppress(OSError):
            os.unlink(name)


def report_exit(exit_code: int, message: str) -> None:
    """Reports to the supervisor of this process, past torchrun, why it ends; the longest message of all is used."""
    report_file = os.environ.get(REPORT_VARIABLE)
    if report_file is not None:
        with suppress(InputError):  # the disk of the report file is full
            append_lines(Path(report_file), [{"exit": exit_code, "message": message}], durable=False)


def _children(pid: int) -> list[int]:
    """Processes that `pid` has started; torchrun puts each into a group of its own. None where there is no /proc."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    with suppress(OSError):  # ended meanwhile
        return [int(child) for file in lists for child in file.read_text().split()]
    return []


def _end_with_supervisor() -> None:
    """In the child: SIGTERM when the supervisor dies, so that the trainer saves a checkpoint and leaves (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


_LIBC = ctypes.CDLL(None)  # loaded on import: nothing may be loaded between fork and exec
_PR_SET_PDEATHSIG = 1


def _wait(
    process: subprocess.Popen[bytes], folder: RunFolder, received: list[int], cancelled: Callable[[], bool]
) -> bool:
    """Waits for the end, or for the command to kill; returns whether an order to stop came first."""
    stopping = False
    while process.poll() is None:
        command = read_command(folder)
        if command == "kill" or cancelled():
            return False
        if (received or command == "stop") and not stopping:
            stopping = True
            process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)
    return stopping


def read_command(folder: RunFolder) -> str:
    """The engine's command to the supervisor of `folder`; empty without one."""
    try:
        return read_regular(folder.command_file).decode(errors="replace").strip()
    except (OSError, InputError):  # no file, or a shared disk that is away for a moment
        return ""


@contextmanager
def _signals() -> Generator[list[int]]:
    """The stopping signals received; the previous handlers are restored at the end, since a Ray worker lives on."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        received.append(number)

    previous = {number: signal.signal(number, remember) for number in _STOPPING}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _last_line(log: Path, start: int) -> str:
    with suppress(OSError), open(log, "rb") as file:
        file.seek(max(start, file.seek(0, os.SEEK_END) - LOG_BYTES))
        lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip()[:500] if lines else ""
    return ""


def write_command(folder: RunFolder, command: Command) -> None:
    """Leaves `command` for the supervisor of `folder`; on a full disk its job is cancelled instead."""
    with suppress(OSError, InputError):
        write_bytes_atomically(folder.command_file, f"{command}\n".encode(), durable=False)


def clear_command(folder: RunFolder) -> None:
    """Removes the command, so that the next start on `folder` finds none."""
    with suppress(OSError):
        folder.command_file.unlink(missing_ok=True)
