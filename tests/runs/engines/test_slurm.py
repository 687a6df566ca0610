import json
import os
import pickle
import secrets
import signal
import stat
import sys
from types import SimpleNamespace

import pytest
from waiting import next_ended, wait_until

from isoflop.errors import InputError
from isoflop.runs.engines.jobs import JobEngine
from isoflop.runs.engines.processes import Processes, trainer_command
from isoflop.runs.engines.settings import EngineRequest
from isoflop.runs.engines.slurm import NOTICE_SECONDS, Slurm, SlurmJob
from isoflop.runs.engines.slurm_settings import SlurmSettings
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import make_engine

from ..conftest import small_spec
from ..step_driver import hold, release, step_command
from . import pretend_slurm
from .pair import PAIR
from .stepping import StepContract

pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")


class TestContract(StepContract):
    """With processes of this machine in the place of a cluster."""

    kind = "slurm"


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder of pretended Slurm jobs; the commands are on the path."""
    jobs, commands = tmp_path / "slurm", tmp_path / "bin"
    jobs.mkdir()
    commands.mkdir()
    for name in ("sbatch", "srun", "sacct", "scancel", "scontrol"):
        script = commands / name
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {pretend_slurm.__file__} {name} "$@"\n')
        script.chmod(0o755)
    monkeypatch.setenv("PRETEND_SLURM", str(jobs))
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    return jobs


def test_of_many_machines_the_one_that_says_why_is_heard(tmp_path):
    cancelled = []

    def returned(*reports):
        folder = tmp_path / secrets.token_hex(4)
        folder.mkdir()
        for task, (code, words) in enumerate(reports):
            report = {"code": code, "message": words, "failed": False}
            (folder / f"task-{task}.json").write_text(json.dumps(report))
        job = SimpleNamespace(num_tasks=len(reports), cancel=lambda check: cancelled.append(check))
        return SlurmJob(job, folder).report()

    assert returned((2, ""), (2, "no corpus there")) == (2, "no corpus there")
    assert cancelled == []
    assert returned((1, "the other one left me"), (-9, "")) == (-9, "")
    assert cancelled == [False]  # killed: Slurm may have put it back into its queue
    assert returned((0, ""), (1, "ValueError: x")) == (1, "ValueError: x")
    assert returned((0, ""), (0, "")) == (0, "")


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", small_spec(steps=200))


def slurm_engine(tmp_path, **options):
    system = Slurm(logs=tmp_path / "logs", options={"timeout_min": 60, **options})
    return JobEngine(system=system, workers=2, command=step_command)


def test_a_job_asks_for_what_it_was_told_and_returns_how_its_trainer_ended(cluster, folder, tmp_path):
    asked = {"slurm_partition": "small", "slurm_account": "lab", "cpus_per_task": 2, "mem_gb": 3.0}
    engine = slurm_engine(tmp_path, **asked)
    engine.start(folder)
    (end,) = next_ended(engine)
    assert (end.folder, end.outcome, end.message, engine.free) == (folder, "finished", "", 2)
    script = (cluster / "job-1" / "script").read_text()
    for line in (
        f"--job-name=isoflop-{folder.run_id}",
        "--partition=small",
        "--account=lab",
        "--cpus-per-task=2",
        "--mem=3GB",
        "--time=60",
        f"--signal=USR2@{NOTICE_SECONDS}",
    ):
        assert f"#SBATCH {line}\n" in script, line


def test_the_script_that_is_shown_is_the_one_that_is_submitted(cluster, folder, tmp_path, monkeypatch):
    asked = {"logs": tmp_path / "logs", "options": {"timeout_min": 60, "slurm_setup": ["module load python"]}}
    JobEngine(system=Slurm(**asked), workers=1, command=step_command).start(folder)
    monkeypatch.setenv("PATH", "")  # no Slurm on this machine
    assert Slurm(**asked, dry=True).script(folder) == (cluster / "job-1" / "script").read_text()


def test_a_run_over_two_machines_meets_and_is_trained(cluster, folder, tmp_path):
    both = Processes(count=2, per_machine=1)
    system = Slurm(logs=tmp_path / "logs", options=SlurmSettings(memory_gb=1).options(both))
    engine = JobEngine(system=system, workers=1, processes=both, command=lambda folder: pair_command(folder, both))
    engine.start(folder)
    (end,) = next_ended(engine)
    assert (end.outcome, end.message) == ("finished", "")
    assert sorted(path.name for path in folder.path.glob("rank-*")) == ["rank-0-of-2", "rank-1-of-2"]


def pair_command(folder, processes):
    """The real command, with a program that meets the other process in the place of the trainer."""
    command = trainer_command(folder, None, processes)
    at = command.index("isoflop.train")
    return [*command[: at - 1], str(PAIR), *command[at + 1 :]]


def test_the_signal_of_a_time_limit_saves_a_checkpoint_and_the_run_goes_on(cluster, folder, tmp_path):
    hold(folder, 100)
    engine = slurm_engine(tmp_path)
    engine.start(folder)
    wait_until(folder.read_heartbeat)
    # Slurm tells the tasks of the step, which the supervisor is: the trainer is in a group of its own
    os.killpg(int((cluster / "job-1" / "pid").read_text()), signal.SIGUSR2)
    (end,) = next_ended(engine)
    assert end.outcome == "stopped"
    release(folder)
    engine.start(folder)
    assert [end.outcome for end in next_ended(engine)] == ["finished"]
    first, second = folder.attempts()
    assert (first.from_step, second.from_step > 0) == (0, True)


def test_stop_cancels_a_job_that_waits_for_a_machine(cluster, folder, tmp_path):
    (cluster / "full").touch()
    engine = slurm_engine(tmp_path)
    engine.start(folder)
    assert engine.poll(0.2) == []
    engine.stop(1e6)  # would be waited for, were it not cancelled at once
    assert (cluster / "job-1" / "state").read_text() == "CANCELLED by 0"
    assert (engine.free, folder.status(), folder.command_file.exists()) == (2, "waiting", False)


@pytest.mark.parametrize(("state", "outcome"), [("NODE_FAIL", "lost"), ("OUT_OF_MEMORY", "killed")])
def test_a_job_that_ended_without_its_keepers_word_is_what_slurm_says(cluster, folder, tmp_path, state, outcome):
    (cluster / "full").touch()
    engine = slurm_engine(tmp_path)
    engine.start(folder)
    (cluster / "job-1" / "state").write_text(state)
    (end,) = next_ended(engine)
    assert end.outcome == outcome
    assert f"its Slurm job 1 ended as {state}" in end.message


def test_a_trainer_that_ignores_a_command_ends_with_its_job(cluster, folder, tmp_path, monkeypatch):
    from isoflop.runs.engines import jobs

    monkeypatch.setattr(jobs, "COMMAND_SECONDS", 0.5)
    (cluster / "full").touch()  # nobody reads the command
    engine = slurm_engine(tmp_path)
    engine.start(folder)
    engine.kill(folder)
    (end,) = next_ended(engine)
    assert (end.outcome, engine.free) == ("lost", 2)
    assert (cluster / "job-1" / "state").read_text() == "CANCELLED by 0"


def test_without_slurm_one_message_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r'no Slurm on this machine .* cluster = "local"'):
        slurm_engine(tmp_path)


def test_a_job_that_is_not_taken_is_told_in_the_words_of_sbatch(cluster, folder, tmp_path):
    (tmp_path / "bin" / "sbatch").write_text("#!/bin/sh\necho 'invalid partition specified: nowhere' >&2; exit 1\n")
    with pytest.raises(InputError, match="invalid partition specified: nowhere"):
        slurm_engine(tmp_path).start(folder)


class Planted:
    """What unpickling it does: it leaves a file."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


