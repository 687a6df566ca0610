"""What the contract tests of all engines share: trainers told by files in the run folder, runs of the step trainer."""

import subprocess
import sys

from isoflop.runs.engines.contract.suite import EngineContract
from isoflop.runs.folder import RunFolder

from .. import step_driver
from ..conftest import small_spec
from ..step_driver import hold, release, step_engine


class ToldByFiles(EngineContract):
    def make_fault(self, folder, fault):
        (folder.path / fault).touch()

    def clear_fault(self, folder, fault):
        (folder.path / fault).unlink()

    def hold(self, folder, step):
        hold(folder, step)

    def release(self, folder):
        release(folder)


class StepContract(ToldByFiles):
    kind = "local"

    def make_engine(self, tmp_path, workers):
        return step_engine(self.kind, tmp_path / "logs", workers)

    def make_folder(self, tmp_path, name, seed):
        return RunFolder.create(tmp_path / name, small_spec(steps=200, seed=seed))

    def driver(self, study, workers):
        return [sys.executable, step_driver.__file__, str(study), str(workers), self.kind]

    def machine(self, beat):
        if self.kind in ("local", "here"):  # the driver keeps it
            return [beat.pid]
        parent = subprocess.run(["ps", "-o", "ppid=", "-p", str(beat.pid)], capture_output=True, text=True, check=True)
        return [int(parent.stdout), beat.pid]
