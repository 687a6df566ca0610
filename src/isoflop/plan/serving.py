"""The largest model that can be served: within a memory, or within a time per generated token.

A generated token reads every weight and the key-value cache once, so at small batches it takes at least
bytes / bandwidth (Pope et al. 2022, 2211.05102, section 2); what devices say to one another comes on top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from isoflop.arch import Architecture
from isoflop.arch.memory import DTYPE_BYTES, serve_bytes
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.hardware import Hardware
from isoflop.plan.fixed import SizeLimit
from isoflop.plan.objectives import Objective, check_positive
from isoflop.recipe import TrainingRecipe
from isoflop.units import format_bytes, format_quantity

# Sizes between which the largest model is sought.
_SMALLEST_PARAMS, _LARGEST_PARAMS = 1e2, 1e14


@dataclass(frozen=True, kw_only=True)
class ServingLimit:
    """How much memory a served model may take, and how long one generated token may."""

    memory_bytes: float | None = None
    """Bytes of weights and cache together; None: no limit."""
    latency_seconds: float | None = None
    """Seconds a generated token; None: no limit."""
    hardware: Hardware | None = None
    """What serves it; needed for a latency."""
    devices: int = 1
    """So many of them, each holding and reading its share."""
    weights: str = "bfloat16"
    """Format of the weights, one of arch.memory.DTYPE_BYTES."""
    cache: str = "bfloat16"
    """Format of the key-value cache."""
    sequences: int = 1
    """Sequences served at once, each as long as the context."""

    def __post_init__(self) -> None:
        if self.memory_bytes is None and self.latency_seconds is None:
            raise InputError("serving: expected a limit of memory or of latency")
        for what, value in (("--max-memory", self.memory_bytes), ("--max-latency", self.latency_seconds)):
            if value is not None:
                check_positive(what, value)
        if self.latency_seconds is not None and self.hardware is None:
            raise InputError("--max-latency: expected the devices that serve, such as --serve-on 1xH100")
        for name in (self.weights, self.cache):
            if name not in DTYPE_BYTES:
                raise InputError(f"format: expected one of {', '.join(DTYPE_BYTES)}, got {name!r}")

    @property
    def allowed_bytes(self) -> float:
        """Most bytes of weights and cache: the memory, or what the devices read in the latency."""
        limits = [math.inf if self.memory_bytes is None else self.memory_bytes]
        if self.latency_seconds is not None and self.hardware is not None:
            limits.append(self.latency_seconds * self.hardware.bandwidth * self.devices)
        return min(limits)

    def bytes_of(self, arch: Architecture, seq_len: int) -> int:
        """Bytes of weights and cache of a shape."""
        per_weight, per_value = DTYPE_BYTES[self.weights], DTYPE_BYTES[self.cache]
        return serve_bytes(arch, seq_len, self.sequences, per_weight, per_value)

    def latency_of(self, arch: Architecture, seq_len: int) -> float | None:
        """Least seconds a generated token of a shape; None without devices."""
        if self.hardware is None:
            return None
        return self.bytes_of(arch, seq_len) / (self.hardware.bandwidth * self.devices)

    def largest(self, recipe: TrainingRecipe) -> Architecture:
        """The largest shape of `recipe` within the limits. Raises RefusedError `no_model_served` where none is."""
        low, high = math.log(_SMALLEST_PARAMS), math.log(_LARGEST_PARAMS)
        found: Architecture | None = None
        for _ in range(40):  # 28 / 2^40: shapes are far coarser
            middle = 0.5 * (low + high)
            shape = _shape(recipe, middle)
            if shape is None or self.bytes_of(shape, recipe.seq_len) <= self.allowed_bytes:
                found, low = shape or found, middle
            else:
                high = middle
        if found is None:
            raise RefusedError(
                "no_model_served",
                f"no model can be served within {format_bytes(self.allowed_bytes)} of weights and cache"
                f"{self._why()}; allow more memory or time, more devices, a smaller format, or a shorter context",
            )
        return found

    def _why(self) -> str:
        if self.latency_seconds is None or self.hardware is None:
            return ""
        return f" ({self.devices}x{self.hardware.name} read no more in {self.latency_seconds:g} s)"

    def limited(
        self, objective: Objective, params: float, recipe: TrainingRecipe, convention: str
    ) -> tuple[Objective, list[Notice]]:
        """(`objective`, none) where a model of the `params` that it chose can be served, else (the limit, why).

        Raises RefusedError where no model can be, or where the objective fixes a size that cannot.
        """
        arch = self.largest(recipe)
        most = arch.params().by_convention(convention)
        if params <= most:
            return objective, []
        if objective.fixed:
            raise RefusedError(
                "not_served",
                f"a model of {format_quantity(params)} parameters takes more than the "
                f"{format_bytes(self.allowed_bytes)} that may be served{self._why()}; "
                f"the largest that fits has {format_quantity(most)}",
            )
        latency = self.latency_of(arch, recipe.seq_len)
        message = (
            f"the best size, {format_quantity(params)}, cannot be served within {format_bytes(self.allowed_bytes)}"
            f"{self._why()}; planned is the largest that can: {format_bytes(self.bytes_of(arch, recipe.seq_len))}"
            + ("" if latency is None else f", {latency * 1e3:.3g} ms a token at the least")
        )
        return SizeLimit(objective=objective, params=most), [Notice(code="size_limited", message=message)]

    def as_json(self, arch: Architecture | None, seq_len: int) -> dict[str, Any]:
        """The limits, what serves, and the bytes and least seconds a token of `arch`; None without one."""
        return {
            "bytes": None if arch is None else self.bytes_of(arch, seq_len),
            "seconds_per_token": None if arch is None else self.latency_of(arch, seq_len),
            "memory_bytes": self.memory_bytes,
            "latency_seconds": self.latency_seconds,
            "device": None if self.hardware is None else self.hardware.name,
            "devices": self.devices,
            "weights": self.weights,
            "cache": self.cache,
            "sequences": self.sequences,
        }


def _shape(recipe: TrainingRecipe, log_params: float) -> Architecture | None:
    """The shape of that size; None below the smallest one."""
    try:
        return recipe.architecture(math.exp(log_params))
    except InputError:
        return None
