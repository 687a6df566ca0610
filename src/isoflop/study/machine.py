"""What this machine can do, measured before anything is planned: matmul peak and the trainer's own speed."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from isoflop.files import write_json_atomically
from isoflop.hardware import measure_machine
from isoflop.recipe import SmallRecipe
from isoflop.spec import RunSpec
from isoflop.study.trainer import require_trainer, run_trainers
from isoflop.sweep import Speed

SCHEMA = 2
MEASURED_AT = ((16, 512), (24, 2048), (56, 512), (56, 1536), (96, 1024))
"""(width, tokens a step) whose speed is measured: the corners and the middle of what a default study trains."""


def measured_specs(recipe: SmallRecipe) -> list[RunSpec]:
    """The runs whose step time stands for all others."""
    specs = []
    for width, tokens in MEASURED_AT:
        batch = recipe.seq_len * max(1, round(tokens / recipe.seq_len))
        spec = recipe.spec(recipe.shape(width, 2), 1e6, corpus="", seed=0)
        specs.append(replace(spec, batch_tokens=batch, tokens=100 * batch, warmup_tokens=0))
    return specs


def measure(path: Path, recipe: SmallRecipe, workers: int) -> dict[str, Any]:
    """Measure this machine with `workers` trainers side by side, as the sweep will run, and write it to `path`.

    Returns {schema, cores, matmul_flops_per_core, memory_bytes, disk_free_bytes, workers,
    trainer: [{params, spec, step_seconds, flops_per_second, eval_tokens_per_second}]}.
    Raises InputError, with the trainer's own words, when it cannot be started.
    """
    require_trainer()
    machine = measure_machine(path.parent).as_json()
    specs = measured_specs(recipe)
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "specs.json"
        write_json_atomically(listed, [spec.as_json() for spec in specs])
        command = [sys.executable, "-P", "-m", "isoflop.train.speed", str(listed)]
        outputs = run_trainers([command] * workers)
    measured = [[json.loads(line) for line in stdout.splitlines()] for stdout in outputs]
    trainer_speeds = []
    for number, spec in enumerate(specs):
        rows = [rows_of_one[number] for rows_of_one in measured]
        # the slowest of the workers: a plan that counts on luck runs late
        step = max(row["step_seconds"] for row in rows)
        trainer_speeds.append(
            {
                "params": spec.architecture.params().non_embedding,
                "spec": spec.as_json(),
                "step_seconds": step,
                "flops_per_second": recipe.flops_per_token(spec.architecture) * spec.batch_tokens / step,
                "eval_tokens_per_second": min(row["eval_tokens_per_second"] for row in rows),
            }
        )
    value = {"schema": SCHEMA, **machine, "workers": workers, "trainer": trainer_speeds}
    write_json_atomically(path, value)
    return value


def speed_of(machine: dict[str, Any]) -> Speed:
    """The Speed that `measure` found."""
    steps = [(RunSpec.from_json(row["spec"]), row["step_seconds"]) for row in machine["trainer"]]
    speed = Speed.fitted(steps, eval_share=1.0)
    # what a validation token takes, over what the fit says of a training token of the same shape
    shares = []
    for (spec, _), row in zip(steps, machine["trainer"], strict=True):
        per_token = (speed.step(spec) - speed.step_seconds) / spec.batch_tokens
        if per_token > 0:
            shares.append(1 / row["eval_tokens_per_second"] / per_token)
    return replace(speed, eval_share=statistics.median(shares) if shares else 1.0)
