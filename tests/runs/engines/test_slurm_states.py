"""What Slurm says of jobs, by programs in the place of its commands: with accounting, without it, and away."""

import pytest

from isoflop.runs.engines.slurm_nodes import states_no_memory
from isoflop.runs.engines.slurm_states import SlurmStates


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Makes a command of Slurm of a line of shell."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def make(name, shell):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{shell}\n")
        path.chmod(0o755)

    return make


def states(*jobs):
    asked = SlurmStates()
    for job in jobs:
        asked.register_job(job)
    return {job: asked.get_state(job) for job in jobs}


def test_accounting_is_believed(commands):
    commands("sacct", "printf '7|RUNNING\\n8|CANCELLED by 1000\\n'")
    commands("squeue", "exit 1")
    assert states("7", "8", "9") == {"7": "RUNNING", "8": "CANCELLED", "9": "UNKNOWN"}


def test_what_accounting_does_not_know_is_asked_of_the_queue(commands):
    commands("sacct", "echo '7|RUNNING'")
    commands("squeue", "echo '8|PENDING'")
    assert states("7", "8", "9") == {"7": "RUNNING", "8": "PENDING", "9": "FORGOTTEN"}


def test_without_accounting_the_queue_is(commands):
    commands("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    commands("squeue", "printf '7|PENDING\\n8|TIMEOUT\\n'")
    assert states("7", "8", "9") == {"7": "PENDING", "8": "TIMEOUT", "9": "FORGOTTEN"}


def test_a_job_that_the_controller_has_forgotten_is_over(commands):
    commands("sacct", "exit 1")
    commands("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    asked = SlurmStates()
    asked.register_job("7")
    assert asked.is_done("7")


def test_a_controller_that_is_away_ends_no_job(commands):
    commands("sacct", "exit 1")
    commands("squeue", "echo 'Unable to contact slurm controller (connect failure)' >&2; exit 1")
    asked = SlurmStates()
    asked.register_job("7")
    assert asked.get_state("7") == "UNKNOWN"
    assert not asked.is_done("7")


@pytest.mark.parametrize(
    ("state", "over"),
    [
        *((state, False) for state in ("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "REQUEUED")),
        *((state, True) for state in ("PREEMPTED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE", "NODE_FAIL", "COMPLETED")),
    ],
)
def test_only_what_a_job_does_not_leave_is_an_end(commands, state, over):
    commands("sacct", f"echo '7|{state}'")
    asked = SlurmStates()
    asked.register_job("7")
    assert asked.is_done("7") is over


def test_all_jobs_are_asked_for_at_once_and_what_has_ended_no_more(commands, tmp_path):
    commands("sacct", f"echo \"$@\" >> {tmp_path}/asked; printf '7|COMPLETED\\n8|RUNNING\\n'")
    asked = SlurmStates()
    for job in ("7", "8"):
        asked.register_job(job)
    for _ in range(3):
        assert (asked.is_done("7"), asked.is_done("8")) == (True, False)
    asked.get_state("8", "force")
    said = (tmp_path / "asked").read_text().splitlines()
    assert [line.rpartition("--jobs=")[2] for line in said] == ["7,8", "8"]


@pytest.mark.parametrize(
    ("lines", "partition", "none"),
    [
        ("small*|1", None, True),
        ("small*|1\\nlarge|4000", None, True),
        ("small*|1\\nlarge*|4000", None, False),
        ("small*|1\\nsmall*|4000", None, False),
        ("large|4000\\nsmall*|1", None, True),
        ("small|1\\nlarge|1", None, True),
        ("small*|1", "small", True),
        ("small*|4000+", "small", False),
        ("", "nowhere", False),
        ("no such thing", None, False),
    ],
)
def test_whether_nodes_state_their_memory(commands, lines, partition, none):
    commands("sinfo", f"printf '{lines}\\n'")
    assert states_no_memory(partition) is none


def test_a_slurm_that_does_not_answer_states_nothing(commands, monkeypatch, tmp_path):
    commands("sinfo", "echo 'small*|1'; exit 1")
    assert not states_no_memory(None)
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    assert not states_no_memory(None)
