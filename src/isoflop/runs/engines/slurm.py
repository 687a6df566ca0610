"""Engine `slurm`: a Slurm job a run, through submitit. A preempted or timed-out job is submitted again."""

from __future__ import annotations

import logging
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isoflop.errors import InputError
from isoflop.runs.engine import outcome_of
from isoflop.runs.engines.job_report import read_report, supervise_and_report
from isoflop.runs.engines.jobs import Gone, Report
from isoflop.runs.engines.slurm_states import SlurmStates
from isoflop.runs.folder import RunFolder
from isoflop.runs.lock import SHARED_DISK_SECONDS
from isoflop.runs.registry import extra

NOTICE_SECONDS = 120
"""How long before its time limit a job is warned: a checkpoint of a large model takes a minute to write."""
NOT_BEGUN = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "SUSPENDED")
FAILED_SECONDS = 5.0
"""How long a report may be on its way when submitit's own word is there, which is written after it."""
AWAY = "Unable to contact slurm controller"
"""sbatch, where slurmctld does not answer: it is being restarted, or is gone."""
AWAY_SECONDS = 300.0
"""How long a controller that has taken a job may be away before the study stops: a takeover by the backup controller
begins after two minutes (slurm.conf(5), SlurmctldTimeout)."""
AGAIN_SECONDS = 2.0
LOST = ("NODE_FAIL", "BOOT_FAIL")
"""States of a job whose machine no longer answers: its trainer may still be at work there."""


@dataclass
class SlurmJob:
    """A job of submitit."""

    job: Any
    reports: Path
    """Folder of what the supervisors report."""
    completed: float | None = None
    """When it was first heard to be completed while its supervisor's report was not to be seen yet."""

    def report(self) -> Report | None:
        """What its supervisor reported; else, once Slurm says that it is over, what Slurm calls that."""
        if (returned := self._returned()) is not None:
            if not isinstance(returned, Gone) and outcome_of(returned[0]) in ("stopped", "killed"):
                # Slurm may have put the job back into its queue (scontrol requeue, a preemption), where it would begin
                # a second time next to the one that is submitted next
                self.cancel()
            return returned
        if not self.job.done():
            return None
        # what submitit says of its end is a pickle: that it is there counts, and it is not read
        ended, state = self.job.paths.result_pickle.exists(), self._state()
        if ended or state == "COMPLETED":
            self.completed = self.completed or time.monotonic()
            if time.monotonic() - self.completed < (FAILED_SECONDS if ended else SHARED_DISK_SECONDS):
                return None
        if ended:
            return Gone(outcome="crashed", message=f"its job failed; see {self.job.paths.stderr}")
        return Gone(
            outcome="lost" if state in LOST else "killed",
            message=f"its Slurm job {self.job.job_id} ended as {state or 'unknown'}; see {self.job.paths.stderr}",
        )

    def _returned(self) -> Report | None:
        """What the supervisors of all machines reported; None while one has not."""
        answers = [read_report(self.reports, task) for task in range(self.job.num_tasks)]
        reports = [report for report in answers if report is not None]
        if len(reports) < len(answers):
            return None
        if failed := [report.message for report in reports if report.failed]:
            return Gone(outcome="crashed", message=f"its job failed ({failed[0]})")
        # There is a supervisor on each machine. The run has ended well when all of them report that; else the one with
        # an exit code of its own (1 is any exception), and then the longest message, says why.
        worst = max(reports, key=lambda report: (report.code != 0, report.code != 1, len(report.message)))
        return worst.code, worst.message

    def _state(self) -> str:
        info = self.job.get_info(mode="force")
        words = str(info.get("State") or info.get("jobState") or "").split()  # "CANCELLED by 1000"
        return words[0] if words else ""

    def waits(self) -> bool:
        """Whether Slurm has not started it."""
        return self._state() in NOT_BEGUN

    def cancel(self) -> None:
        """scancel."""
        self.job.cancel(check=False)


@dataclass(kw_only=True)
class Slurm:
    """Jobs on a Slurm cluster; with `cluster` = `local`, processes on this machine in its stead, to try things out."""

    logs: Path
    """Folder on the shared disk for submitit's files. Nobody else may write there: jobs unpickle them."""
    cluster: str = "slurm"
    options: dict[str, object] = field(default_factory=dict)
    """Parameters of submitit's executor: `timeout_min`, `slurm_partition`, ..."""
    dry: bool = False
    """Only to be asked for its `script`, on a machine that may have no Slurm."""
    _executor: Any = field(init=False)
    _taken: bool = field(default=False, init=False)
    """Whether a job was taken: then a controller that is away is being restarted."""

    def __post_init__(self) -> None:
        submitit = extra("slurm")
        logging.getLogger("submitit").setLevel(logging.ERROR)  # how often sacct is asked is no news
        submitit.SlurmJob.watcher = SlurmStates()
        try:
            with _unasked(submitit.SlurmExecutor) if self.dry else nullcontext():
                self._executor = submitit.AutoExecutor(
                    folder=self.logs.resolve(),
                    cluster=self.cluster,
                    # -P: nothing is imported from the folder where the study was started
                    **{f"{self.cluster}_python": f"{shlex.quote(sys.executable)} -P"},
                )
        except RuntimeError as error:
            raise InputError(
                f"engine slurm: no Slurm on this machine ({error}); start it where `sbatch` and `srun` are there, or "
                'set cluster = "local" under [slurm] to have this machine stand in'
            ) from error
        self._executor.update_parameters(slurm_signal_delay_s=NOTICE_SECONDS, **self.options)

    def script(self, folder: RunFolder) -> str:
        """What `submit` hands to sbatch, besides a file that names the trainer. Only with `cluster` = `slurm`."""
        self._name(folder)
        # private: submitit has no other way to say what it would submit; a test holds this to what it submits
        executor = self._executor._executor
        return str(executor._make_submission_file_text(executor._submitit_command_str, ""))

    def _name(self, folder: RunFolder) -> None:
        self._executor.update_parameters(name=f"isoflop-{folder.run_id}")

    def submit(self, folder: RunFolder, command: Sequence[str]) -> SlurmJob:
        """A job named after the run. Raises InputError with sbatch's words when it is not taken."""
        self._name(folder)
        deadline = time.monotonic() + (AWAY_SECONDS if self._taken else 0.0)
        reports = self.logs.resolve() / f"reports-{secrets.token_hex(8)}"
        while True:
            try:
                job = self._executor.submit(
                    supervise_and_report, str(folder.path.resolve()), list(command), str(reports)
                )
            except (subprocess.SubprocessError, OSError, RuntimeError) as error:
                if AWAY not in str(error) or time.monotonic() > deadline:
                    raise InputError(f"engine slurm: sbatch took no job ({error}); {_remedy(str(error))}") from error
                time.sleep(AGAIN_SECONDS)
            else:
                self._taken = True
                return SlurmJob(job, reports)

    def close(self) -> None:
        """Nothing to let go of."""


@contextmanager
def _unasked(executor: Any) -> Generator[None]:
    """Has submitit take this machine for one with Slurm."""
    before = executor.__dict__["affinity"]
    executor.affinity = classmethod(lambda _: 1)
    try:
        yield
    finally:
        executor.affinity = before


def _remedy(words: str) -> str:
    """What may be done about a refusal of sbatch."""
    if re.search(r"\bmem(ory)?\b", words, re.IGNORECASE):
        return 'lower memory_gb, or say memory = "none", under [slurm] in study.toml, or plan.toml of a plan'
    return "see [slurm] in study.toml, or in plan.toml of a plan, whose `sbatch` takes any option of sbatch"
