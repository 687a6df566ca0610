"""The largest model that can be served: within a memory, or within a time per generated token.

A generated token reads every weight and the key-value cache once, so at small batches it takes at least
bytes / bandwidth (Pope et al. 2022, 2211.05102, section 2); communication between devices comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.arch import Architecture
from isoflop.arch.memory import DTYPE_BYTES, serve_bytes
from isoflop.codec import JsonObject
from isoflop.errors import InputError, Notice, RefusedError
from isoflop.hardware import Hardware
from isoflop.plan.solver.problem import Problem
from isoflop.quantities import OptionalQuantityField
from isoflop.recipe import TrainingRecipe
from isoflop.units import (
    Quantity,
    format_bytes,
    format_number,
    format_quantity,
    parse_bytes,
    parse_duration,
    parse_quantity,
)

# The largest model is sought downwards to this size, in steps of 1 %.
_SMALLEST_PARAMS, _STEP = 1e2, 1.01


def parse_memory(value: Quantity, what: str) -> float:
    """Bytes, of a number of them or of `80GB`. Raises InputError for anything else."""
    return parse_bytes(value, what) if isinstance(value, str) else parse_quantity(value, what)


def parse_latency(value: Quantity, what: str) -> float:
    """Seconds, of a number of them or of `20ms`. Raises InputError for anything else."""
    return parse_duration(value, what) if isinstance(value, str) else parse_quantity(value, what)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One limit of what is served."""

    name: str
    value: float
    """As it is stated, in `unit`."""
    unit: str
    bytes: float
    """Of weights and cache that it allows."""
    why: str
    """The reason, in words for the end of a message."""


@dataclass(frozen=True, kw_only=True)
class ServingLimit:
    """Limits of a served model: its memory, and its time per generated token."""

    memory_bytes: OptionalQuantityField = OptionalQuantityField("--max-memory", parse_memory)
    """Bytes of weights and cache together; None: no limit."""
    latency_seconds: OptionalQuantityField = OptionalQuantityField("--max-latency", parse_latency)
    """Seconds a generated token; None: no limit."""
    hardware: Hardware | None = None
    """What serves it; needed for a latency."""
    devices: int = 1
    """Number of devices, each holding and reading its share."""
    weights: str = "bfloat16"
    """Format of the weights, one of arch.memory.DTYPE_BYTES."""
    cache: str = "bfloat16"
    """Format of the key-value cache."""
    sequences: int = 1
    """Sequences served at once, each as long as the context."""
    left_out: tuple[str, ...] = ()
    """Names of bounds that are not kept to, as where the price of one is asked."""

    def __post_init__(self) -> None:
        if self.memory_bytes is None and self.latency_seconds is None:
            raise InputError("serving: expected a limit of memory or of latency")
        if self.latency_seconds is not None and self.hardware is None:
            raise InputError("--max-latency: expected the devices that serve, such as --serve-on 1xH100")
        for name in (self.weights, self.cache):
            if name not in DTYPE_BYTES:
                raise InputError(f"format: expected one of {', '.join(DTYPE_BYTES)}, got {name!r}")

    @property
    def allowed_bytes(self) -> float:
        """Most bytes of weights and cache: as requested, what the devices hold, or what they read in the latency."""
        return self._scarcest().bytes

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Each limit, in bytes of weights and cache."""
        found = []
        if (most := self.memory_bytes) is not None:
            found.append(Bound(name="serving memory", value=most, unit="bytes", bytes=most, why=""))
        if self.hardware is not None:
            held, name = self.devices * self.hardware.memory_bytes, f"{self.devices}x{self.hardware.name}"
            why = f" ({name} hold no more)"
            found.append(Bound(name="memory of the serving devices", value=held, unit="bytes", bytes=held, why=why))
            if (seconds := self.latency_seconds) is not None:
                read = seconds * self.hardware.bandwidth * self.devices
                why = f" ({name} read no more in {format_number(seconds, 6)} s)"
                found.append(Bound(name="serving latency", value=seconds, unit="seconds", bytes=read, why=why))
        return tuple(bound for bound in found if bound.name not in self.left_out)

    def _scarcest(self) -> Bound:
        return min(self.bounds, key=lambda bound: bound.bytes)

    def bytes_of(self, arch: Architecture, seq_len: int) -> int:
        """Bytes of weights and cache of a shape."""
        per_weight, per_value = DTYPE_BYTES[self.weights], DTYPE_BYTES[self.cache]
        return serve_bytes(arch, seq_len, self.sequences, per_weight, per_value)

    def latency_of(self, arch: Architecture, seq_len: int) -> float | None:
        """Least seconds a generated token of a shape; None without devices."""
        if self.hardware is None:
            return None
        return self.bytes_of(arch, seq_len) / (self.hardware.bandwidth * self.devices)

    def fits(self, arch: Architecture, seq_len: int) -> bool:
        """Whether a shape can be served within the limits."""
        return self.bytes_of(arch, seq_len) <= self.allowed_bytes

    def largest(self, recipe: TrainingRecipe) -> Architecture:
        """The largest shape of `recipe` within the limits, to 1 % of its size.

        Raises RefusedError `no_model_served` where none is.
        """
        # the cache goes by layers and heads and not by size, so that no bisection finds it
        size = 1.05 * self.allowed_bytes / DTYPE_BYTES[self.weights]
        while size > _SMALLEST_PARAMS:
            shape = _shape(recipe, size)
            if shape is not None and self.fits(shape, recipe.seq_len):
                return shape
            size /= _STEP
        scarcest = self._scarcest()
        raise RefusedError(
            "no_model_served",
            f"no model can be served within {format_bytes(scarcest.bytes)} of weights and cache{scarcest.why}; allow "
            "more memory or time, more devices, a smaller format, or a shorter context",
        )

    def limited(
        self, problem: Problem, params: float, recipe: TrainingRecipe, convention: str
    ) -> tuple[Problem, list[Notice]]:
        """(`problem`, none) where a model of the `params` that it chose can be served, else (it at most so large, why).

        Raises RefusedError where no model can be, or where the problem fixes a size that cannot.
        """
        requested = _shape(recipe, params)
        if requested is not None and self.fits(requested, recipe.seq_len):
            return problem, []
        arch = self.largest(recipe)
        most, scarcest = recipe.counted(arch, convention), self._scarcest()
        within = f"{format_bytes(scarcest.bytes)}"
        if requested is None and params <= most:  # no shape of that size, and none is needed within the limits
            return problem, []
        if problem.params is not None:
            raise RefusedError(
                "not_served",
                f"a model of {format_quantity(params)} parameters takes more than the {within} that may be served"
                f"{scarcest.why}, so that the two contradict each other; the largest that fits has "
                f"{format_quantity(most)}",
            )
        latency = self.latency_of(arch, recipe.seq_len)
        message = (
            f"the best size, {format_quantity(params)}, cannot be served within {within}{scarcest.why}; planned is "
            f"the largest that can: {format_bytes(self.bytes_of(arch, recipe.seq_len))}"
            + ("" if latency is None else f", {format_number(latency * 1e3)} ms a token at the least")
        )
        return problem.at_most(most, arch), [Notice(code="size_limited", message=message)]

    def as_json(self, arch: Architecture | None, seq_len: int) -> JsonObject:
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


def _shape(recipe: TrainingRecipe, params: float) -> Architecture | None:
    """The shape of that size; None where there is none."""
    try:
        return recipe.architecture(params)
    except InputError:
        return None
