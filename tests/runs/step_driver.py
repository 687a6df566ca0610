"""python step_driver.py STUDY WORKERS [ENGINE]: does the runs of a study with step trainers, as any driver does."""

import sys
from contextlib import closing
from pathlib import Path

from isoflop.errors import IsoflopError
from isoflop.files import write_bytes_atomically
from isoflop.runs.driver import execute
from isoflop.runs.engines.jobs import JobEngine
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.engines.local_jobs import LocalJobs
from isoflop.runs.engines.ray import Ray
from isoflop.runs.engines.slurm import Slurm
from isoflop.runs.folder import run_folders
from isoflop.runs.lock import held
from isoflop.runs.run_index import RunIndex

STEP_TRAINER = Path(__file__).with_name("step_trainer.py")


def step_command(folder=None, step_seconds=0.005):
    path = [str(folder.path.resolve())] if folder else []
    return [sys.executable, str(STEP_TRAINER), *path, "--step-seconds", str(step_seconds)]


def step_engine(kind, logs, workers, step_seconds=0.005):
    """An engine of step trainers."""
    if kind == "local":
        return LocalEngine(workers=workers, logs=logs, command=step_command(step_seconds=step_seconds))
    systems = {
        "here": lambda: LocalJobs(slots=workers),
        "slurm": lambda: Slurm(logs=logs, cluster="local", options={"timeout_min": 60}),
        "real-slurm": lambda: Slurm(logs=logs, options={"timeout_min": 60, "mem_gb": 0.5}),
        "ray": lambda: Ray(slots=workers),
    }
    return JobEngine(system=systems[kind](), workers=workers, command=lambda folder: step_command(folder, step_seconds))


def hold(folder, step):
    """Has every trainer of `folder` wait at `step`."""
    write_bytes_atomically(folder.path / "hold", str(step).encode())


def release(folder):
    """Has it go on."""
    (folder.path / "hold").unlink()


def main(study: Path, workers: int, kind: str = "local") -> int:
    try:
        # submitit's folder, which has links, is none of a study
        logs = study.with_name(f"{study.name}-slurm") if "slurm" in kind else study / "logs"
        with held(study / "lock", "the study"), closing(step_engine(kind, logs, workers, 0.01)) as engine:
            folders = run_folders(study / "runs")
            execute(folders, engine, RunIndex(study / "study.db"), on_event=lambda e: print(e.kind, flush=True))
    except IsoflopError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
