"""What this machine can do, measured before anything is planned: matmul peak and the trainer's own speed."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from annotated_types import Len

from isoflop.codec import Count, Positive, to_json
from isoflop.digest import read_value
from isoflop.files import write_json_atomically
from isoflop.hardware import Machine, measure_machine
from isoflop.recipe import SmallRecipe
from isoflop.spec import RunSpec
from isoflop.study.trainer import require_trainer, run_trainers
from isoflop.sweep import Speed

SCHEMA = 2
MEASURED_AT = ((16, 512), (24, 2048), (56, 512), (56, 1536), (96, 1024))
"""(width, tokens a step) whose speed is measured: the corners and the middle of what a default study trains."""


@dataclass(frozen=True, kw_only=True)
class TrainerSpeed:
    """How fast one trainer trains and evaluates one shape while the others work at the same time."""

    params: Count
    """Without embeddings."""
    spec: RunSpec
    step_seconds: Positive
    flops_per_second: Positive
    """By the `matmul` convention."""
    eval_tokens_per_second: Positive


@dataclass(frozen=True, kw_only=True)
class MeasuredMachine(Machine):
    """machine.json: this machine, and the speed of `workers` trainers that work side by side."""

    workers: Count
    trainer: Annotated[tuple[TrainerSpeed, ...], Len(1)]
    schema: int = 0
    """Version of the measurement; 0 where the file states none."""


def read_machine(path: Path) -> MeasuredMachine:
    """machine.json at `path`. Raises InputError that lists what is not as isoflop writes it."""
    return read_value(MeasuredMachine, path)


def measured_specs(recipe: SmallRecipe) -> list[RunSpec]:
    """The runs whose step time stands for all others."""
    specs = []
    for width, tokens in MEASURED_AT:
        batch = recipe.seq_len * max(1, round(tokens / recipe.seq_len))
        spec = recipe.spec(recipe.shape(width, 2), 1e6, corpus="", seed=0)
        # nothing masked: masked tokens take no time
        specs.append(replace(spec, batch_tokens=batch, tokens=100 * batch, warmup_tokens=0, masked_fraction=0.0))
    return specs


def measure(path: Path, recipe: SmallRecipe, workers: int) -> MeasuredMachine:
    """Measures this machine with `workers` trainers side by side, as the sweep will run, and writes it to `path`.

    Raises InputError, with the trainer's error message, when it cannot be started.
    """
    require_trainer()
    machine = measure_machine(path.parent)
    specs = measured_specs(recipe)
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "specs.json"
        write_json_atomically(listed, [spec.as_json() for spec in specs])
        command = [sys.executable, "-P", "-m", "isoflop.train.speed", str(listed)]
        outputs = run_trainers([command] * workers)
    # [worker][spec]
    timings = [[json.loads(line) for line in stdout.splitlines()] for stdout in outputs]
    speeds = []
    for spec, of_workers in zip(specs, zip(*timings, strict=True), strict=True):
        # the slowest of the workers: a plan that counts on luck runs late
        step = max(timing["step_seconds"] for timing in of_workers)
        speeds.append(
            TrainerSpeed(
                params=spec.architecture.params().non_embedding,
                spec=spec,
                step_seconds=step,
                flops_per_second=recipe.flops_per_token(spec.architecture) * spec.sequences * spec.seq_len / step,
                eval_tokens_per_second=min(timing["eval_tokens_per_second"] for timing in of_workers),
            )
        )
    measured = MeasuredMachine(**vars(machine), workers=workers, trainer=tuple(speeds), schema=SCHEMA)
    write_json_atomically(path, to_json(measured))
    return measured


def speed_of(machine: MeasuredMachine) -> Speed:
    """The step time of any shape, fitted to what was measured."""
    speed = Speed.fitted([(row.spec, row.step_seconds) for row in machine.trainer], eval_share=1.0)
    # what a validation token takes, over what the fit says of a training token of the same shape
    shares = []
    for row in machine.trainer:
        per_token = (speed.step(row.spec) - speed.step_seconds) / row.spec.batch_tokens
        if per_token > 0:
            shares.append(1 / row.eval_tokens_per_second / per_token)
    return replace(speed, eval_share=statistics.median(shares) if shares else 1.0)
