"""One call of the command line in this process, and what is wrong with how it answered."""

from __future__ import annotations

import json
import re
import signal
import time
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from click.testing import CliRunner

from isoflop.cli import main

MOST_SECONDS = 20.0
"""Of this process: no answer, and no refusal, takes longer. On a busy machine the clock goes on for others too."""
MOST_WAITED = 60 * MOST_SECONDS
"""By the clock: whoever waits for a named pipe does nothing. It only ends what hangs."""
MOST_LINES, MOST_CHARACTERS = 60, 6000
"""Of what goes to stderr: a screen of wrapped lines."""
_ENDINGS = (0, 2, 3, 4)
# Terminal escapes and the like: C0 but for line ends and tabs, DEL, C1, and marks that turn the direction of text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_NOT_FINITE = re.compile(r"(?<!got )(?<!is )(?<![\w'\"-])[+-]?(?:nan|inf|infinity)(?![\w'\"-])", re.IGNORECASE)


class TookTooLong(BaseException):
    """Not an Exception: nothing may swallow it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a call."""

    arguments: tuple[str, ...]
    code: int
    stdout: str
    stderr: str
    seconds: float
    faults: tuple[str, ...]
    """What no answer may do, each in a line; nothing where all is well."""
    where: str = ""
    """The traceback, where there was one."""


def ask(*arguments: object, most_seconds: float = MOST_SECONDS) -> Answer:
    """Calls the command line with `arguments` in this process."""
    given = tuple(map(str, arguments))
    begun = time.process_time()
    raised: BaseException | None = None
    with _limited(most_seconds):
        try:
            result = CliRunner().invoke(main, list(given))
            raised = result.exception
            code, stdout, stderr = result.exit_code, result.stdout, result.stderr
        except TookTooLong as error:
            raised, code, stdout, stderr = error, -1, "", ""
    seconds = time.process_time() - begun
    where = ""
    if raised is not None and not isinstance(raised, SystemExit):
        where = "".join(traceback.format_exception(raised))
    faults = _faults(code, stdout, stderr, raised, seconds, most_seconds)
    return Answer(
        arguments=given, code=code, stdout=stdout, stderr=stderr, seconds=seconds, faults=tuple(faults), where=where
    )


def _faults(
    code: int, stdout: str, stderr: str, raised: BaseException | None, seconds: float, most_seconds: float
) -> Generator[str]:
    if raised is not None and not isinstance(raised, SystemExit):
        frames = traceback.extract_tb(raised.__traceback__)
        ours = [frame for frame in frames if "/isoflop/" in frame.filename] or frames
        place = f"{ours[-1].filename.rpartition('/isoflop/')[2]}:{ours[-1].lineno}" if ours else "?"
        yield f"traceback: {type(raised).__name__} at {place}: {str(raised)[:200]}"
        return
    if "Traceback (most recent call last)" in stderr:
        yield f"traceback printed: {stderr.strip().splitlines()[-1][:200]}"
    if code not in _ENDINGS:
        yield f"exit {code}"
    if code in (2, 3) and not stderr.strip():  # 4 is an answer
        yield f"exit {code} without a word"
    if seconds > most_seconds:
        yield f"took {seconds:.0f} s"
    if found := _CONTROL.search(stdout) or _CONTROL.search(stderr):
        yield f"control character {found[0]!r}: {found.string[max(0, found.start() - 40) : found.end() + 20]!r}"
    if code == 0 and (found := _NOT_FINITE.search(stdout)):
        yield f"not finite: {stdout[max(0, found.start() - 60) : found.end() + 20]!r}"
    lines = sum(1 + len(line) // 100 for line in stderr.splitlines())
    if lines > MOST_LINES or len(stderr) > MOST_CHARACTERS:
        yield f"more than a screen: {lines} lines, {len(stderr)} characters on stderr: {stderr[:80]!r}"
    if stdout.startswith("{"):
        yield from _json_faults(stdout)


def _json_faults(stdout: str) -> Generator[str]:
    def refuse(constant: str) -> None:
        raise ValueError(f"holds {constant}")

    try:
        json.loads(stdout, parse_constant=refuse)
    except ValueError as error:
        yield f"JSON: {error}"


@contextmanager
def _limited(seconds: float) -> Generator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"more than {seconds:g} s")

    timers = ((signal.ITIMER_VIRTUAL, signal.SIGVTALRM, seconds), (signal.ITIMER_REAL, signal.SIGALRM, MOST_WAITED))
    before = [signal.signal(number, stop) for _, number, _ in timers]
    left = [signal.setitimer(timer, most) for timer, _, most in timers]
    try:
        yield
    finally:
        # the test runner has a timer of its own
        for (timer, number, _), handler, (rest, _) in zip(timers, before, left, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)
            signal.setitimer(timer, rest)
