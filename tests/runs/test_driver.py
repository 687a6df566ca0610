import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import finish as finish_process
from waiting import wait_until

from isoflop.arch.layout import Layout
from isoflop.errors import InputError, InterruptedStudy
from isoflop.runs.driver import execute
from isoflop.runs.failed_run import restarts_without_progress
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.runs.kept import asked_steps, kept_checkpoint
from isoflop.runs.out_of_memory import out_of_memory_events, record_out_of_memory
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.runs.run_index import RunIndex
from isoflop.schedule import Schedule
from isoflop.sweep import branch_of

from .conftest import result_of, small_spec
from .scripted import ScriptedEngine, finish, run
from .step_driver import hold

DRIVER = Path(__file__).with_name("step_driver.py")


def test_longest_first_and_results_in_the_order_asked(folders, run_index):
    engine = ScriptedEngine(finish)
    results, events = run(folders, engine, run_index)
    assert [folder.read_spec().steps for folder in engine.started] == [30, 20, 10]
    assert [result.run_id for result in results] == [folder.run_id for folder in folders]
    assert [event.kind for event in events] == ["started", "finished"] * 3
    assert {row["status"] for row in run_index.rows()} == {"done"}
    shortest, longest = (folder.read_spec().spent_flops for folder in folders[:2])
    assert longest == 3 * shortest


def tree_of(tmp_path, horizons):
    """The folders of a trunk and of its branches, longest first."""
    trunk = replace(small_spec(steps=horizons[0]), schedule=Schedule(kind="wsd"))
    specs = [trunk, *(branch_of(trunk, steps * trunk.batch_tokens) for steps in horizons[1:])]
    return [RunFolder.create(tmp_path / "runs", spec) for spec in specs]


def test_a_trunk_comes_before_longer_runs_that_others_wait_for_less(tmp_path, run_index):
    trunk, branch = tree_of(tmp_path, (100, 90))
    alone = RunFolder.create(tmp_path / "runs", replace(small_spec(steps=110), schedule=Schedule(kind="wsd")))
    engine = ScriptedEngine(finish)
    run([alone, branch, trunk], engine, run_index)
    assert engine.started == [trunk, alone, branch]
    assert asked_steps(trunk) == (branch.read_spec().begins.step,)


def test_a_branch_waits_for_the_checkpoint_and_not_for_the_end(tmp_path, run_index):
    trunk, *branches = tree_of(tmp_path, (100, 40, 20))
    steps = [branch.read_spec().begins.step for branch in branches]

    def script(folder):
        if folder == trunk and len(engine.started) == 1:
            kept_checkpoint(trunk, steps[1]).mkdir(parents=True)
            (kept_checkpoint(trunk, steps[1]) / "progress.json").touch()
            trunk.record_attempt(0)
            return "killed"
        return finish(folder)

    engine = ScriptedEngine(script, slots=2)
    run([*branches, trunk], engine, run_index)
    # the shorter branch, whose checkpoint is there, starts next to the trunk; the other waits for its end
    assert engine.started == [trunk, trunk, branches[1], branches[0]]


def test_a_branch_whose_trunk_nobody_trains_starts_at_once(tmp_path, run_index):
    trunk, branch = tree_of(tmp_path, (100, 40))
    engine = ScriptedEngine(finish)
    run([branch], engine, run_index)
    assert engine.started == [branch]
    assert asked_steps(trunk) == (branch.read_spec().begins.step,)


def test_specs_edited_to_a_circle_reach_a_trainer_that_refuses_them(tmp_path, run_index):
    _, branch = tree_of(tmp_path, (100, 40))
    value = json.loads(branch.spec.read_text())
    value["begins"]["run"] = branch.run_id
    branch.spec.write_text(json.dumps(value))
    engine = ScriptedEngine(lambda folder: "refused")
    with pytest.raises(InputError, match="it happened"):
        run([branch], engine, run_index)
    assert engine.started == [branch]


