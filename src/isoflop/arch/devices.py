"""A shape on devices: memory of each, tokens per second, and the utilization that a measured speed implies."""

from __future__ import annotations

from dataclasses import dataclass, replace

from isoflop.arch.architecture import Architecture
from isoflop.arch.flops import flops_per_token
from isoflop.arch.layout import Layout, TrainingSetup
from isoflop.arch.memory import TrainMemory, train_memory
from isoflop.codec import JsonObject, to_json
from isoflop.errors import InputError
from isoflop.hardware import Hardware
from isoflop.units import format_number


@dataclass(frozen=True, kw_only=True)
class OnDevices:
    """Memory of each device in training a shape, and the speed of all of them."""

    device: str
    layout: Layout
    device_bytes: float
    """Memory of one device."""
    memory: TrainMemory
    """On the fullest device, without recomputation."""
    memory_recomputed: TrainMemory
    """On the fullest device, with full recomputation of activations."""
    peak_tokens_per_second: float
    """Tokens per second of all devices at their peak: by `palm_mfu` FLOPs, which count nothing twice."""

    @property
    def fits(self) -> bool:
        """Whether the fullest device has the memory without recomputation."""
        return self.memory.total <= self.device_bytes

    @property
    def fits_recomputed(self) -> bool:
        """Whether the fullest device has the memory with full recomputation."""
        return self.memory_recomputed.total <= self.device_bytes

    def utilization(self, tokens_per_second: float) -> float:
        """Model FLOPs over the peak (0 to 1) at a measured speed, attention included.

        Chowdhery et al. 2022, section 4.1. Raises InputError for a speed above the peak.
        """
        if tokens_per_second > self.peak_tokens_per_second:
            raise InputError(
                f"tokens a second: expected at most {format_number(self.peak_tokens_per_second, 4)}, the peak of all "
                f"devices, got {format_number(tokens_per_second, 4)}"
            )
        return tokens_per_second / self.peak_tokens_per_second

    def tokens_per_second(self, utilization: float) -> float:
        """The speed at a share of the peak: the inverse of `utilization`.

        Raises InputError for a share outside (0, 1].

        >>> from isoflop.arch.published import published_shape
        >>> from isoflop.hardware import hardware_named
        >>> arch, seq_len = published_shape("palm-540b")
        >>> setup = TrainingSetup(seq_len=seq_len, layout=layout_of(6144))
        >>> palm = on_devices(arch, setup, hardware_named("TPUv4"))
        >>> round(palm.tokens_per_second(0.462) / 1e3, 1)
        238.1
        """
        if not 0 < utilization <= 1:
            raise InputError(
                "utilization: expected a share of the peak above 0 and up to 1, such as 0.4, got "
                f"{format_number(utilization, 6)}"
            )
        return utilization * self.peak_tokens_per_second

    def as_json(self) -> JsonObject:
        """A JSON object with the fields and what follows from them."""
        return {
            "device": self.device,
            "count": self.layout.devices,
            "layout": to_json(self.layout),
            "device_bytes": self.device_bytes,
            "train_bytes": self.memory.as_json(),
            "train_recomputed_bytes": self.memory_recomputed.as_json(),
            "fits": self.fits,
            "fits_recomputed": self.fits_recomputed,
            "peak_tokens_per_second": self.peak_tokens_per_second,
        }


def on_devices(arch: Architecture, setup: TrainingSetup, hardware: Hardware, *, dtype: str | None = None) -> OnDevices:
    """`arch` trained on `hardware` as `setup` says, without and with full recomputation whatever it says of that.

    The peak is that of `dtype`, by default of the 16-bit format that the device trains in. Raises InputError where the
    shape does not split into `layout`, or the device has no catalogued peak for `dtype`.
    """
    # both ends of what recomputation can do: the choice between them is that of plan/layout_search.py
    dtype = dtype or hardware.training_format
    if dtype not in hardware.peak_flops:
        raise InputError(f"{hardware.name}: expected a format of {', '.join(hardware.peak_flops)}, got {dtype!r}")
    layout = setup.layout
    stored, recomputed = (train_memory(arch, replace(setup, recompute=recompute)) for recompute in ("none", "full"))
    flops = flops_per_token(arch, setup.seq_len, "palm_mfu")
    return OnDevices(
        device=hardware.name,
        layout=layout,
        device_bytes=hardware.memory_bytes,
        memory=stored,
        memory_recomputed=recomputed,
        peak_tokens_per_second=layout.devices * hardware.peak_flops[dtype] / flops,
    )


def layout_of(
    count: int, *, tensor: int = 1, pipeline: int = 1, sharded: int | None = None, interleaved: int = 1
) -> Layout:
    """The layout of `count` devices: those that `tensor`, `pipeline` and `sharded` leave are replicas.

    Without `sharded`, all remaining devices share one replica's state. Raises InputError where these do not divide
    `count`, and for interleaving without a pipeline.

    >>> layout_of(2240, tensor=8, pipeline=35, sharded=1).data
    8
    """
    Layout(tensor=tensor, pipeline=pipeline, sharded=sharded or 1)  # its checks first: no division by zero
    if interleaved > 1 and pipeline == 1:
        raise InputError(f"layout: {interleaved} interleaved pieces of a stage need stages; give pipeline too")
    rest, over = divmod(count, tensor * pipeline)
    shared = sharded or max(rest, 1)
    if over or rest % shared or not rest:
        raise InputError(
            f"layout: expected tensor x pipeline x sharded to divide {count} devices, "
            f"got {tensor} x {pipeline} x {shared}"
        )
    return Layout(data=rest // shared, sharded=shared, tensor=tensor, pipeline=pipeline, interleaved=interleaved)
