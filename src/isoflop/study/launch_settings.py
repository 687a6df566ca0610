"""How a planned run is launched: a layout that isoflop's trainer supports, its processes, and the memory of each.

[layout] of plan.toml is used unchanged where the trainer supports it and a device holds it. The plan counted the memory
of a trainer that keeps weights in 16 bits; isoflop's keeps them in 32 bits, and computes in 16 where the device can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge

from isoflop.arch import Architecture
from isoflop.arch.layout import FLOAT32, MIXED, SHARDS_32, Formats, Layout, Recompute, TrainingSetup
from isoflop.arch.memory import TrainMemory, train_memory
from isoflop.arch.step_time import step_time
from isoflop.codec import Json, from_json
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.hardware import Hardware, available_memory
from isoflop.own_hardware import CATALOGUE, DeviceSource
from isoflop.plan import LayoutEstimate, find_layout
from isoflop.plan.layout_search import MEMORY_SHARE
from isoflop.plan.plan_toml import PlannedRun
from isoflop.runs.engines.processes import ONE_PROCESS, Processes
from isoflop.runs.parallel_config import ParallelConfig
from isoflop.spec import RunSpec
from isoflop.study.settings import StudySettings
from isoflop.units import format_bytes, format_number

STATE_BYTES = 12
"""Bytes a parameter takes in a checkpoint: weight and two moments in float32, copied before a thread writes them."""
WRITER_COPIES = 2
"""Further copies that safetensors (0.8) holds while it serialises tensors: measured with 32 MiB."""
WEIGHTS_BYTES = 4 * (1 + WRITER_COPIES)
"""Bytes a parameter takes in the first process while it writes the final weights, in float32."""


@dataclass(frozen=True, kw_only=True)
class ResolvedLaunch:
    """Everything that the start of a planned run needs."""

    memory: TrainMemory
    """Memory on the fullest device, or that the only process takes of its machine."""
    memory_limit: float
    """Bytes available: of a device, of this machine, or of a job."""
    parallel: ParallelConfig | None = None
    """The content of launch.json; None where one process trains."""
    processes: Processes = ONE_PROCESS
    products: str = "float32"
    """Number format of matrix products."""
    placement: LayoutEstimate | None = None
    """The layout on devices, with the step time of 16-bit products; None where the plan has no devices."""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _OfLayout:
    """What [layout] states besides the degrees of the layout; what follows from these is not read."""

    device: str = ""
    micro_batch_sequences: Annotated[int, Ge(1)] | None = None
    """None: the whole share of a process."""
    recompute: Recompute = "none"


def resolve_launch(planned: PlannedRun, settings: StudySettings, devices: DeviceSource = CATALOGUE) -> ResolvedLaunch:
    """How the trainer starts `planned` with the engine of `settings`, on the device of [layout] as `devices` has it.

    Raises InputError for a [layout] that is invalid, RefusedError `does_not_fit` or `no_layout` where these devices, or
    without devices this machine or a job, cannot hold the run in any layout that the trainer supports.
    """
    run, requested = planned.run, planned.layout
    if requested is None:
        return _on_cpus(run, settings, Layout(), _sequences(run), "none")
    layout, stated, micro = _read(requested, run)
    recompute = stated.recompute
    if run.optimizer.hidden == "muon" and layout.devices > 1:
        raise InputError(
            f"[layout]: Muon needs whole matrices, which {layout.devices} processes do not hold; lay the run out on one"
        )
    if stated.device == "cpu":
        return _on_cpus(run, settings, layout, micro, recompute)
    hardware = devices.device(stated.device, layout.devices)
    if hardware.name.startswith("TPU"):
        raise InputError(
            f"[layout] is for {hardware.name}, and isoflop's trainer computes on CPUs and GPUs; plan for GPUs, or "
            "write the configuration of another engine with `isoflop plan ... --export`"
        )
    problems = _problems(run, hardware, layout, micro, recompute)
    if problems:
        layout, micro, recompute = _another_layout(run, hardware, layout.devices)
    placed = _placement(run, hardware, layout, micro, recompute)
    message = f"isoflop's trainer does not support [layout]: {'; '.join(problems)}. Another layout is used"
    return ResolvedLaunch(
        memory=placed.memory,
        memory_limit=placed.device_bytes,
        parallel=_parallel(layout, micro, recompute),
        processes=_gpu_processes(run, hardware, layout),
        products=products_on(hardware),
        placement=placed,
        notices=(*([Notice(code="other_layout", message=message)] if problems else ()), *_slower(hardware)),
    )


def _gpu_processes(run: RunSpec, hardware: Hardware, layout: Layout) -> Processes:
    """One process a GPU. The memory of a machine also holds copies of their checkpoints, and the final weights."""
    count = layout.devices
    processes = Processes(count=count, device="cuda", per_machine=hardware.node_devices or count)
    params = run.architecture.params().total
    # replicas copy the shards that they hold, each its own; one process alone writes its copy as it is
    of_each = STATE_BYTES * params / (layout.sharded * layout.tensor) * (1 if count == 1 else 1 + WRITER_COPIES)
    return replace(processes, shared_bytes=of_each * processes.each + WEIGHTS_BYTES * params)


def _on_cpus(run: RunSpec, settings: StudySettings, layout: Layout, micro: int, recompute: Recompute) -> ResolvedLaunch:
    if problems := _unsupported(run.architecture, layout, recompute):
        raise InputError(f"isoflop's trainer does not support [layout]: {'; '.join(problems)}")
    formats = FLOAT32.with_optimizer(run.optimizer.hidden)
    setup = TrainingSetup(seq_len=run.seq_len, sequences=micro, layout=layout, formats=formats, recompute=recompute)
    memory = train_memory(run.architecture, setup)
    starter = settings.starter_settings
    of_job = starter.job_memory_bytes
    limit = available_memory() / layout.devices if of_job is None else of_job
    if memory.total > limit:
        where, remedy = (
            ("this machine has", "") if of_job is None else ("a job may take", f"raise {starter.memory_key}, ")
        )
        of_each = " a process" if layout.devices > 1 else ""
        raise RefusedError(
            "does_not_fit",
            f"training takes about {format_bytes(memory.total)} of memory{of_each}, {where} {format_bytes(limit)}; "
            f"{remedy}plan a smaller model or, with --gpus, devices for it, or write the configuration of another "
            "engine with `isoflop plan ... --export`",
        )
    if layout.devices == 1:
        return ResolvedLaunch(memory=memory, memory_limit=limit)
    processes = Processes(count=layout.devices, per_machine=layout.devices)
    return ResolvedLaunch(
        memory=memory, memory_limit=limit, parallel=_parallel(layout, micro, recompute), processes=processes
    )


def _parallel(layout: Layout, micro: int, recompute: Recompute) -> ParallelConfig:
    assert recompute in ("none", "full"), "checked in _unsupported"
    return ParallelConfig(layout=layout, micro_batch_sequences=micro, recompute=recompute)


def _read(value: Mapping[str, Json], run: RunSpec) -> tuple[Layout, _OfLayout, int]:
    """(layout, the rest, sequences of a micro-batch) of [layout]. Raises InputError where it is invalid."""
    layout, rest = from_json(Layout, value, "[layout]"), from_json(_OfLayout, value, "[layout]")
    share = -(-_sequences(run) // layout.batch_ways)
    return layout, rest, min(rest.micro_batch_sequences or share, share)


def _problems(run: RunSpec, hardware: Hardware, layout: Layout, micro: int, recompute: Recompute) -> list[str]:
    """Why the trainer cannot use this layout on these devices; empty where it can."""
    if problems := _unsupported(run.architecture, layout, recompute):
        return problems
    setup = TrainingSetup(
        seq_len=run.seq_len, sequences=micro, layout=layout, formats=_formats(hardware, run), recompute=recompute
    )
    held = train_memory(run.architecture, setup).total
    if held > MEMORY_SHARE * hardware.memory_bytes:
        return [f"it takes {format_bytes(held)} of {format_bytes(hardware.memory_bytes)} a device"]
    return []


def _unsupported(arch: Architecture, layout: Layout, recompute: Recompute = "none") -> list[str]:
    """Why the trainer does not support this, whatever the memory."""
    problems = []
    if layout.pipeline > 1:
        problems.append(f"it has no pipeline (of {layout.pipeline} stages)")
    if arch.n_heads % layout.tensor or arch.d_ff % layout.tensor:
        problems.append(f"{layout.tensor} processes do not divide {arch.n_heads} heads and {arch.d_ff} columns")
    elif arch.n_kv_heads % layout.tensor and layout.tensor % arch.n_kv_heads:
        problems.append(f"{layout.tensor} processes do not divide {arch.n_kv_heads} heads of keys and values")
    if arch.d_model % layout.sharded:
        problems.append(f"{layout.sharded} processes do not share matrices of width {arch.d_model} evenly")
    if recompute == "selective":
        problems.append("it recomputes whole layers or nothing, not selected activations")
    return problems


def _another_layout(run: RunSpec, hardware: Hardware, count: int) -> tuple[Layout, int, Recompute]:
    estimate = find_layout(
        run.architecture,
        run.seq_len,
        hardware,
        count,
        batch=_sequences(run),
        formats=_formats(hardware, run),
        recompute=("none", "full"),
        takes=lambda layout: not _unsupported(run.architecture, layout),
    )
    return estimate.layout, estimate.micro_batch_sequences, estimate.recompute


def _placement(run: RunSpec, hardware: Hardware, layout: Layout, micro: int, recompute: Recompute) -> LayoutEstimate:
    arch, seq_len, batch = run.architecture, run.seq_len, _sequences(run)
    # seconds are predicted for 16 bits, whatever is stored, see `_slower`
    setup = TrainingSetup(seq_len=seq_len, sequences=micro, layout=layout, formats=MIXED, recompute=recompute)
    return LayoutEstimate(
        device=hardware.name,
        layout=layout,
        micro_batch_sequences=micro,
        micro_batches=batch // (layout.batch_ways * micro),
        recompute=recompute,
        seq_len=seq_len,
        memory=train_memory(arch, replace(setup, formats=_formats(hardware, run))),
        device_bytes=hardware.memory_bytes,
        time=step_time(arch, setup, hardware, batch=batch),
    )


def products_on(hardware: Hardware) -> str:
    """Number format of matrix products on `hardware`, as train/device.py chooses it; weights are float32."""
    return "bfloat16" if "bfloat16" in hardware.peak_flops else "float32"


def _slower(hardware: Hardware) -> list[Notice]:
    """`slower_format`, where hours and steps were predicted for 16-bit products and the trainer has none."""
    planned, own = hardware.training_format, hardware.peak_flops.get(products_on(hardware))
    if products_on(hardware) == planned or own is None:
        return []
    times = hardware.peak_flops[planned] / own
    message = (
        f"step, hours and price are those of {planned}; the trainer has no such products, and float32's peak on "
        f"{hardware.name} is {format_number(times)} times lower; `isoflop plan ... --export` hands the run to another "
        "trainer"
    )
    return [Notice(code="slower_format", message=message)]


def _formats(hardware: Hardware, run: RunSpec) -> Formats:
    formats = SHARDS_32 if products_on(hardware) == "bfloat16" else FLOAT32
    return formats.with_optimizer(run.optimizer.hidden)


def _sequences(run: RunSpec) -> int:
    """Sequences of a batch."""
    return run.batch_tokens // run.seq_len
