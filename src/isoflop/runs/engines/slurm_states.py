"""What Slurm calls the states of jobs: one question for all of them, asked of accounting and, without it, of the queue.

submitit asks `sacct` alone, which answers nothing on a cluster without accounting, and takes states for ends that are
none (a suspended job, a node that powers up) and an end for none (a preempted job that is not requeued).
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field

STATE_SECONDS = 60.0
"""How often Slurm is asked at least; a report on the shared disk is seen at once."""
FIRST_SECONDS = 2.0
"""Between two questions soon after a submission: what is wrong with a job shows early."""
ANSWER_SECONDS = 60.0
"""How long a command of Slurm may take: its controller may be away for a moment, and the commands wait for it."""
_FORGOTTEN = "FORGOTTEN"
_OF_SLURM = "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED REVOKED TIMEOUT"
ENDED = frozenset((*_OF_SLURM.split(), _FORGOTTEN))
"""States that a job does not leave (sacct(1), JOB STATE CODES), and `FORGOTTEN`: Slurm knows no such job any more."""


@dataclass(kw_only=True)
class SlurmStates:
    """The states of jobs of this process. Has the methods of submitit's InfoWatcher that its jobs call."""

    _jobs: set[str] = field(default_factory=set, init=False)
    _states: dict[str, str] = field(default_factory=dict, init=False)
    _asked: float = field(default=float("-inf"), init=False)
    _newest: float = field(default=0.0, init=False)

    def register_job(self, job_id: str) -> None:
        """Asks for `job_id` too from now on."""
        self._jobs.add(job_id)
        self._newest, self._asked = time.monotonic(), float("-inf")

    def get_state(self, job_id: str, mode: str = "standard") -> str:
        """What Slurm calls the state of a job; `UNKNOWN` before it has said so.

        `mode` is `force` to ask now, `standard` to ask where that was long ago, `cache` not to ask.
        """
        if job_id not in self._jobs:
            self.register_job(job_id)
        since = time.monotonic() - self._newest
        pause = 0.0 if mode == "force" else min(STATE_SECONDS, max(FIRST_SECONDS, since / 2))
        if mode != "cache" and time.monotonic() - self._asked > pause:
            self._ask()
        return self._states.get(job_id, "UNKNOWN")

    def get_info(self, job_id: str, mode: str = "standard") -> dict[str, str]:
        """`{"State": ...}`."""
        return {"State": self.get_state(job_id, mode)}

    def is_done(self, job_id: str, mode: str = "standard") -> bool:
        """Whether Slurm says that a job is over."""
        return self.get_state(job_id, mode) in ENDED

    def _ask(self) -> None:
        open_jobs = sorted(job for job in self._jobs if self._states.get(job) not in ENDED)
        if open_jobs:
            states = _of_accounting(open_jobs)
            missing = [job for job in open_jobs if job not in states]  # all of them without accounting
            self._states.update({**states, **(_of_queue(missing) if missing else {})})
        self._asked = time.monotonic()


def _of_accounting(jobs: list[str]) -> dict[str, str]:
    """{job: state} of those that accounting knows; empty where there is no accounting, or it does not answer."""
    asked = ("--noheader", "--parsable2", "--allocations", "--format=JobID,State", f"--jobs={','.join(jobs)}")
    answer = _answer("sacct", *asked)
    return _read(answer.stdout) if answer is not None and answer.returncode == 0 else {}


def _of_queue(jobs: list[str]) -> dict[str, str]:
    """{job: state} of `jobs`; those that the controller knows no more are `FORGOTTEN`. Empty where it does not answer.

    The controller keeps what has ended for a while (slurm.conf(5), MinJobAge), and all that has not.
    """
    answer = _answer("squeue", "--noheader", "--states=all", "--format=%i|%T", f"--jobs={','.join(jobs)}")
    # asked for one job that is unknown squeue fails, for several it leaves that one out
    if answer is None or (answer.returncode and "Invalid job id" not in answer.stderr):
        return {}
    return {**dict.fromkeys(jobs, _FORGOTTEN), **_read(answer.stdout)}


def _read(lines: str) -> dict[str, str]:
    """
    >>> _read("7|RUNNING\\n8|CANCELLED by 1000\\n")
    {'7': 'RUNNING', '8': 'CANCELLED'}
    """
    cells = (line.strip().split("|") for line in lines.splitlines())
    return {cell[0]: cell[1].split()[0] for cell in cells if len(cell) == 2 and cell[1].strip()}


def _answer(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    except (OSError, subprocess.TimeoutExpired):  # no such command here, or a controller that is away
        return None
