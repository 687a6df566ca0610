"""Hardware: peak FLOP/s by number format, memory, bandwidth, power, price; this machine.

>>> gpu = hardware_named("H100")
>>> gpu.peak_flops["bfloat16"], round(gpu.hours(5.76e23, count=512, utilization=0.4), 1)
(989400000000000.0, 789.6)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from isoflop.codec import Count, Positive
from isoflop.errors import InputError, close_names

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """One kind of accelerator. Peaks are dense: without the doubling that structured sparsity would give."""

    name: str
    """As written in `512xH100`."""
    peak_flops: Mapping[str, float]
    """{number format: FLOP/s}, formats named as in PyTorch."""
    memory_bytes: float
    """Bytes of device memory, in the vendor's decimal or binary unit as printed."""
    bandwidth: float
    """Bytes per second between that memory and the chip."""
    source: str
    """Document that the figures were read in."""
    watts: float | None = None
    """Thermal design power, of a TPU the largest power measured; None where the vendor does not print it."""
    product_share: float | None = None
    """Share of the 16-bit peak that matrix products reach in training; None: no runs to find it from."""
    product_source: str = ""
    """The published runs that it was found from; empty without."""
    node_devices: int | None = None
    """Devices that a fast network joins: those of a node, or of a TPU's pod; None: not known."""
    node_bandwidth: float | None = None
    """Bytes per second that one device sends to others of its node, in one direction: over NVLink, or over the two
    links of one axis of a TPU's torus."""
    network_bandwidth: float | None = None
    """Bytes per second that one device sends to other nodes, in one direction."""
    links_source: str = ""
    """Documents that these were read in."""
    price_per_hour: float | None = None
    """Money for one device for one hour: US dollars in the catalogue, else the user's currency; None: not known."""
    price_source: str = ""
    """Who says so, and when; empty without a price."""
    aliases: tuple[str, ...] = ()
    """Other names of the device."""
    reported_as: tuple[str, ...] = ()
    """What its driver calls it."""

    @property
    def training_format(self) -> str:
        """The 16-bit format to train in: bfloat16, or float16 where there is none."""
        return "bfloat16" if "bfloat16" in self.peak_flops else "float16"

    def hours(self, flops: float, *, count: int, utilization: float, dtype: str | None = None) -> float:
        """Hours that `count` devices need for `flops` model FLOPs at `utilization` (0 to 1) of their peak.

        The peak is that of `dtype`, by default of `training_format`. Raises InputError for a utilization outside
        (0, 1] or a format without a catalogued peak.
        """
        return flops / (count * self._useful_flops(utilization, dtype)) / SECONDS_PER_HOUR

    def flops_in(self, hours: float, *, count: int, utilization: float, dtype: str | None = None) -> float:
        """Model FLOPs that `count` devices do in `hours`: the inverse of `hours`, with its errors."""
        return hours * SECONDS_PER_HOUR * count * self._useful_flops(utilization, dtype)

    def _useful_flops(self, utilization: float, dtype: str | None) -> float:
        number_format = self.training_format if dtype is None else dtype
        if not 0 < utilization <= 1:
            raise InputError(f"utilization: expected a share of the peak above 0 and up to 1, got {utilization!r}")
        if number_format not in self.peak_flops:
            raise InputError(f"{self.name}: expected a format of {', '.join(self.peak_flops)}, got {number_format!r}")
        return self.peak_flops[number_format] * utilization


_Row = dict[str, Any]  # of hardware.toml


@cache
def _rows() -> list[_Row]:
    text = resources.files("isoflop").joinpath("hardware.toml").read_text(encoding="utf-8")
    return list(tomllib.loads(text)["devices"])


def _device(row: _Row) -> Hardware:
    figures = {key: value for key, value in row.items() if key not in ("usd_per_hour", "aliases", "reported_as")}
    aliases, reported = (tuple(row.get(names, ())) for names in ("aliases", "reported_as"))
    return Hardware(**figures, price_per_hour=row.get("usd_per_hour"), aliases=aliases, reported_as=reported)


