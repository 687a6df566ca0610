"""A device's precision, name and peak, and how a batch gets to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from isoflop.hardware import hardware_reported
from isoflop.runs.parallel_config import MatmulPrecision
from isoflop.train.model import LanguageModel


def kind_of(device: str) -> str:
    """The type of `device`: `cpu`, or `cuda` for `cuda:3`."""
    return device.split(":")[0]


def products_on(device: str, requested: MatmulPrecision | None) -> MatmulPrecision:
    """Precision of matrix products on `device`: as requested, else bfloat16 on a GPU that has it, else float32.

    Weights, gradients and moments are float32 in any case.
    """
    if requested is not None:
        return requested
    if kind_of(device) == "cpu":
        return "float32"
    lacks_it = torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False)
    return "float32" if lacks_it else "bfloat16"


def forward_in(products: MatmulPrecision, device: str) -> AbstractContextManager[object]:
    """Context of a forward pass with matrix products in `products`; the backward pass follows it, outside the context.

    With bfloat16 PyTorch's autocast casts the inputs of products and attention; losses, norms and softmax are computed
    in float32 (Micikevicius et al. 2018, 1710.03740, section 3), and so is the residual stream.
    """
    return torch.autocast(kind_of(device), dtype=torch.bfloat16) if products == "bfloat16" else nullcontext()


def set_float32_products(products: MatmulPrecision) -> None:
    """Allow tfloat32 in products of float32 tensors, forward and backward, only where `products` is tfloat32."""
    torch.set_float32_matmul_precision("high" if products == "tfloat32" else "highest")


def compile_layers(model: LanguageModel, backend: str | Callable[..., object] = "inductor") -> None:
    """Have torch.compile compile the layers at their first call: one program for all, since their shapes are equal."""
    for block in model.blocks:
        block.compile(backend=backend)


def layers_as_written(compiled: bool) -> AbstractContextManager[object]:
    """Context in which `compiled` layers run uncompiled: what happens once is not worth a compilation."""
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


def rows_on(device: str, rows: np.ndarray) -> Tensor:
    """Token ids on `device`; to a GPU they are copied from pinned memory, while it still computes."""
    tokens = torch.from_numpy(rows)
    return tokens if kind_of(device) == "cpu" else tokens.pin_memory().to(device, non_blocking=True)


def name_of(device: str) -> str:
    """The driver's name of `device`, such as `NVIDIA H100 80GB HBM3`; `cpu` for the CPU, `cuda` for an absent GPU."""
    kind = kind_of(device)
    return torch.cuda.get_device_name(torch.device(device)) if kind == "cuda" and torch.cuda.is_available() else kind


def mfu(flops_per_second: float, *, name: str, products: MatmulPrecision, devices: int) -> float | None:
    """Model FLOPs utilization (0 to 1): FLOP/s over the catalogued peak of `devices` devices with driver name `name`.

    Chowdhery et al. 2022, section 4.1. None for a device that hardware.toml does not list under exactly that name, or
    lists without a peak for `products`: a peak is never guessed.
    """
    hardware = hardware_reported(name)
    peak = hardware.peak_flops.get(products) if hardware else None
    return flops_per_second / (devices * peak) if peak else None