def engine_of_a_study(study):
    return make_engine("slurm", {}, EngineRequest(workers=1, logs=study / "logs", corpus=study / "corpus"))


def test_nothing_that_lies_in_a_study_is_unpickled(cluster, folder, tmp_path):
    (cluster / "full").touch()
    study, mark = tmp_path, tmp_path / "ran"
    (study / "logs" / "slurm").mkdir(parents=True)
    for name in ("1_0_result.pkl", "1_submitted.pkl", "1_1_result.pkl"):
        (study / "logs" / "slurm" / name).write_bytes(pickle.dumps(("success", Planted(mark))))
    engine = engine_of_a_study(study)
    engine.start(folder)
    assert engine.poll(0.5) == []  # the job waits: what was planted says otherwise
    engine.stop(1)
    assert not mark.exists()


def test_what_jobs_unpickle_lies_in_a_new_folder_of_the_user_outside_of_the_study(
    cluster, folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (cluster / "full").touch()
    engines = [engine_of_a_study(tmp_path / "study") for _ in range(2)]
    for engine in engines:
        engine.start(folder)
    folders = {path.parent for path in (tmp_path / "state").rglob("*.pkl")}
    assert len(folders) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert not list(tmp_path.glob("study/**/*.pkl"))
    for engine in engines:
        engine.stop(1)


def test_the_word_of_a_job_is_its_keepers_and_no_pickle(cluster, folder, tmp_path, monkeypatch):
    """submitit's own word of how it ended may be anything."""
    monkeypatch.setattr("isoflop.runs.engines.slurm.FAILED_SECONDS", 0.2)
    (cluster / "full").touch()
    engine = slurm_engine(tmp_path)
    engine.start(folder)
    (cluster / "job-1" / "state").write_text("FAILED")
    (tmp_path / "logs" / "1_0_result.pkl").write_bytes(pickle.dumps(("success", Planted(tmp_path / "ran"))))
    (end,) = next_ended(engine)
    assert (end.outcome, "its job failed; see" in end.message) == ("crashed", True)
    assert not (tmp_path / "ran").exists()


def test_a_job_imports_nothing_from_the_folder_where_it_was_submitted(cluster, folder, tmp_path, monkeypatch):
    planted = tmp_path / "received"
    (planted / "submitit").mkdir(parents=True)
    (planted / "submitit" / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(planted)
    engine = slurm_engine(tmp_path)
    engine.start(folder)
    (end,) = next_ended(engine)
    assert (end.outcome, (tmp_path / "ran").exists()) == ("finished", False)
