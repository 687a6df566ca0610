"""A study under kills beside the same study left alone: do both end with the same observations?

    python bench/faults.py FOLDER [--every 20] [--seconds 300] [--engine slurm]

FOLDER/alone is done first. FOLDER/battered has its corpus and its machine, so that its runs are the same ones; while it
is done something is killed with SIGKILL every `--every` seconds, for `--seconds`: trainers, the driver, or all of them,
as drawn. Both studies go on where they are when the program is called again. Exits with 1 when anything differs, or
when the study was done before the kills were.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from isoflop.runs.folder import run_folders
from isoflop.runs.result import OF_THE_CLOCK
from isoflop.runs.run_index import RunIndex

CLOCK = {"attempts", "first_started", "finished", *OF_THE_CLOCK}
"""Columns of the run index that may differ."""


def study_command(folder: Path, options: list[str]) -> list[str]:
    return [sys.executable, "-m", "isoflop", "study", str(folder), *options]


def begin(alone: Path, battered: Path) -> None:
    """Gives `battered` what decides which runs a study has."""
    battered.mkdir(parents=True, exist_ok=True)
    for name in ("study.toml", "machine.json"):
        if not (battered / name).exists():
            shutil.copy(alone / name, battered / name)
    if not (battered / "corpus").exists():
        shutil.copytree(alone / "corpus", battered / "corpus")


def trainers(study: Path) -> list[int]:
    """Processes that work in a run folder now."""
    pids = []
    for folder in run_folders(study / "runs"):
        if folder.is_locked():
            with suppress(OSError, IndexError, ValueError):
                pids.append(int(folder.lock_file.read_text().split()[1]))
    return pids


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def batter(study: Path, every: float, seconds: float, seed: int, options: list[str]) -> tuple[dict[str, int], float]:
    """Does the study under kills; how many there were, by victim, and for how many seconds."""
    dice, kills = random.Random(seed), {"trainers": 0, "driver": 0, "all": 0}
    began = time.monotonic()
    ends = began + seconds
    driver = subprocess.Popen(study_command(study, options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while time.monotonic() < ends:
        try:
            driver.communicate(timeout=every)
            break
        except subprocess.TimeoutExpired:
            victim = dice.choice(sorted(kills))
            kills[victim] += 1
            for pid in trainers(study) if victim != "driver" else []:
                kill(pid)
            if victim != "trainers":
                driver.kill()
                driver.communicate()
                driver = subprocess.Popen(
                    study_command(study, options), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
    lasted = time.monotonic() - began
    _, errors = driver.communicate()
    if driver.returncode != 0:
        sys.exit(f"the battered study ended with {driver.returncode}: {errors.decode()}")
    return kills, lasted


def facts(study: Path) -> dict[str, object]:
    """What must be the same."""
    rows = [{k: v for k, v in row.items() if k not in CLOCK} for row in RunIndex(study / "study.db").rows()]
    curves = {
        folder.run_id: [
            {k: v for k, v in line.items() if k not in OF_THE_CLOCK} for line in folder.read_metrics().lines
        ]
        for folder in run_folders(study / "runs")
    }
    observations = (study / "fits" / "observations.csv").read_bytes()
    return {"rows of the run index": rows, "training curves": curves, "observations": observations}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between kills")
    parser.add_argument("--seconds", type=float, default=300.0, help="how long there are kills")
    parser.add_argument("--seed", type=int, default=0, help="of the draws")
    parser.add_argument("--flops", default="2e12")
    parser.add_argument("--budgets", default="7", help="7 make 43 runs")
    parser.add_argument("--engine", default="local")
    arguments = parser.parse_args()
    alone, battered = arguments.folder / "alone", arguments.folder / "battered"
    options = ["--engine", arguments.engine]
    asked = [] if (alone / "sweep.json").exists() else ["--flops", arguments.flops, "--budgets", arguments.budgets]
    subprocess.run(study_command(alone, [*asked, *options]), check=True, stdout=subprocess.DEVNULL)
    begin(alone, battered)
    kills, lasted = batter(battered, arguments.every, arguments.seconds, arguments.seed, options)
    runs = run_folders(battered / "runs")
    starts = sum(len(folder.attempts()) for folder in runs)
    said = ", ".join(f"{count} of {victim}" for victim, count in kills.items())
    print(
        f"{len(runs)} runs, engine {arguments.engine}: {sum(kills.values())} kills ({said}) in {lasted:.0f} s, "
        f"{starts} starts"
    )
    left, right = facts(alone), facts(battered)
    different = [name for name in left if left[name] != right[name]]
    for name in left:
        print(f"{name}: {'DIFFERENT' if name in different else 'the same'}")
    if lasted < arguments.seconds:
        print(f"the study was done before {arguments.seconds:.0f} s of kills were: begin anew with more --flops")
    return 1 if different or lasted < arguments.seconds else 0


if __name__ == "__main__":
    sys.exit(main())
