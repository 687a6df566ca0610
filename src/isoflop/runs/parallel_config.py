"""ParallelConfig: how the processes of one run share it, and in which precision they multiply matrices.

It is no part of the RunSpec, since it decides no number of the run but the rounding of products, which the result
records. Whoever starts the trainer may write it to `launch.json` in the run folder; without that file all processes
share one replica.

>>> ParallelConfig(layout=Layout(sharded=4, tensor=2)).as_json()["layout"]
{'data': 1, 'pipeline': 1, 'sharded': 4, 'tensor': 2}
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, get_args

from isoflop.arch.layout import ONE_DEVICE, Layout
from isoflop.codec import JsonObject
from isoflop.errors import InputError
from isoflop.files import read_json, write_json_atomically

SCHEMA = 1
"""Version of launch.json. Raise it when a field changes its meaning."""
Recomputed = Literal["none", "full"]
"""What the backward pass recomputes: nothing, or whole layers, of which only the input is kept."""
MatmulPrecision = Literal["float32", "tfloat32", "bfloat16"]
"""Number format of matrix products, named as in hardware.toml. Weights, gradients and moments are float32."""
_LAYOUT = ("data", "pipeline", "sharded", "tensor")


@dataclass(frozen=True, kw_only=True)
class ParallelConfig:
    """The layout of a run over processes, and how each works through its share of a batch."""

    layout: Layout = ONE_DEVICE
    """A process a device. The trainer has no pipeline: that must be 1."""
    micro_batch_sequences: int | None = None
    """Sequences that one process takes at a time, gradients summed; None: its whole share of the batch."""
    recompute: Recomputed = "none"
    products: MatmulPrecision | None = None
    """None: bfloat16 on a GPU that has it, float32 elsewhere. It changes the rounding; the result records it."""
    compiled: bool | None = None
    """Whether torch.compile makes kernels of the layers; None: on a GPU that trains a run alone."""
    schema: int = field(default=SCHEMA)

    def __post_init__(self) -> None:
        problems = []
        if self.schema != SCHEMA:
            problems.append(f"schema: this version of isoflop reads {SCHEMA}, got {self.schema!r}; write it again")
        if self.layout.pipeline != 1 or self.layout.interleaved != 1:
            problems.append(f"layout.pipeline: expected 1, the trainer has no pipeline, got {self.layout.pipeline}")
        micro = self.micro_batch_sequences
        if micro is not None and (not isinstance(micro, int) or isinstance(micro, bool) or micro < 1):
            problems.append(f"micro_batch_sequences: expected a whole number of at least 1, or null, got {micro!r}")
        if self.recompute not in get_args(Recomputed):
            expected = " or ".join(get_args(Recomputed))
            problems.append(f"recompute: expected {expected}, got {self.recompute!r}")
        if self.products not in (None, *get_args(MatmulPrecision)):
            expected = ", ".join(get_args(MatmulPrecision))
            problems.append(f"products: expected one of {expected}, or null, got {self.products!r}")
        if not (self.compiled is None or isinstance(self.compiled, bool)):
            problems.append(f"compiled: expected true, false or null, got {self.compiled!r}")
        if problems:
            raise InputError.gathered("launch", problems)

    def as_json(self) -> JsonObject:
        """The JSON object in launch.json."""
        return {
            "layout": {name: getattr(self.layout, name) for name in _LAYOUT},
            "micro_batch_sequences": self.micro_batch_sequences,
            "recompute": self.recompute,
            "products": self.products,
            "compiled": self.compiled,
            "schema": self.schema,
        }

    @classmethod
    def from_json(cls, value: object) -> ParallelConfig:
        """The config that `as_json` wrote, with defaults for what is left out. Raises InputError with every problem."""
        if not isinstance(value, dict) or not isinstance(value.get("layout", {}), dict):
            raise InputError("launch: expected a JSON object, with an object `layout`")
        unknown = sorted(set(value) - {f.name for f in fields(cls)})
        problems = [f"{name}: not a field of a launch" for name in unknown]
        layout = value.get("layout", {})
        problems += [f"layout.{name}: not a field of its layout" for name in sorted(set(layout) - set(_LAYOUT))]
        if problems:
            raise InputError.gathered("launch", problems)
        others = {name: part for name, part in value.items() if name != "layout"}
        return cls(**others, layout=Layout(**layout))  # `__post_init__` checks every type


def parallel_config_file(folder: Path) -> Path:
    """launch.json of the run folder `folder`."""
    return folder / "launch.json"


def read_parallel_config(folder: Path) -> ParallelConfig | None:
    """The config of the run folder `folder`; None where nobody wrote one. Raises InputError that names the file."""
    path = parallel_config_file(folder)
    if not path.exists():
        return None
    value = read_json(path)
    try:
        return ParallelConfig.from_json(value)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def write_parallel_config(folder: Path, config: ParallelConfig) -> None:
    """Writes launch.json. Raises InputError when the disk does not take it."""
    write_json_atomically(parallel_config_file(folder), config.as_json())
