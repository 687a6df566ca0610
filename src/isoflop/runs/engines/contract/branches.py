"""What engines must make of runs that begin from one another: each starts once it can, and no kill changes a number."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from isoflop.begins import Begins
from isoflop.runs.engines.contract.runs import TIMEOUT_SECONDS, EngineRuns, executed, facts, wait_for
from isoflop.runs.folder import RunFolder
from isoflop.runs.kept import ask_to_keep, kept_steps
from isoflop.runs.run_event import RunEvent
from isoflop.schedule import Schedule
from isoflop.spec import RunSpec


class EngineBranches(EngineRuns):
    """A trunk at a constant rate, and a run of half its tokens that begins from it where its own cooldown begins."""

    def make_tree(self, tmp_path: Path, name: str) -> tuple[RunFolder, RunFolder]:
        """The folders of trunk and branch in the folder of runs `tmp_path / name`."""
        model = self.make_folder(tmp_path, "model", 0).read_spec()
        trunk = replace(model, schedule=Schedule(kind="wsd", final_fraction=0.0))
        straight = _of_half(trunk)
        branch = replace(straight, begins=Begins(run=trunk.run_id, step=straight.shared_steps))
        return RunFolder.create(tmp_path / name, trunk), RunFolder.create(tmp_path / name, branch)

    def equals_straight(self, tmp_path: Path, branch: RunFolder) -> None:
        """Asserts that `branch` came to what its run comes to without a trunk, by its own steps alone."""
        spec, result = branch.read_spec(), branch.read_result()
        straight = RunFolder.create(tmp_path / "straight", replace(spec, begins=None))
        executed(self.make_engine(tmp_path, 1), [straight], tmp_path)
        (found, lines), (expected, _) = facts(branch), facts(straight)
        assert self.same_but_for_rounding((found, []), (expected, [])), f"{found} is not {expected}"
        steps = [line["step"] for line in lines]
        assert steps == sorted(set(map(_number, steps))), "a line was doubled"
        assert result is not None
        assert (result.spent_tokens, result.notices) == (spec.spent_tokens, ())

    def test_a_branch_is_started_once_its_trunk_has_passed_the_step(self, tmp_path: Path) -> None:
        """The branch does not start before, and does not wait for the end of the trunk."""
        trunk, branch = self.make_tree(tmp_path, "runs")
        step = _begun(branch)
        self.hold(trunk, step + 2)

        def free(event: RunEvent) -> None:
            """Lets the trunk go on when the branch has ended."""
            if event.folder == branch and event.kind == "started":
                assert kept_steps(trunk) == (step,), "started before the checkpoint was there"
            if event.folder == branch and event.kind == "finished":
                assert trunk.read_result() is None
                self.release(trunk)

        events = executed(self.make_engine(tmp_path, 2), [branch, trunk], tmp_path, free)
        order = [event.folder for event in events if event.kind in ("started", "finished")]
        assert order == [trunk, branch, branch, trunk]
        assert [attempt.from_step for attempt in branch.attempts()] == [step]
        self.equals_straight(tmp_path, branch)

    def test_trunk_and_branch_killed_come_to_the_same_numbers(self, tmp_path: Path) -> None:
        """The trunk is killed before it has kept its checkpoint, the branch in the middle of its own steps."""
        trunk, branch = self.make_tree(tmp_path, "runs")
        moments = {trunk: _begun(branch) // 2, branch: (_begun(branch) + branch.read_spec().steps) // 2}
        for folder, moment in moments.items():
            self.hold(folder, moment)
        killed: list[RunFolder] = []

        def kill(event: RunEvent) -> None:
            """Kills each trainer once, where it is held."""
            folder, beat = event.folder, event.heartbeat
            if beat is None or folder in killed or beat.step < moments[folder]:
                return
            killed.append(folder)
            with suppress(ProcessLookupError):
                os.kill(beat.pid, signal.SIGKILL)
            self.release(folder)

        executed(self.make_engine(tmp_path, 2), [branch, trunk], tmp_path, kill)
        assert killed == [trunk, branch]
        assert {attempt.from_step >= _begun(branch) for attempt in branch.attempts()} == {True}
        self.equals_straight(tmp_path, branch)

    def test_five_kills_at_random_steps_leave_the_same_rows(self, tmp_path: Path) -> None:
        """Drivers die one after another; each next one continues from what the folders hold."""
        trunk, branch = self.make_tree(tmp_path / "study", "runs")
        total = trunk.read_spec().steps + branch.read_spec().steps - _begun(branch)
        driver = self.driver(tmp_path / "study", 2)
        for moment in sorted(random.Random(5).sample(range(1, total * 3 // 4), 5)):
            with subprocess.Popen(driver, stdout=subprocess.DEVNULL) as killed:
                wait_for(lambda: killed.poll() is not None or _taken(trunk) + _taken(branch) >= moment)  # noqa: B023
                killed.kill()
        subprocess.run(driver, check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS)
        self.equals_straight(tmp_path, branch)
        straight = RunFolder.create(tmp_path / "alone", trunk.read_spec())
        executed(self.make_engine(tmp_path, 1), [straight], tmp_path)
        assert self.same_but_for_rounding(facts(trunk), facts(straight))

    def test_a_driver_killed_between_trunk_and_branch_loses_nothing(self, tmp_path: Path) -> None:
        """The next driver finds the checkpoint that the trunk has kept."""
        trunk, branch = self.make_tree(tmp_path / "study", "runs")
        ask_to_keep(trunk, [_begun(branch)])
        self.hold(trunk, _begun(branch) + 2)
        self.hold(branch, _begun(branch) + 1)
        driver = self.driver(tmp_path / "study", 2)
        with subprocess.Popen(driver, stdout=subprocess.DEVNULL) as first:
            wait_for(lambda: branch.read_heartbeat())
            first.kill()
        self.release(trunk)
        self.release(branch)
        subprocess.run(driver, check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS)
        assert (trunk.status(), branch.status()) == ("done", "done")
        self.equals_straight(tmp_path, branch)


def _of_half(trunk: RunSpec) -> RunSpec:
    return replace(trunk, tokens=trunk.steps // 2 * trunk.batch_tokens)


def _begun(branch: RunFolder) -> int:
    begins = branch.read_spec().begins
    assert begins is not None
    return begins.step


def _taken(folder: RunFolder) -> int:
    """Steps that a run has taken itself, as far as it has reported."""
    beat, begins = folder.read_heartbeat(), folder.read_spec().begins
    return 0 if beat is None else beat.step - (begins.step if begins else 0)


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value