def test_a_second_time_does_nothing(folders, run_index):
    run(folders, ScriptedEngine(finish), run_index)
    engine = ScriptedEngine(finish)
    results, events = run(folders, engine, run_index)
    assert (engine.started, events, len(results)) == ([], [], 3)


def test_killed_three_times_from_one_step_is_a_failed_row(folders, run_index):
    bad = folders[1]

    def script(folder):
        if folder != bad:
            return finish(folder)
        folder.record_attempt(0)
        folder.beat(step=7, tokens=448, train_loss_nats=3.0, always=True)
        return "killed"

    engine = ScriptedEngine(script)
    results, events = run(folders, engine, run_index)
    assert engine.started.count(bad) == 3
    assert [event.kind for event in events if event.folder == bad and event.kind != "progress"] == [
        *["started", "retried"] * 2,
        *["started", "finished"],
    ]
    failed = results[1]
    assert (failed.status, failed.reason, failed.attempts, failed.val_loss_nats) == ("failed", "killed", 3, None)
    assert (failed.steps, failed.tokens_seen) == (7, 448)
    assert "it happened" in failed.message
    assert results[0].status == results[2].status == "done"
    (row,) = (row for row in run_index.rows() if row["run_id"] == bad.run_id)
    assert (row["status"], row["reason"], row["attempts"], row["wall_seconds"]) == ("failed", "killed", 3, None)


def test_starts_under_earlier_drivers_do_not_count_and_progress_starts_the_count_anew(folders, run_index):
    (bad,) = folders[:1]
    for step in (0, 0, 5, 5):
        bad.record_attempt(step)
    assert restarts_without_progress(bad) == 2
    starts = []

    def script(folder):
        folder.record_attempt(5)
        starts.append(folder)
        return "crashed"

    results, _ = run([bad], ScriptedEngine(script), run_index)
    assert (len(starts), results[0].reason, results[0].attempts) == (3, "error", 7)


def test_starts_after_which_each_takes_half_as_much_do_not_count(folders, run_index):
    (tight,) = folders[:1]

    def script(folder):
        folder.record_attempt(0)
        taken = 32 >> (len(folder.attempts()) - 1)
        if taken < 2:
            return finish(folder)
        for _ in range(2):  # two processes
            record_out_of_memory(
                folder.path,
                ParallelConfig(layout=Layout(sharded=2)),
                step=0,
                micro_batch_sequences=taken,
                message="tried to",
            )
        return "crashed"

    results, _ = run([tight], ScriptedEngine(script), run_index)
    assert (results[0].status, len(out_of_memory_events(tight.path))) == ("done", 5)


def test_starts_that_a_halving_did_not_end_count(folders, run_index):
    (tight,) = folders[:1]

    def script(folder):
        folder.record_attempt(0)
        for taken in (8, 4):  # one process alone goes on
            record_out_of_memory(folder.path, ParallelConfig(), step=0, micro_batch_sequences=taken, message="tried to")
        return "crashed"

    results, _ = run([tight], ScriptedEngine(script), run_index)
    assert (results[0].reason, results[0].attempts) == ("error", 3)


def test_starts_that_come_to_nothing_count_only_in_a_row(folders, run_index):
    outcomes = iter(["killed", "stopped", "killed", "begins", "killed", "stopped", "stopped", "killed"])

    def script(folder):
        outcome = next(outcomes, "finished")
        if outcome == "begins":
            folder.record_attempt(5)
            return "killed"
        return finish(folder) if outcome == "finished" else outcome

    results, events = run(folders[:1], ScriptedEngine(script), run_index)
    assert (results[0].status, [event.kind for event in events].count("retried")) == ("done", 8)


def test_a_run_killed_again_and_again_but_moving_on_is_not_given_up(folders, run_index):
    steps = iter(range(0, 100, 5))

    def script(folder):
        folder.record_attempt(next(steps))
        return "killed" if len(folder.attempts()) < 8 else finish(folder)

    results, _ = run(folders[:1], ScriptedEngine(script), run_index)
    assert (results[0].status, results[0].attempts) == ("done", 9)


