"""A safetensors file in memory, filled anew for each checkpoint: one copy of the state, and no memory taken twice.

The library's own writer copies every tensor three times and holds the interpreter meanwhile, so that the training
would wait for a thread that used it. The format is the library's: eight bytes with the length of a header, the header
in JSON, the values (https://huggingface.co/docs/safetensors/index, Format). Reading is left to the library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

BYTES = 4
"""Of a float32: weights, moments and counts of steps are nothing else."""


class SafetensorsBuffer:
    """The bytes of a file of float32 tensors; pinned where they come from a GPU, which then copies by itself."""

    def __init__(self) -> None:
        self._shapes: dict[str, torch.Size] = {}
        self._bytes = torch.empty(0, dtype=torch.uint8)
        self._places: dict[str, Tensor] = {}

    def fill(self, tensors: Mapping[str, Tensor]) -> Callable[[], memoryview]:
        """Copy `tensors`, in the order of the GPU's work; what is returned gives the bytes once they are all there."""
        on_gpu = any(tensor.is_cuda for tensor in tensors.values())
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        if shapes != self._shapes:
            self._lay_out(tensors, pinned=on_gpu)
            self._shapes = shapes
        for name, tensor in tensors.items():
            self._places[name].copy_(tensor, non_blocking=True)
        copied = torch.cuda.Event() if on_gpu else None  # type: ignore[no-untyped-call]
        if copied is not None:
            copied.record()

        def done() -> memoryview:
            if copied is not None:
                copied.synchronize()
            return memoryview(self._bytes.numpy())  # type: ignore[arg-type]

        return done

    def _lay_out(self, tensors: Mapping[str, Tensor], *, pinned: bool) -> None:
        header, begins, end = {}, {}, 0
        for name, tensor in tensors.items():
            assert tensor.dtype == torch.float32, f"{name} is {tensor.dtype}"
            begins[name], end = end, end + BYTES * tensor.numel()
            header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begins[name], end]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)  # values begin where a processor likes to read them
        head = len(text).to_bytes(8, "little") + text
        self._bytes = torch.empty(len(head) + end, dtype=torch.uint8, pin_memory=pinned)
        self._bytes[: len(head)] = torch.frombuffer(bytearray(head), dtype=torch.uint8)
        values = self._bytes[len(head) :].view(torch.float32)
        self._places = {
            name: values[begins[name] // BYTES :][: tensor.numel()].view(tensor.shape)
            for name, tensor in tensors.items()
        }
