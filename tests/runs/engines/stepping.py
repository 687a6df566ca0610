"""What the contract tests of all engines share: runs of the step trainer."""

import sys
from pathlib import Path

from isoflop.runs.engines.contract import EngineContract
from isoflop.runs.folder import RunFolder

from ..conftest import small_spec

STEP_TRAINER = Path(__file__).parents[1] / "step_trainer.py"


def step_command(folder, step_seconds=0.005):
    return [sys.executable, str(STEP_TRAINER), str(folder.path.resolve()), "--step-seconds", str(step_seconds)]


class StepContract(EngineContract):
    def make_folder(self, tmp_path, name, seed):
        return RunFolder.create(tmp_path / name, small_spec(steps=200, seed=seed))

    def make_crash(self, folder):
        (folder.path / "crash").touch()