def test_killed_right_after_its_result_is_finished(folders, run_index):
    def script(folder):
        finish(folder)
        return "killed"

    results, events = run(folders[:1], ScriptedEngine(script), run_index)
    assert results[0].status == "done"
    assert [event.kind for event in events] == ["started", "finished"]


def test_a_diverged_run_is_kept_and_not_retried(folders, run_index):
    def script(folder):
        folder.record_attempt(0)
        unknown = dict.fromkeys(("train_loss_nats", "val_loss_nats", "val_loss_se", "bits_per_byte"))
        facts = {"status": "failed", "reason": "diverged", "message": "nan at step 3", "domains": {}}
        folder.write_result(result_of(folder, **facts, **unknown))
        return "finished"

    engine = ScriptedEngine(script)
    results, _ = run(folders[:1], engine, run_index)
    assert (results[0].reason, len(engine.started)) == ("diverged", 1)
    run(folders[:1], engine, run_index)
    assert len(engine.started) == 1


def test_stopped_by_someone_else_is_started_again(folders, run_index):
    outcomes = iter(["stopped"] * 5)

    def script(folder):
        return next(outcomes, None) or finish(folder)

    results, events = run(folders[:1], ScriptedEngine(script), run_index)
    assert results[0].status == "done"
    assert [event.kind for event in events].count("retried") == 5


def test_a_refusal_stops_the_study_with_its_message(folders, run_index):
    engine = ScriptedEngine(lambda folder: "refused", slots=2)
    with pytest.raises(InputError, match="it happened"):
        run(folders, engine, run_index)
    assert engine.stopped == 1


def test_no_trainer_at_all_is_one_message_and_no_failed_rows(folders, run_index):
    engine = ScriptedEngine(lambda folder: "crashed", slots=3)
    with pytest.raises(InputError, match="every trainer failed before its first step: it happened"):
        run(folders, engine, run_index)
    assert {folder.status() for folder in folders} == {"waiting"}


class SlowStart(ScriptedEngine):
    """The trainer of `slow` ends after those of the others, and only at the third look at it alone."""

    def __init__(self, script, slow):
        super().__init__(script, slots=2)
        self.slow, self.looks = slow, 0

    def poll(self, timeout):
        self.running.sort(key=lambda folder: folder == self.slow)
        if self.running == [self.slow]:
            self.looks += 1
            if self.looks < 3:
                return []
        return super().poll(timeout)


def test_a_run_that_never_starts_fails_alone_once_another_has_started(folders, run_index):
    bad, slow, later = sorted(
        folders, key=lambda folder: folder.read_spec().spent_flops, reverse=True
    )  # the order of the starts

    def script(folder):
        assert bad.read_result() is None or folder == later  # not decided before the slow one has started
        return "crashed" if folder == bad else finish(folder)

    results, events = run(folders, SlowStart(script, slow), run_index)
    assert {result.run_id: result.status for result in results}[bad.run_id] == "failed"
    assert [event.folder for event in events if event.kind == "started"] == [bad, slow, bad, bad, later]


def test_a_lock_that_nobody_holds_is_not_waited_for_for_ever(folders, run_index):
    finish(folders[0])
    engine = ScriptedEngine(lambda folder: "locked" if folder == folders[1] else finish(folder), slots=3)
    results, _ = run(folders, engine, run_index)
    assert [result.reason for result in results] == ["", "error", ""]
    assert engine.started.count(folders[1]) == 3


def test_ctrl_c_stops_gently_and_counts(folders, run_index):
    done = []

    def script(folder):
        if done:
            raise KeyboardInterrupt
        done.append(folder)
        return finish(folder)

    engine = ScriptedEngine(script)
    with pytest.raises(InterruptedStudy, match="1 of 3 runs done, 2 left"):
        run(folders, engine, run_index)
    assert engine.stopped == 1
    assert run(folders, ScriptedEngine(finish), run_index)[0][0].status == "done"


