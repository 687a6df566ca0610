"""How long `isoflop status` takes on a study with many run folders.

    python bench/many_runs.py FOLDER [--runs 10000]

FOLDER/study gets a design and a folder with spec, result, attempt and curve for each run; nothing is trained: the
losses are those of a law. Then `isoflop status FOLDER/study --json` is called twice in a process of its own, and the
seconds of the second call are printed: a disk that is read for the first time is another matter.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from isoflop.arch import flops_by_convention
from isoflop.files import write_json_atomically
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.runs.result import RunResult, counted_params
from isoflop.spec import RunSpec
from isoflop.sweep import Design, isoflop_design
from isoflop.sweep.designs import DesignedRun

BUDGETS = (1e12, 2e12, 4e12, 8e12, 16e12)


def designed(runs: int) -> Iterator[DesignedRun]:
    """So many runs: one design after another, each of another seed."""
    recipe, made, seed = SmallRecipe(vocab_size=257), 0, 0
    while made < runs:
        for run in isoflop_design(recipe, BUDGETS, corpus="", seed=seed).runs[: runs - made]:
            made += 1
            yield run
        seed += 1


def result_of(spec: RunSpec) -> RunResult:
    """What a run of this spec came to, by a law."""
    params, seq_len = counted_params(spec.architecture), spec.seq_len
    loss = 1.2 + 20 * params["non_embedding"] ** -0.3 + 60 * spec.tokens**-0.3
    facts = {"loss_nats": loss, "loss_se": 0.01, "bits_per_byte": loss / math.log(2), "tokens": 1e5, "bytes": 1e5}
    return RunResult(
        run_id=spec.run_id,
        status="done",
        steps=spec.steps,
        tokens_seen=spec.tokens,
        params=params,
        flops={name: value * spec.tokens for name, value in flops_by_convention(spec.architecture, seq_len).items()},
        train_loss_nats=loss,
        val_loss_nats=loss,
        val_loss_se=0.01,
        bits_per_byte=loss / math.log(2),
        domains={"text": facts},
        metric_version=1,
        wall_seconds=10.0,
        device="cpu",
        threads=1,
        code_version="0",
        torch_version="2",
        finished=1.8e9,
        attempts=1,
    )


def make(study: Path, runs: int, lines: int = 100) -> None:
    """The folders, each with a curve of so many lines."""
    study.mkdir(parents=True)
    (study / "study.toml").write_text("schema = 1\nflops = 1e14\n")
    design = Design(runs=tuple(designed(runs)))
    design.save(study / "sweep.json")
    for spec in design.specs:
        folder = RunFolder(study / "runs" / spec.run_id)
        folder.path.mkdir(parents=True)
        write_json_atomically(folder.spec, spec.as_json(), durable=False)
        write_json_atomically(folder.result, result_of(spec).as_json(), durable=False)
        folder.attempts_file.write_text('{"started": 1.8e9, "pid": 1, "host": "here", "from_step": 0}\n')
        points = ({"step": i, "tokens": 512 * i, "flops": 1e8 * i, "train_loss_nats": 3.0} for i in range(1, lines))
        folder.metrics.write_text("".join(json.dumps(point) + "\n" for point in points))


def seconds_of_status(study: Path) -> float:
    """Seconds of one call."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "isoflop", "status", str(study), "--json"], check=True, capture_output=True)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    arguments = parser.parse_args()
    study = arguments.folder / "study"
    if not study.exists():
        make(study, arguments.runs)
    seconds_of_status(study)
    print(f"{arguments.runs:,} runs: {seconds_of_status(study):.1f} s")


if __name__ == "__main__":
    main()