@cache
def hardware_catalogue() -> Mapping[str, Hardware]:
    """{name in lower case: device}. An A100 without a size is the 80 GB one, an H100 without a socket the SXM5 one."""
    return {row["name"].lower(): _device(row) for row in _rows()}


def hardware_named(name: str) -> Hardware:
    """The catalogued device called `name`, in any case, spaces and hyphens aside. Raises InputError that lists all."""
    plain = _plain(name)
    for device in hardware_catalogue().values():
        if plain in map(_plain, (device.name, *device.aliases)):
            return device
    names = {device.name: device.aliases for device in hardware_catalogue().values()}
    near = close_names(name, names, names)
    meant = f"; did you mean {near}?" if len(near) < len(", ".join(names)) else ""
    raise InputError(f"hardware: expected one of {', '.join(names)}, got {name!r}{meant}")


def hardware_reported(name: str) -> Hardware | None:
    """The catalogued device that a driver calls `name`, exactly; None for any other name.

    >>> hardware_reported("NVIDIA H100 PCIe").name, hardware_reported("NVIDIA H100 NVL")
    ('H100-PCIe', None)
    """
    return next((device for device in hardware_catalogue().values() if name in device.reported_as), None)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace(" ", "")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """This machine, as measured."""

    cores: Count
    """Cores that this process may run on."""
    matmul_flops_per_core: Positive
    """FLOP/s of float32 matrix products on one core: the most that a training process of one thread can reach."""
    memory_bytes: Count
    """Bytes of memory that this process may use: of the machine, or of the control group it is in."""
    disk_free_bytes: Count
    """Bytes free for this user where the study will be."""


# Best of many: other work on the machine only ever slows a product down. 512: both operands and the result are 3 MB,
# about a core's cache; smaller products measure call overhead, larger ones memory.
_MATMUL_SCRIPT = """
import json, sys, time
import numpy
size, seconds = 512, float(sys.argv[1])
a = numpy.random.default_rng(0).standard_normal((size, size), dtype=numpy.float32)
b, out = a.T.copy(), numpy.empty_like(a)
best, end = float("inf"), time.perf_counter() + seconds
while time.perf_counter() < end:
    start = time.perf_counter()
    numpy.matmul(a, b, out=out)
    best = min(best, time.perf_counter() - start)
print(json.dumps(2 * size**3 / best))
"""
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS"), "1"
)
"""Environment of a process of one thread: each BLAS reads its own variable, once, when it loads."""


def measure_machine(directory: Path = Path(), *, seconds: float = 0.5) -> Machine:
    """This machine's cores, matrix-product peak of one core (`seconds` of products), memory, and disk free at
    `directory` or its nearest existing parent.

    Raises InputError when the measuring process fails, with what it printed.
    """
    process = subprocess.run(
        [sys.executable, "-c", _MATMUL_SCRIPT, str(seconds)],
        env={**os.environ, **ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode:
        stderr = process.stderr.strip()[-500:]
        raise InputError(f"measuring the machine failed; NumPy in a fresh process printed: {stderr}")
    existing = directory.resolve()
    while not existing.exists():
        existing = existing.parent
    return Machine(
        cores=available_cores(),
        matmul_flops_per_core=float(json.loads(process.stdout)),
        memory_bytes=available_memory(),
        disk_free_bytes=shutil.disk_usage(existing).free,
    )


def available_cores() -> int:
    """Cores that this process may run on, at least 1: its affinity where the system has one, and its CPU quota."""
    # sched_getaffinity is missing on macOS.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _control_group("cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit():
        cores = min(cores, int(quota[0]) // int(quota[1]))
    return max(1, cores)


def available_memory() -> int:
    """Bytes of memory that this process may use: of the machine, or of the control group it is in."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _control_group("memory.max").strip()
    return min(total, int(limit)) if limit.isdigit() else total


def _control_group(file: str) -> str:
    """A setting of the control group (Linux, version 2) of a container; empty where there is none."""
    path = Path("/sys/fs/cgroup") / file
    try:
        return path.read_text()
    except OSError:
        return ""
