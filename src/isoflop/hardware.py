"""Hardware: peak FLOP/s by number format, memory, bandwidth, price; a catalogue with sources; this machine, measured.

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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isoflop.errors import InputError

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
    price_per_hour: float | None = None
    """Money for one device for one hour, in the user's currency; None when nobody said: prices are not catalogued."""

    def hours(self, flops: float, *, count: int, utilization: float, dtype: str = "bfloat16") -> float:
        """Hours that `count` devices need for `flops` model FLOPs at `utilization` (0 to 1) of their peak.

        Raises InputError for a utilization outside (0, 1] or a format without a catalogued peak.
        """
        return flops / (count * self._useful_flops(utilization, dtype)) / SECONDS_PER_HOUR

    def flops_in(self, hours: float, *, count: int, utilization: float, dtype: str = "bfloat16") -> float:
        """Model FLOPs that `count` devices do in `hours`: the inverse of `hours`, raising alike."""
        return hours * SECONDS_PER_HOUR * count * self._useful_flops(utilization, dtype)

    def _useful_flops(self, utilization: float, dtype: str) -> float:
        if not 0 < utilization <= 1:
            raise InputError(f"utilization: expected a share of the peak above 0 and up to 1, got {utilization!r}")
        if dtype not in self.peak_flops:
            raise InputError(f"{self.name}: expected a format of {', '.join(self.peak_flops)}, got {dtype!r}")
        return self.peak_flops[dtype] * utilization


_A100 = "NVIDIA A100 Tensor Core GPU data sheet (2021)"
_HOPPER_FLOPS = {
    "bfloat16": 989.4e12,
    "float16": 989.4e12,
    "float8": 1978.9e12,
    "tfloat32": 494.7e12,
    "float32": 66.9e12,
}
_AMPERE_FLOPS = {"bfloat16": 312e12, "float16": 312e12, "tfloat32": 156e12, "float32": 19.5e12}

HARDWARE: dict[str, Hardware] = {
    device.name.lower(): device
    for device in (
        # The A100 without a size is the 80 GB one, the H100 without a socket the SXM5 one.
        Hardware(
            name="A100", peak_flops=_AMPERE_FLOPS, memory_bytes=80e9, bandwidth=2.039e12, source=f"{_A100}, 80 GB SXM"
        ),
        Hardware(
            name="A100-40GB", peak_flops=_AMPERE_FLOPS, memory_bytes=40e9, bandwidth=1.555e12, source=f"{_A100}, 40 GB"
        ),
        Hardware(
            name="H100",
            peak_flops=_HOPPER_FLOPS,
            memory_bytes=80e9,
            bandwidth=3.35e12,
            source="NVIDIA H100 Tensor Core GPU architecture white paper and data sheet, SXM5 (dense peaks)",
        ),
        Hardware(
            name="H200",
            peak_flops=_HOPPER_FLOPS,
            memory_bytes=141e9,
            bandwidth=4.8e12,
            source="NVIDIA H200 Tensor Core GPU data sheet, SXM (dense peaks)",
        ),
        Hardware(
            name="TPUv3",
            peak_flops={"bfloat16": 123e12},
            memory_bytes=32 * 2**30,
            bandwidth=900e9,
            source="Google Cloud TPU documentation, TPU v3, per chip",
        ),
        Hardware(
            name="TPUv4",
            peak_flops={"bfloat16": 275e12},
            memory_bytes=32 * 2**30,
            bandwidth=1.2e12,
            source="Google Cloud TPU documentation, TPU v4, per chip; Chowdhery et al. 2022 (2204.02311)",
        ),
    )
}


def hardware_named(name: str) -> Hardware:
    """The catalogued device called `name`, in any case, spaces and hyphens aside. Raises InputError that lists all."""
    wanted = _plain(name)
    for key, device in HARDWARE.items():
        if _plain(key) == wanted:
            return device
    known = ", ".join(device.name for device in HARDWARE.values())
    raise InputError(f"hardware: expected one of {known}, got {name!r}")


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace(" ", "")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """This machine, as measured."""

    cores: int
    """Cores that this process may run on."""
    matmul_flops_per_core: float
    """FLOP/s of float32 matrix products on one core: the most that a training process of one thread can reach."""
    memory_bytes: int
    """Bytes of memory that this process may use: of the machine, or of the control group it is in."""
    disk_free_bytes: int
    """Bytes free for this user where the study will be."""

    def as_json(self) -> dict[str, float]:
        """A JSON object with the fields as keys."""
        return {
            "cores": self.cores,
            "matmul_flops_per_core": self.matmul_flops_per_core,
            "memory_bytes": self.memory_bytes,
            "disk_free_bytes": self.disk_free_bytes,
        }


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
# Each BLAS reads its own variable, once, when it loads: hence a fresh process.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS"), "1"
)


def measure_machine(directory: Path = Path(), *, seconds: float = 0.5) -> Machine:
    """This machine's cores, matrix-product peak of one core (`seconds` of products), memory, and disk free at
    `directory` or its nearest existing parent.

    Raises InputError when the measuring process fails, with what it said.
    """
    found = subprocess.run(
        [sys.executable, "-c", _MATMUL_SCRIPT, str(seconds)],
        env={**os.environ, **_ONE_THREAD},
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode:
        raise InputError(f"measuring the machine failed; NumPy in a fresh process said: {found.stderr.strip()[-500:]}")
    existing = directory.resolve()
    while not existing.exists():
        existing = existing.parent
    return Machine(
        cores=available_cores(),
        matmul_flops_per_core=float(json.loads(found.stdout)),
        memory_bytes=_memory_bytes(),
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


def _memory_bytes() -> int:
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
