"""The contract suite of engines: subclass EngineContract in a test file, say how to make the engine and its runs.

class TestLocal(EngineContract):
    def make_engine(self, tmp_path, workers): ...
    def make_folder(self, tmp_path, name, seed): ...
    def make_fault(self, folder, fault): ...
    def clear_fault(self, folder, fault): ...
    def hold(self, folder, step): ...
    def release(self, folder): ...
    def driver(self, study, workers): ...
"""

from __future__ import annotations

from pathlib import Path

from isoflop.errors import InterruptedStudy
from isoflop.runs.engines.contract.branches import EngineBranches
from isoflop.runs.engines.contract.faults import EngineFaults
from isoflop.runs.engines.contract.runs import all_ended, executed, facts, half, wait_for
from isoflop.runs.run_event import RunEvent


class EngineContract(EngineFaults, EngineBranches):
    """What every engine must do, whoever kills what. pytest passes `tmp_path`; nothing here needs pytest."""

    def test_works_through_more_folders_than_it_has_slots(self, tmp_path: Path) -> None:
        """Every folder gets its result, each by one start."""
        folders = [self.make_folder(tmp_path, "runs", seed) for seed in range(3)]
        events = executed(self.make_engine(tmp_path, 2), folders, tmp_path)
        assert [folder.status() for folder in folders] == ["done"] * 3
        assert [len(folder.attempts()) for folder in folders] == [1] * 3
        assert sorted(event.kind for event in events if event.kind != "progress") == ["finished"] * 3 + ["started"] * 3

    def test_a_folder_started_twice_is_worked_on_once(self, tmp_path: Path) -> None:
        """The second trainer meets the lock and leaves."""
        folder = self.make_folder(tmp_path, "runs", 0)
        self.hold(folder, 1)
        engine = self.make_engine(tmp_path, 2)
        try:
            engine.start(folder)
            wait_for(folder.read_heartbeat)
            engine.start(folder)
            (second,) = all_ended(engine, 1)
            self.release(folder)
            (last,) = all_ended(engine, 1)
        finally:
            engine.close()
        assert (second.outcome, last.outcome) == ("locked", "finished")
        assert (folder.status(), len(folder.attempts())) == ("done", 1)

    def test_stop_keeps_what_was_done(self, tmp_path: Path) -> None:
        """A stopped run continues after its first step, to the same numbers."""
        stopped = self.make_folder(tmp_path, "stopped", 0)
        self.hold(stopped, half(stopped))
        engine = self.make_engine(tmp_path, 1)
        try:
            engine.start(stopped)
            wait_for(stopped.read_heartbeat)
            engine.stop()
            assert stopped.status() == "interrupted"
            assert engine.free == 1
        finally:
            engine.close()
        self.release(stopped)
        executed(self.make_engine(tmp_path, 1), [stopped], tmp_path)
        assert [attempt.from_step > 0 for attempt in stopped.attempts()] == [False, True]
        assert facts(stopped) == self.unbroken(tmp_path)

    def test_ctrl_c_is_resumable(self, tmp_path: Path) -> None:
        """Ctrl-C in the driver raises InterruptedStudy; the same call does the rest."""
        folders = [self.make_folder(tmp_path, "runs", seed) for seed in range(2)]
        for folder in folders:
            self.hold(folder, half(folder))

        def interrupt(event: RunEvent) -> None:
            if event.kind == "progress":
                raise KeyboardInterrupt

        try:
            executed(self.make_engine(tmp_path, 1), folders, tmp_path, interrupt)
            raise AssertionError("expected InterruptedStudy")
        except InterruptedStudy as error:
            assert "0 of 2 runs done, 2 left" in str(error)  # noqa: PT017 - this file does without pytest
        for folder in folders:
            self.release(folder)
        executed(self.make_engine(tmp_path, 1), folders, tmp_path)
        assert [folder.status() for folder in folders] == ["done"] * 2
        assert sorted(len(folder.attempts()) for folder in folders) == [1, 2]

    def test_a_result_is_never_made_twice(self, tmp_path: Path) -> None:
        """A trainer started on a finished folder changes nothing."""
        folder = self.make_folder(tmp_path, "runs", 0)
        engine = self.make_engine(tmp_path, 1)
        try:
            engine.start(folder)
            first = all_ended(engine, 1)
            facts = folder.result.read_bytes()
            engine.start(folder)
            second = all_ended(engine, 1)
        finally:
            engine.close()
        assert [ended.outcome for ended in first + second] == ["finished"] * 2
        assert folder.result.read_bytes() == facts
        assert len(folder.attempts()) == 1
