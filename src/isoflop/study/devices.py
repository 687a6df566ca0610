"""Accelerators of this machine: which there are, how fast the trainer is on them, and how a study uses them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from isoflop.codec import Count, from_json
from isoflop.errors import InputError, Notice
from isoflop.recipe import SmallRecipe
from isoflop.runs.engines.placing import Placement
from isoflop.runs.folder import RunFolder
from isoflop.runs.placement import Needs, Place
from isoflop.spec import RunSpec
from isoflop.study.listener import Listener
from isoflop.study.trainer import run_trainers
from isoflop.sweep import Speed
from isoflop.sweep.devices import RESERVE, SharedDevice, device_memory, needs_of, placed_specs, places_of
from isoflop.units import format_duration

SIDE_BY_SIDE = 4
"""Trainers that share an accelerator when its speed is measured: one and so many, the faster of which is used."""
MEASURED_AT = ((16, 512), (64, 4096), (192, 8192), (512, 32_768))
"""(width, tokens a step) whose speed is measured on an accelerator: from what a core does better up to 30M parameters;
those that do not fit side by side are left out."""
FEWEST_MEASURED = 2
_SIGNS = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Files that the drivers of NVIDIA, AMD and WSL make: without any PyTorch, which starts in seconds, is not asked."""
_LIST = (
    "import json, torch; n = torch.cuda.device_count(); p = [torch.cuda.get_device_properties(i) for i in range(n)]; "
    "print(json.dumps([{'number': i, 'name': d.name, 'memory_bytes': d.total_memory} for i, d in enumerate(p)]))"
)


@dataclass(frozen=True, kw_only=True)
class Device:
    """An accelerator that PyTorch finds."""

    number: int
    """From 0, among those that this process may use."""
    name: str
    """As its driver calls it."""
    memory_bytes: Count

    @property
    def environment(self) -> dict[str, str]:
        """What shows it alone to a process: its place in CUDA_VISIBLE_DEVICES of this one, where that is set."""
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        named = [part.strip() for part in visible.split(",") if part.strip()] if visible else []
        return {"CUDA_VISIBLE_DEVICES": named[self.number] if self.number < len(named) else str(self.number)}

    @property
    def usable_bytes(self) -> float:
        """Its memory without the reserve."""
        return (1 - RESERVE) * self.memory_bytes

    def place(self, slots: int) -> Place:
        """It as `slots` processes share it."""
        return Place(
            name=f"cuda:{self.number}",
            slots=slots,
            memory_bytes=self.usable_bytes,
            device="cuda",
            environment=self.environment,
        )


def find_devices(setting: str) -> tuple[Device, ...]:
    """The accelerators that the setting `devices` names. Raises InputError where one that it names is not there."""
    if setting == "cpu" or (setting == "auto" and not any(Path(sign).exists() for sign in _SIGNS)):
        return ()
    (output,) = run_trainers([[sys.executable, "-P", "-c", _LIST]])
    found = from_json(tuple[Device, ...], json.loads(output), "devices")
    if setting == "auto":
        return found
    wanted = [device.number for device in found] if setting == "cuda" else list(map(int, setting.split(",")))
    by_number = {device.number: device for device in found}
    missing = [str(number) for number in wanted if number not in by_number]
    if missing or not wanted:
        which = f"GPU {', '.join(missing)} is not there" if missing else "there is none"
        raise InputError(f"devices = {setting}: PyTorch finds {len(found)} GPUs, and {which}; take auto or cpu")
    return tuple(by_number[number] for number in wanted)


def device_specs(recipe: SmallRecipe, most: float) -> list[RunSpec]:
    """The runs whose step time on an accelerator stands for all others: those that take at most `most` bytes each."""
    specs = []
    for width, tokens in MEASURED_AT:
        shape = recipe.shape(width, max(2, round(width / recipe.aimed_width_per_layer)))
        batch = recipe.seq_len * max(1, round(tokens / recipe.seq_len))
        specs.append(recipe.spec(shape, 100 * batch, batch_tokens=batch))
    return [spec for spec in specs if device_memory(spec, most) <= (most, spec.sequences)]


def speed_commands(listed: Path, place: Place, count: int) -> list[list[str]]:
    """The commands that measure the specs in `listed` with `count` trainers at once on `place`."""
    command = [sys.executable, "-P", "-m", "isoflop.train.speed", str(listed)]
    device = ["--device", place.device] if place.device != "cpu" else []
    return [[*command, *device]] * count


def check_gone(measured: Sequence[Device], found: Sequence[Device], listener: Listener) -> None:
    """Reports accelerators that were measured and are not found any more."""
    left = {(device.number, device.name) for device in found}
    gone = [f"cuda:{device.number}, {device.name}" for device in measured if (device.number, device.name) not in left]
    if gone:
        message = f"{'; '.join(gone)}: trained on before, and not found any more; the runs go to what is left"
        listener.notice(Notice(code="device_gone", message=message))


def placement_of(
    speed: Speed, workers: int, devices: Sequence[SharedDevice], listener: Listener, runs: int
) -> Placement:
    """What an engine needs to know for `runs` runs on `workers` cores and `devices`."""

    def needs(folder: RunFolder) -> Needs:
        return needs_of(folder.read_spec(), speed, workers, devices)

    places = places_of(min(workers, runs), devices)
    return Placement(places=places, needs=needs, on_notice=partial(_tell, listener))


def _tell(listener: Listener, notice: Notice) -> None:
    listener.notice(notice)


def where_lines(specs: Sequence[RunSpec], speed: Speed, workers: int, devices: Sequence[SharedDevice]) -> list[str]:
    """Where runs are expected to go, a line a place that has some; none without accelerators."""
    if not devices:
        return []
    spots = placed_specs(specs, speed, workers, devices)
    of = {place.name: [spot for spot in spots if spot.place == place] for place in places_of(workers, devices)}
    what = {device.place.name: f"{device.place.name}, {device.what}" for device in devices}
    lines = []
    for place in places_of(workers, devices):
        if there := of[place.name]:
            ends = max(spot.end for spot in there)
            at_once = f"{place.slots} at a time" if place.slots > 1 else "one at a time"
            lines.append(
                f"on {what.get(place.name, 'cores')}: {len(there)} runs, {at_once}, about {format_duration(ends)}"
            )
    return lines
