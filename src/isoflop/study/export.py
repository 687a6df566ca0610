"""A trained model as a folder that another library loads: weights, configuration and tokenizer."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from isoflop.arch import Architecture
from isoflop.codec import JsonObject, to_json
from isoflop.corpus import load_tokenizer
from isoflop.errors import InputError
from isoflop.files import TEMPORARY_SUFFIX, storing, sync, write_bytes_atomically
from isoflop.plan.export.hf import hf_config
from isoflop.plan.export.hf_gates import Tensor
from isoflop.plan.export.hf_kind import transformers_class
from isoflop.plan.export.hf_tensors import hf_tensors
from isoflop.plan.export.hf_tokenizer import hf_tokenizer
from isoflop.runs.folder import RunFolder
from isoflop.runs.result import RunResult
from isoflop.study.trained_run import trained_run
from isoflop.study.trainer import INSTALL

WEIGHTS = "model.safetensors"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A folder that was written."""

    folder: Path
    model: str
    """The class of transformers that loads it."""
    result: RunResult
    """The run's result: the exported model has the same validation loss."""
    files: tuple[str, ...]

    def as_json(self) -> JsonObject:
        """The object that `isoflop export --json` prints."""
        return {
            "folder": str(self.folder),
            "to": "hf",
            "model": self.model,
            "run_id": self.result.run_id,
            "params": to_json(self.result.params),
            "val_loss_nats": self.result.val_loss_nats,
            "files": to_json(self.files),
        }


def export_hf(directory: Path, into: Path) -> Exported:
    """Writes the model trained in `directory` (as `trained_run` takes it) into the folder `into`, whole or not at all.

    Raises RefusedError `not_expressible` for a shape that no model of transformers is, InputError for a run that has
    not finished, for weights or a corpus that do not belong to it, and for a folder that holds something.
    """
    if find_spec("safetensors") is None:
        raise InputError(f"safetensors: not installed; {INSTALL}")
    path, corpus = trained_run(directory)
    run = RunFolder(path)
    spec = run.read_spec()
    arch = spec.architecture
    hf_config(arch, spec.seq_len)  # first: a shape that is never possible is refused before a run that is not finished
    result = run.read_result()
    if result is None or result.status != "done":
        raise InputError(f"{path}: this run has not finished; train it first with `isoflop run`")
    _check_new(into)
    tokenizer = load_tokenizer(corpus)
    if tokenizer.vocab_size != arch.vocab_size:
        raise InputError(
            f"{corpus}: its tokenizer has {tokenizer.vocab_size} tokens, the model {arch.vocab_size}; bring back the "
            "corpus that the run was trained on"
        )
    config = hf_config(arch, spec.seq_len, tokenizer.eot_id)
    ends = {"bos_token_id": tokenizer.eot_id, "eos_token_id": tokenizer.eot_id}
    texts = {
        "config.json": json.dumps(config, sort_keys=True, indent=2) + "\n",
        "generation_config.json": json.dumps(ends, sort_keys=True, indent=2) + "\n",
        **hf_tokenizer(tokenizer, corpus, spec.seq_len),
    }
    files = {name: text.encode() for name, text in texts.items()} | {WEIGHTS: _weights(arch, run.weights)}
    _write(into, files)
    return Exported(folder=into, model=transformers_class(arch), result=result, files=tuple(sorted(files)))


def _check_new(into: Path) -> None:
    if into.is_symlink() or (into.exists() and not into.is_dir()):
        raise InputError(f"{into}: expected a new or empty folder, and this is not a folder; give another with --out")
    if into.is_dir() and any(into.iterdir()):
        raise InputError(f"{into}: expected a new or empty folder, and it holds files; give another with --out")


def _weights(arch: Architecture, path: Path) -> bytes:
    """model.safetensors for transformers of the final weights in `path`."""
    from safetensors import SafetensorError, numpy

    try:
        own: dict[str, Tensor] = numpy.load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as weights ({error}); train the run again") from error
    expected = {tensor.name: tensor.shape for tensor in arch.tensors()}
    if {name: tensor.shape for name, tensor in own.items()} != expected:
        raise InputError(f"{path}: not the weights of this run's model; train the run again")
    data: bytes = numpy.save(hf_tensors(arch, own), metadata={"format": "pt"})  # transformers asks for the format
    return data


def _write(into: Path, files: dict[str, bytes]) -> None:
    """A folder with these files: under another name until all of them are on the disk."""
    with storing(into, sum(map(len, files.values()))):
        into.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{into.name}.", suffix=TEMPORARY_SUFFIX, dir=into.parent))
        try:
            partial.chmod(0o755)  # mkdtemp makes it private
            for name, data in files.items():
                write_bytes_atomically(partial / name, data)
            os.rename(partial, into)  # POSIX: replaces an empty folder, fails on one with files
            sync(into.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
