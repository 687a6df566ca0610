"""Thousands of hostile inputs: mutated tables, command lines, configurations and damaged studies.

    python bench/hostile.py tables|commands|models|studies [--first 0] [--count 1000] [--study STUDY]

What tests/hostile/ draws a few hundred of. Every fault is printed with its seed; `--first SEED --count 1` makes that
input again. `studies` damages copies of STUDY, a finished study. Exits with 1 when there was a fault.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from hostile import commands, configs, studies, tables
from hostile.verdict import Answer, ask


def of_table(rng: random.Random, folder: Path, _: Path | None) -> list[Answer]:
    file = tables.mutated(rng, folder)
    more = rng.choice(([], ["--json"], ["--json"], ["--out", folder / "fit.json"], ["--keep-all"], ["--optima"]))
    return [ask("fit", file, "--draws", rng.choice(("0", "20")), *more)]


def of_command(rng: random.Random, folder: Path, _: Path | None) -> list[Answer]:
    commands.prepare(folder)
    return [ask(*commands.drawn(rng))]


def of_model(rng: random.Random, folder: Path, _: Path | None) -> list[Answer]:
    return [ask(*configs.model(rng, folder)), ask(*configs.study(rng, folder))]


def of_study(rng: random.Random, folder: Path, study: Path | None) -> list[Answer]:
    if study is None:
        raise SystemExit("studies: give --study, the folder of a finished study")
    copy, file = studies.small_copy(study, folder / "study"), rng.choice(studies.files_of(study))
    how = studies.damaged(copy / file, rng)
    answers = [ask(*(part.format(copy) for part in verb)) for verb in rng.sample(studies.READERS, 3)]
    if any(answer.faults for answer in answers):
        print(f"{file}: {how}")
    return answers


KINDS: dict[str, Callable[[random.Random, Path, Path | None], list[Answer]]] = {
    "tables": of_table,
    "commands": of_command,
    "models": of_model,
    "studies": of_study,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--study", type=Path)
    arguments = parser.parse_args()
    study = None if arguments.study is None else arguments.study.resolve()
    warnings.simplefilter("error", RuntimeWarning)  # as in the tests
    codes, faults, slowest = Counter[int](), 0, 0.0
    for seed in range(arguments.first, arguments.first + arguments.count):
        folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        os.chdir(folder)
        for answer in KINDS[arguments.kind](random.Random(seed), folder, study):
            codes[answer.code] += 1
            slowest = max(slowest, answer.seconds)
            for fault in answer.faults:
                faults += 1
                last = answer.where.strip().splitlines()[-8:]
                print(f"{seed} {[part[:60] for part in answer.arguments]}: {fault}", *last, sep="\n", flush=True)
        os.chdir("/")
        shutil.rmtree(folder)
    print(f"{sum(codes.values()):,} calls, {faults} faults, exit codes {dict(codes)}, slowest {slowest:.1f} s")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
