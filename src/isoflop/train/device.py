"""What a device computes in, what it is called, how fast it is at the most, and how a batch gets to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isoflop.hardware import hardware_reported
from isoflop.runs.parallel_config import MatmulPrecision
from isoflop.train.model import LanguageModel


def kind_of(device: str) -> str:
    """`cpu`, or `cuda` of `cuda:3`."""
    return device.split(":")[0]


def products_on(device: str, asked: MatmulPrecision | None) -> MatmulPrecision:
    """What matrix products are computed in on `device`: as asked, else bfloat16 on a GPU that has it, else float32.

    Weights, gradients and moments are float32 whatever this says.
    """
    if asked is not None:
        return asked
    if kind_of(device) == "cpu":
        return "float32"
    lacks_it = torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False)
    return "float32" if lacks_it else "bfloat16"


def forward_in(products: MatmulPrecision, device: str) -> AbstractContextManager[object]:
    """Within, a forward pass has its matrix products in `products`; the backward pass takes after it, outside.

    With bfloat16 PyTorch's autocast casts what goes into products and attention; losses, norms and softmax are
    computed in float32 (Micikevicius et al. 2018, 1710.03740, section 3), and so is the residual stream.
    """
    return torch.autocast(kind_of(device), dtype=torch.bfloat16) if products == "bfloat16" else nullcontext()


def set_float32_products(products: MatmulPrecision) -> None:
    """Whether products of float32 numbers, forward and backward, may be in tfloat32: only where `products` says so."""
    torch.set_float32_matmul_precision("high" if products == "tfloat32" else "highest")


def compile_layers(model: LanguageModel, backend: str | Callable[..., Any] = "inductor") -> None:
    """Have torch.compile make kernels of the layers when they are first called, one program for all of them."""
    for block in model.blocks:
        block.compile(backend=backend)


def layers_as_written(compiled: bool) -> AbstractContextManager[object]:
    """Within, layers that are `compiled` are computed as written: what is done once is not worth a compilation."""
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


def rows_on(device: str, rows: np.ndarray) -> Tensor:
    """Token ids on `device`; to a GPU they are copied from pinned memory, while it still computes."""
    made = torch.from_numpy(rows)
    return made if kind_of(device) == "cpu" else made.pin_memory().to(device, non_blocking=True)


def name_of(device: str) -> str:
    """What its driver calls `device`, as `NVIDIA H100 80GB HBM3`; the CPU is `cpu`, a GPU that is not here `cuda`."""
    kind = kind_of(device)
    return torch.cuda.get_device_name(torch.device(device)) if kind == "cuda" and torch.cuda.is_available() else kind


def mfu(flops_per_second: float, *, name: str, products: MatmulPrecision, devices: int) -> float | None:
    """Model FLOP/s over the catalogued peak of `devices` devices that the driver calls `name` (0 to 1).

    Model FLOPs utilization (Chowdhery et al. 2022, section 4.1). None for a device that is not in hardware.toml under
    that very name, or has no peak for `products` there: a peak is never guessed.
    """
    found = hardware_reported(name)
    peak = found.peak_flops.get(products) if found else None
    return flops_per_second / (devices * peak) if peak else None
