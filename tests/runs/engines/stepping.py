"""What the contract tests of all engines share: runs of the step trainer."""

import sys
from pathlib import Path

from isoflop.runs.engines.contract import EngineContract
from isoflop.runs.folder import RunFolder

from .. import step_driver
from ..conftest import small_spec
from ..step_driver import step_engine


class StepContract(EngineContract):
    kind = "local"

    def make_engine(self, tmp_path, workers):
        return step_engine(self.kind, tmp_path / "logs", workers)

    def make_folder(self, tmp_path, name, seed):
        return RunFolder.create(tmp_path / name, small_spec(steps=200, seed=seed))

    def make_fault(self, folder, fault):
        (folder.path / fault).touch()

    def mend_fault(self, folder, fault):
        (folder.path / fault).unlink()

    def driver(self, study, workers):
        return [sys.executable, step_driver.__file__, str(study), str(workers), self.kind]

    def machine(self, beat):
        if self.kind == "local":
            return [beat.pid]
        status = Path(f"/proc/{beat.pid}/status").read_text()
        keeper = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
        return [keeper, beat.pid]
