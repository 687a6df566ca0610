"""python step_driver.py STUDY WORKERS: does the runs of a study with step trainers, as any driver does."""

import sys
from pathlib import Path

from isoflop.errors import IsoflopError
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.execute import execute
from isoflop.runs.folder import run_folders
from isoflop.runs.ledger import Ledger
from isoflop.runs.lock import study_lock


def main(study: Path, workers: int) -> int:
    command = [sys.executable, str(Path(__file__).with_name("step_trainer.py")), "--step-seconds", "0.01"]
    try:
        with study_lock(study), LocalEngine(workers=workers, logs=study / "logs", command=command) as engine:
            folders = run_folders(study / "runs")
            execute(folders, engine, Ledger(study / "study.db"), on_event=lambda e: print(e.kind, flush=True))
    except IsoflopError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
