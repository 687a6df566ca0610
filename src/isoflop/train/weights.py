"""The final weights of a run as one safetensors file, by the names of the account."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError

from isoflop.errors import InputError
from isoflop.files import write_bytes_atomically
from isoflop.train.checkpoint import is_sliced
from isoflop.train.model import LanguageModel
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup


def export_weights(path: Path, model: LanguageModel, group: ProcessGroup = SINGLE_PROCESS) -> None:
    """Write the final weights as safetensors, names as in `Architecture.tensors()`; the main process writes them."""
    if is_sliced(model):
        from isoflop.train.parallel import whole_tensors

        weights = whole_tensors(model, group)
    else:
        weights = dict(model.state_dict())
    if group.is_main:
        write_bytes_atomically(path, safetensors.torch.save(weights))


def load_weights(path: Path, model: LanguageModel) -> None:
    """Fill `model` from `export_weights`. Raises InputError when the file is missing, torn or of another shape."""
    try:
        model.load_state_dict(safetensors.torch.load_file(path, device="cpu"), assign=False)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise InputError(f"{path}: not the weights of this model ({error}); train the run again") from error
