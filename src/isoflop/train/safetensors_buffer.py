"""A safetensors file in memory, refilled for each checkpoint: one copy of the state, allocated once.

The library's own writer copies every tensor three times and holds the interpreter lock meanwhile, so that training
would wait for a thread that used it. The format is the library's: eight bytes with the length of a header, the header
in JSON, the values (https://huggingface.co/docs/safetensors/index, Format). Reading is left to the library.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

BYTES = 4
"""Bytes of a float32; weights, moments and step counts are all float32."""


class SafetensorsBuffer:
    """The bytes of a file of float32 tensors, pinned for tensors on a GPU, which then copies asynchronously."""

    def __init__(self) -> None:
        self._shapes: dict[str, torch.Size] = {}
        self._bytes = torch.empty(0, dtype=torch.uint8)
        self._places: dict[str, Tensor] = {}

    def fill(self, tensors: Mapping[str, Tensor]) -> Callable[[], memoryview]:
        """Start copying `tensors`, in the GPU's queue; the result, when called, waits and returns the bytes."""
        on_gpu = any(tensor.is_cuda for tensor in tensors.values())
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        if shapes != self._shapes:
            self._lay_out(tensors, pinned=on_gpu)
            self._shapes = shapes
        for name, tensor in tensors.items():
            self._places[name].copy_(tensor, non_blocking=True)
        # in the queue after the copies: a thread waits for this event alone, not for the steps queued since
        copied = torch.cuda.Event() if on_gpu else None  # type: ignore[no-untyped-call]
        if copied is not None:
            copied.record()

        def done() -> memoryview:
            """The bytes, once the copies have arrived."""
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
        text += b" " * (-len(text) % 8)  # so that values are aligned to 8 bytes
        head = len(text).to_bytes(8, "little") + text
        self._bytes = torch.empty(len(head) + end, dtype=torch.uint8, pin_memory=pinned)
        self._bytes[: len(head)] = torch.frombuffer(bytearray(head), dtype=torch.uint8)
        values = self._bytes[len(head) :].view(torch.float32)
        # views into the bytes: filling the file is copying tensors
        self._places = {
            name: values[begins[name] // BYTES :][: tensor.numel()].view(tensor.shape)
            for name, tensor in tensors.items()
        }