def test_an_orphan_is_waited_for_and_not_doubled(folders, run_index, tmp_path):
    """A trainer whose driver was killed still holds the lock, and finishes."""
    orphaned = folders[1]
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from isoflop.runs.folder import RunFolder\n"
        "from runs.conftest import result_of\n"
        "folder = RunFolder(Path(sys.argv[2]))\n"
        "with folder.lock():\n"
        "  folder.record_attempt(0); print('held', flush=True)\n"
        "  while not Path(sys.argv[3]).exists(): time.sleep(0.01)\n"
        "  folder.write_result(result_of(folder))"
    )
    go, events = tmp_path / "go", []

    def on_event(event):
        events.append(event)
        if event.folder == orphaned and event.kind == "waiting":
            go.touch()

    arguments = [sys.executable, "-c", code, str(Path(__file__).parents[1]), str(orphaned.path), str(go)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as orphan:
        assert orphan.stdout.readline() == "held\n"
        engine = ScriptedEngine(finish, slots=3)
        results = execute(folders, engine, run_index, on_event=on_event)
    assert orphaned not in engine.started
    assert [event.kind for event in events if event.folder == orphaned] == ["waiting", "finished"]
    assert results[1].status == "done"
    assert len(orphaned.attempts()) == 1


def facts_of(study):
    names = ("run_id", "status", "steps", "tokens_seen", "train_loss_nats", "val_loss_nats", "flops_matmul")
    metrics = [[line["step"] for line in folder.read_metrics().lines] for folder in run_folders(study / "runs")]
    return [{name: row[name] for name in names} for row in RunIndex(study / "study.db").rows()], metrics


def attempts(study):
    return sum(len(folder.attempts()) for folder in run_folders(study / "runs"))


def test_kill_9_of_driver_and_trainers_at_random_moments_loses_nothing(tmp_path):
    unbroken, battered = tmp_path / "unbroken", tmp_path / "battered"
    for study in (unbroken, battered):
        for seed in range(4):
            RunFolder.create(study / "runs", small_spec(steps=100, seed=seed))
    subprocess.run([sys.executable, DRIVER, unbroken, "2"], check=True, stdout=subprocess.DEVNULL)
    chance, kills = random.Random(0), 0
    while kills < 5:
        with subprocess.Popen([sys.executable, DRIVER, battered, "2"], stdout=subprocess.PIPE) as driver:
            begun = attempts(battered)
            wait_until(lambda begun=begun: attempts(battered) > begun, driver)
            time.sleep(chance.uniform(0.05, 0.3))
            alive = [folder for folder in run_folders(battered / "runs") if folder.is_locked()]
            beats = [beat for folder in alive if (beat := folder.read_heartbeat())]
            if beats and kills % 2:
                os.kill(chance.choice(beats).pid, signal.SIGKILL)
                time.sleep(0.1)
            driver.kill()
            kills += 1
    done = subprocess.run([sys.executable, DRIVER, battered, "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert facts_of(battered) == facts_of(unbroken)
    assert attempts(battered) > 4
    for study in (unbroken, battered):
        rows = RunIndex(study / "study.db").rows()
        RunIndex(study / "study.db").reindex()
        assert RunIndex(study / "study.db").rows() == rows


def test_ctrl_c_in_the_terminal_saves_checkpoints(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec())
    hold(folder, 5)
    with subprocess.Popen(
        [sys.executable, DRIVER, tmp_path, "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a test run in the background is started with Ctrl-C ignored, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as driver:
        while driver.stdout.readline() != "progress\n":
            pass
        driver.send_signal(signal.SIGINT)
        _, said = finish_process(driver)
    assert driver.returncode == 130, said
    assert "interrupted: 0 of 1 runs done, 1 left" in said
    assert folder.status() == "interrupted"
    assert list(folder.checkpoints.glob("step-*/state.json"))
    with suppress(ProcessLookupError):
        os.kill(folder.attempts()[0].pid, 0)
        raise AssertionError("the trainer is still there")
