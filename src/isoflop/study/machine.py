"""What this machine can do, measured before anything is planned: matmul peak and the trainer's own speed."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated

from annotated_types import Len

from isoflop.arch import flops_per_token
from isoflop.codec import Count, Positive, to_json
from isoflop.digest import read_value
from isoflop.files import write_json_atomically
from isoflop.hardware import Machine, measure_machine
from isoflop.recipe import SmallRecipe
from isoflop.runs.out_of_memory import MEMORY_VARIABLE
from isoflop.spec import RunSpec
from isoflop.study.devices import FEWEST_MEASURED, SIDE_BY_SIDE, Device, device_specs, speed_commands
from isoflop.study.trainer import require_trainer, run_trainers
from isoflop.sweep import Speed
from isoflop.sweep.devices import SharedDevice, slots_of

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
class SharedSpeed:
    """The speed of each of some trainers that share an accelerator."""

    processes: Count
    trainer: Annotated[tuple[TrainerSpeed, ...], Len(1)]


@dataclass(frozen=True, kw_only=True)
class MeasuredDevice(Device):
    """An accelerator and the speed of trainers on it."""

    speeds: Annotated[tuple[SharedSpeed, ...], Len(1)]
    """Of one alone first."""


@dataclass(frozen=True, kw_only=True)
class MeasuredMachine(Machine):
    """machine.json: this machine, and the speed of `workers` trainers that work side by side."""

    workers: Count
    trainer: Annotated[tuple[TrainerSpeed, ...], Len(1)]
    devices: tuple[MeasuredDevice, ...] = ()
    """Its accelerators that the study uses."""
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


def measure(path: Path, recipe: SmallRecipe, workers: int, devices: Sequence[Device] = ()) -> MeasuredMachine:
    """Measures this machine with `workers` trainers side by side, as the sweep will run, and its accelerators, and
    writes it to `path`.

    Raises InputError, with the trainer's error message, when it cannot be started.
    """
    require_trainer()
    machine = measure_machine(path.parent)
    command = [sys.executable, "-P", "-m", "isoflop.train.speed"]
    cores = _measured(measured_specs(recipe), lambda listed: [[*command, str(listed)]] * workers)
    measured = MeasuredMachine(
        **vars(machine),
        workers=workers,
        trainer=cores,
        devices=_measured_devices(recipe, devices, workers),
        schema=SCHEMA,
    )
    write_json_atomically(path, to_json(measured))
    return measured


def _measured_devices(recipe: SmallRecipe, devices: Sequence[Device], workers: int) -> tuple[MeasuredDevice, ...]:
    """The speed of trainers on each of `devices`, alone and side by side; equal ones are measured once."""
    measured: dict[tuple[str, int], tuple[SharedSpeed, ...]] = {}
    for device in devices:
        kind = (device.name, device.memory_bytes)
        if kind in measured:
            continue
        speeds = []
        # each trainer keeps a core busy, which tells the device what to do
        for count in sorted({1, min(SIDE_BY_SIDE, workers)}):
            specs = device_specs(recipe, device.usable_bytes / count)
            if len(specs) >= FEWEST_MEASURED or count == 1:
                rows = _measured(specs, partial(speed_commands, place=device.place(count), count=count),
                                 device.place(count).environment)  # fmt: skip
                speeds.append(SharedSpeed(processes=count, trainer=rows))
        measured[kind] = tuple(speeds)
    return tuple(MeasuredDevice(**vars(d), speeds=measured[d.name, d.memory_bytes]) for d in devices)


def _measured(
    specs: Sequence[RunSpec],
    commands: Callable[[Path], list[list[str]]],
    environment: Mapping[str, str] | None = None,
) -> tuple[TrainerSpeed, ...]:
    """The speed of each of `specs` in trainers side by side, which `commands` start."""
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "specs.json"
        write_json_atomically(listed, [spec.as_json() for spec in specs])
        stated = None if environment is None else {**environment, MEMORY_VARIABLE: "shared"}
        outputs = run_trainers(commands(listed), stated)
    # [worker][spec]
    timings = [[json.loads(line) for line in stdout.splitlines()] for stdout in outputs]
    speeds = []
    for spec, of_workers in zip(specs, zip(*timings, strict=True), strict=True):
        # the slowest of the workers: a plan that counts on luck runs late
        step = max(timing["step_seconds"] for timing in of_workers)
        flops = flops_per_token(spec.architecture, spec.seq_len) * spec.sequences * spec.seq_len
        speeds.append(
            TrainerSpeed(
                params=spec.architecture.params().non_embedding,
                spec=spec,
                step_seconds=step,
                flops_per_second=flops / step,
                eval_tokens_per_second=min(timing["eval_tokens_per_second"] for timing in of_workers),
            )
        )
    return tuple(speeds)


def speed_of(machine: MeasuredMachine) -> Speed:
    """The step time of any shape on a core, fitted to what was measured."""
    return _fitted(machine.trainer)


def devices_of(machine: MeasuredMachine) -> tuple[SharedDevice, ...]:
    """The accelerators as a sweep uses them: shared by as many processes as do most."""
    shared = []
    for device in machine.devices:
        speeds = {speed.processes: _fitted(speed.trainer) for speed in device.speeds}
        slots = slots_of(speeds, [row.spec for row in device.speeds[-1].trainer])
        shared.append(SharedDevice(place=device.place(slots), speeds=speeds, what=device.name))
    return tuple(shared)


def _fitted(rows: Sequence[TrainerSpeed]) -> Speed:
    speed = Speed.fitted([(row.spec, row.step_seconds) for row in rows], eval_share=1.0)
    # what a validation token takes, over what the fit says of a training token of the same shape
    shares = []
    for row in rows:
        per_token = (speed.step(row.spec) - speed.step_seconds) / row.spec.batch_tokens
        if per_token > 0:
            shares.append(1 / row.eval_tokens_per_second / per_token)
    return replace(speed, eval_share=statistics.median(shares) if shares else 1.0)
