"""The engine slurm with a real Slurm, which `make test-slurm` sets up and takes down again."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from study.tiny import ADAPTIVE, Finished, decided, isoflop, start
from waiting import wait_until

from isoflop.errors import InputError
from isoflop.runs.engines import slurm as engine_slurm
from isoflop.runs.engines.contract.runs import executed, facts, half, wait_for
from isoflop.runs.engines.jobs import JobEngine
from isoflop.runs.engines.sbatch import checked_sbatch
from isoflop.runs.engines.slurm import Slurm
from isoflop.runs.engines.slurm_nodes import states_no_memory
from isoflop.runs.engines.slurm_settings import SlurmSettings
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.study.decisions import read_decisions
from isoflop.study.folder import StudyFolder

from ..conftest import small_spec
from ..step_driver import hold, release, step_command
from .real_slurm import NODE, RealSlurm, unusable
from .stepping import StepContract

pytest.importorskip("submitit", reason="the engine slurm needs the extra `slurm`")
pytestmark = pytest.mark.skipif(
    os.environ.get("ISOFLOP_TEST_SLURM") != "1", reason="a real Slurm is set up by `make test-slurm`"
)

RUNNING = "RUNNING"


@pytest.fixture(scope="module")
def home():
    """A folder with a short name: munged's socket has one of at most 107 characters."""
    if why := unusable():
        pytest.skip(f"no real Slurm: {why}")
    folder = Path(tempfile.mkdtemp(prefix="isoflop-slurm-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def slurm(home):
    with RealSlurm(home / "stating") as slurm, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", str(slurm.conf))
        yield slurm


@pytest.mark.usefixtures("slurm")
class TestContract(StepContract):
    kind = "real-slurm"

    def test_a_requeued_job_is_not_done_twice(self, tmp_path, slurm):
        """Slurm puts the job back into its queue, and the engine submits it again: one of the two is left."""
        folder, interrupt = self._held(tmp_path)
        executed(
            self.make_engine(tmp_path, 1),
            [folder],
            tmp_path,
            interrupt(lambda _: slurm.ask("scontrol", "requeue", last(slurm))),
        )
        assert [attempt.from_step > 0 for attempt in folder.attempts()] == [False, True]
        assert facts(folder) == self.unbroken(tmp_path)
        wait_for(lambda: not slurm.ask("squeue", "--noheader"))

    def test_a_job_that_is_killed_for_a_requeue_goes_on_in_it(self, tmp_path, slurm):
        """Its node goes down under it: no supervisor speaks, and the same job begins again once the node is back."""
        folder, interrupt = self._held(tmp_path)

        def lose(_):
            slurm.ask("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
            wait_for(lambda: RUNNING not in slurm.ask("squeue", "--noheader", "--format=%T"))
            with suppress(RuntimeError):  # it may have come back by itself
                slurm.ask("scontrol", "update", f"NodeName={NODE}", "State=RESUME")

        executed(self.make_engine(tmp_path, 1), [folder], tmp_path, interrupt(lose))
        assert len(folder.attempts()) == 2
        assert facts(folder) == self.unbroken(tmp_path)

    def test_a_cancelled_job_is_submitted_again(self, tmp_path, slurm):
        """After a scancel the supervisor stops the trainer, which saves, and another job continues the run."""
        folder, interrupt = self._held(tmp_path)
        executed(
            self.make_engine(tmp_path, 1), [folder], tmp_path, interrupt(lambda _: slurm.ask("scancel", last(slurm)))
        )
        assert [attempt.from_step > 0 for attempt in folder.attempts()] == [False, True]
        assert facts(folder) == self.unbroken(tmp_path)

    def test_a_job_that_leaves_no_word_is_known_by_its_state(self, tmp_path):
        """Without accounting only the queue has it."""
        folder, interrupt = self._held(tmp_path)

        def kill(beat):
            for pid in self.machine(beat):
                os.kill(pid, signal.SIGKILL)

        events = executed(self.make_engine(tmp_path, 1), [folder], tmp_path, interrupt(kill))
        (retried,) = [event for event in events if event.kind == "retried"]
        assert "ended as FAILED" in retried.message
        assert facts(folder) == self.unbroken(tmp_path)

    def test_the_time_limit_is_told_in_time_for_a_checkpoint(self, tmp_path, slurm, monkeypatch):
        """Slurm's own signal, at its own time: the run continues in a new job."""
        monkeypatch.setattr(engine_slurm, "NOTICE_SECONDS", 25)
        folder = self.make_folder(tmp_path, "limited", 0)
        hold(folder, half(folder))
        system = Slurm(logs=tmp_path / "logs", options={"timeout_min": 1})
        engine = JobEngine(system=system, workers=1, command=step_command)
        ended = []

        def once_stopped(event):
            if len(folder.attempts()) == 1 and event.kind != "progress" and event.kind != "started":
                ended.append(event)
                release(folder)

        executed(engine, [folder], tmp_path, once_stopped)
        assert len(ended) == 1
        first, second = folder.attempts()
        assert second.from_step == half(folder)
        assert second.started - first.started < 60
        assert facts(folder) == self.unbroken(tmp_path)

    def test_a_controller_that_is_restarted_costs_nothing(self, tmp_path, slurm):
        """A run ends and the next one is submitted while slurmctld is away."""
        folders = [self.make_folder(tmp_path, "runs", seed) for seed in range(2)]
        hold(folders[0], half(folders[0]))
        started = threading.Timer(3.0, slurm.start_controller)

        def restart(event):
            if event.kind == "progress" and event.folder == folders[0] and not started.ident:
                slurm.stop_controller()
                started.start()
                release(folders[0])

        try:
            events = executed(self.make_engine(tmp_path, 1), folders, tmp_path, restart)
        finally:
            started.join()
        assert [event.kind for event in events if event.kind != "progress"] == ["started", "finished"] * 2
        assert [len(folder.attempts()) for folder in folders] == [1, 1]
        assert facts(folders[0]) == self.unbroken(tmp_path)

    def _held(self, tmp_path):
        """A run that waits half-way, and what does something to its job there, once, and lets it go on."""
        folder = self.make_folder(tmp_path, "held", 0)
        hold(folder, half(folder))
        done = []

        def interrupt(do):
            def on_event(event):
                beat = event.heartbeat
                if beat and beat.step == half(folder) and not done:
                    done.append(beat)
                    do(beat)
                    release(folder)

            return on_event

        return folder, interrupt


def last(slurm):
    """The id of the newest job."""
    return max(slurm.ask("squeue", "--noheader", "--states=all", "--format=%i").split(), key=int)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", small_spec(steps=20))


def done(system, folder, command=step_command):
    engine = JobEngine(system=system, workers=1, command=command)
    engine.start(folder)
    ended = wait_for(lambda: engine.poll(0.1))
    engine.close()
    return ended[0]


def of_job(slurm, number):
    """What Slurm holds of a job, {field: value}."""
    return dict(
        pair.split("=", 1) for pair in slurm.ask("scontrol", "--oneliner", "show", "job", number).split() if "=" in pair
    )


def test_options_of_sbatch_reach_slurm_and_no_shell(slurm, folder, tmp_path):
    planted = tmp_path / "planted"
    comment = f'it\'s "5" $(touch {planted}); `touch {planted}` # ü'
    settings = SlurmSettings(
        memory_gb=0.5, sbatch=checked_sbatch({"comment": comment, "nice": 7, "requeue": False, "no_requeue": True})
    )
    assert done(Slurm(logs=tmp_path / "logs", options=settings.options()), folder).outcome == "finished"
    job = last(slurm)
    assert slurm.ask("squeue", "--noheader", "--states=all", "--format=%k", f"--jobs={job}").strip() == comment
    found = of_job(slurm, job)
    assert (found["Nice"], found["Requeue"]) == ("7", "0")
    assert not planted.exists()


def test_the_trainer_gets_all_cores_of_its_job(slurm, folder, tmp_path):
    """Not one, as srun gives a task where it is not told."""
    step = tmp_path / "step"
    show = ["bash", "-c", f"scontrol show step $SLURM_JOB_ID.0 > {step}"]
    options = SlurmSettings(cpus=2, memory_gb=0.2).options()
    done(Slurm(logs=tmp_path / "logs", options=options), folder, lambda folder: show)
    assert "CPUs=2 Tasks=1" in step.read_text()


def test_sbatchs_own_words_say_why_a_job_is_not_taken(slurm, folder, tmp_path):
    options = SlurmSettings(memory_gb=1000).options()
    with pytest.raises(
        InputError, match=r'(?s)Memory specification can not be satisfied.*lower memory_gb, or say memory = "none"'
    ):
        done(Slurm(logs=tmp_path / "logs", options=options), folder)
    options = SlurmSettings(sbatch={"no-such-option": "1"}).options()
    with pytest.raises(InputError, match=r"unrecognized option.*no-such-option"):
        done(Slurm(logs=tmp_path / "logs", options=options), folder)


@pytest.mark.usefixtures("slurm")
def test_an_adaptive_sweep_whose_driver_is_killed_is_decided_and_trained_as_on_this_machine(tmp_path):
    """From its first runs, with the decisions, rows and losses of the local engine."""
    here, study = tmp_path / "here", tmp_path / "study"
    code, _, stderr = isoflop("sweep", here, *ADAPTIVE, "--go")
    assert code == 0, stderr
    Finished(here, "", "").begun(study)
    with open(study / "study.toml", "a") as settings:
        settings.write("\n[slurm]\nmemory_gb = 1.5\n")
    driver = start("sweep", study, "--go", "--engine", "slurm")
    wait_until(lambda: (record := read_decisions(StudyFolder(study))) is not None and record.last is not None, driver)
    driver.kill()
    driver.communicate()
    code, _, stderr = isoflop("sweep", study, "--go")
    assert code == 0, stderr
    assert decided(study) == decided(here)
    assert (study / "sweep.json").read_bytes() == (here / "sweep.json").read_bytes()
    losses, others = (
        {run.run_id: run.read_result().val_loss_nats for run in run_folders(path / "runs")} for path in (study, here)
    )
    assert losses == others


@pytest.fixture
def unstated(home):
    with RealSlurm(home / "unstated", memory_mb=None) as slurm, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", str(slurm.conf))
        yield slurm


@pytest.mark.usefixtures("unstated")
def test_memory_that_no_node_states_is_not_asked_for_and_that_is_reported(folder, tmp_path):
    assert states_no_memory(None)
    assert states_no_memory("test")
    assert not states_no_memory("nowhere")
    with pytest.raises(InputError, match="Memory specification can not be satisfied"):
        done(Slurm(logs=tmp_path / "logs", options=SlurmSettings().options()), folder)
    for asked in (SlurmSettings(), SlurmSettings(partition="test"), SlurmSettings(sbatch={"partition": "test"})):
        settings, (notice,) = asked.for_cluster()
        assert notice.code == "memory_not_asked"
        assert "mem_gb" not in settings.options()
    assert done(Slurm(logs=tmp_path / "logs", options=settings.options()), folder).outcome == "finished"
    assert SlurmSettings(memory="none").for_cluster() == (SlurmSettings(memory="none"), ())


@pytest.mark.usefixtures("slurm")
def test_nodes_that_state_it_are_asked_for_memory():
    assert not states_no_memory(None)
    assert SlurmSettings().for_cluster() == (SlurmSettings(), ())


def test_nothing_is_left_of_a_slurm_that_was_taken_down(home):
    with RealSlurm(home / "brief") as slurm:
        pids = slurm.pids
        slurm.ask("sbatch", "--wrap", "srun sleep 1000", "--output=/dev/null")
        wait_for(lambda: RUNNING in slurm.ask("squeue", "--noheader", "--format=%T"))
        time.sleep(0.5)
    assert len(pids) == 3
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists()
    left = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(slurm.conf) not in left
