"""What this machine can do, measured before anything is planned: matmul peak and the trainer's own speed."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from isoflop.files import write_json_atomically
from isoflop.hardware import measure_machine
from isoflop.recipe import Recipe
from isoflop.spec import RunSpec
from isoflop.study.trainer import require_trainer, run_trainers
from isoflop.sweep import Speed

SCHEMA = 1
MEASURED_AT = ((5e3, 3e11), (1e5, 3e12), (6e5, 1e13))
"""(non-embedding parameters, FLOPs) of the sizes whose speed is measured: a study's small, middle and large."""


def measured_specs(recipe: Recipe) -> list[RunSpec]:
    """The runs whose step time stands for all others."""
    specs = []
    for params, flops in MEASURED_AT:
        shape = recipe.architecture(params)
        tokens = flops / recipe.flops_per_token(shape)
        specs.append(recipe.spec(shape, tokens, corpus="", seed=0))
    return specs


def measure(path: Path, recipe: Recipe, workers: int) -> dict[str, Any]:
    """Measure this machine with `workers` trainers side by side, as the sweep will run, and write it to `path`.

    Returns {schema, cores, matmul_flops_per_core, memory_bytes, disk_free_bytes, workers,
    trainer: [{params, batch_tokens, step_flops, flops_per_second, eval_tokens_per_second}]}.
    Raises InputError, with the trainer's own words, when it cannot be started.
    """
    require_trainer()
    machine = measure_machine(path.parent).as_json()
    specs = measured_specs(recipe)
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "specs.json"
        write_json_atomically(listed, [spec.as_json() for spec in specs])
        command = [sys.executable, "-m", "isoflop.train.speed", str(listed)]
        outputs = run_trainers([command] * workers)
    measured = [[json.loads(line) for line in stdout.splitlines()] for stdout in outputs]
    trainer_speeds = []
    for number, spec in enumerate(specs):
        rows = [rows_of_one[number] for rows_of_one in measured]
        # the slowest of the workers: a plan that counts on luck runs late
        rate = min(row["flops_per_second"] for row in rows)
        trainer_speeds.append(
            {
                "params": spec.architecture.params().non_embedding,
                "batch_tokens": spec.batch_tokens,
                "step_flops": recipe.flops_per_token(spec.architecture) * spec.batch_tokens,
                "flops_per_second": rate,
                "eval_tokens_per_second": min(row["eval_tokens_per_second"] for row in rows),
            }
        )
    value = {"schema": SCHEMA, **machine, "workers": workers, "trainer": trainer_speeds}
    write_json_atomically(path, value)
    return value


def speed_of(machine: dict[str, Any]) -> Speed:
    """The Speed that `measure` found."""
    rows = sorted(machine["trainer"], key=lambda row: row["step_flops"])
    return Speed(
        flops=tuple(row["step_flops"] for row in rows),
        flops_per_second=tuple(row["flops_per_second"] for row in rows),
        eval_tokens_per_second=tuple(row["eval_tokens_per_second"] for row in rows),
    )
