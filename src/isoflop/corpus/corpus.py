"""Corpus: token files on disk, mapped into memory, and what corpus.json says about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import InputError, Notice
from isoflop.files import json_value, read_regular

SCHEMA = 1
"""Version of corpus.json and of the token files beside it."""
INFO_FILE = "corpus.json"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A corpus ready for training."""

    directory: Path
    digest: str
    """SHA-256 over what decides the tokens: the token files and the tokenizer. RunSpec.corpus holds it."""
    vocab_size: int
    """Token ids, end-of-text included."""
    eot_id: int
    train: NDArray[Any]
    """Training tokens: a read-only memory map, one-dimensional, uint16 or uint32."""
    train_bytes: int
    """UTF-8 bytes of training text; end-of-text counts none."""
    validation: Mapping[str, NDArray[Any]]
    """Validation tokens of each domain, as `train`."""
    validation_bytes: Mapping[str, int]
    """UTF-8 bytes of validation text of each domain; bits per byte divides by tokens * bytes / all tokens of it."""
    info: Mapping[str, Any]
    """The whole of corpus.json."""

    @property
    def train_tokens(self) -> int:
        """Training tokens, end-of-text included."""
        return len(self.train)

    @property
    def notices(self) -> list[Notice]:
        """What a person should know about this text, e.g. `unpinned`."""
        return [Notice(code=n["code"], message=n["message"]) for n in self.info["notices"]]


def read_info(directory: Path) -> dict[str, Any]:
    """corpus.json of `directory` as a dict. Raises InputError when missing, broken or of another version."""
    path = directory / INFO_FILE
    try:
        info = json_value(read_regular(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no corpus here; build it with `isoflop corpus`") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); delete the folder and build the corpus again") from error
    if not isinstance(info, dict) or info.get("schema") != SCHEMA:
        found = info.get("schema") if isinstance(info, dict) else type(info).__name__
        raise InputError(f"{path}: expected schema {SCHEMA}, got {found!r}; delete the folder and build it again")
    return info


def _map_tokens(directory: Path, part: Mapping[str, Any], dtype: str) -> NDArray[Any]:
    path = directory / part["file"]
    expected = part["tokens"] * np.dtype(dtype).itemsize
    try:
        size = path.stat().st_size
        if size != expected:
            raise InputError(f"{path}: expected {expected} bytes, got {size}; delete the folder and build it again")
        return np.memmap(path, dtype=dtype, mode="r")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; delete the folder and build the corpus again") from error


def load_corpus(directory: Path) -> Corpus:
    """The corpus that `build_corpus` wrote into `directory`; token files are mapped, not read.

    Raises InputError when a file is missing, shortened or of another version.
    """
    directory = Path(directory)
    info = read_info(directory)
    try:
        validation = info["validation"]
        return Corpus(
            directory=directory,
            digest=info["digest"],
            vocab_size=info["tokenizer"]["vocab_size"],
            eot_id=info["tokenizer"]["eot_id"],
            train=_map_tokens(directory, info["train"], info["dtype"]),
            train_bytes=info["train"]["bytes"],
            validation={name: _map_tokens(directory, part, info["dtype"]) for name, part in validation.items()},
            validation_bytes={name: part["bytes"] for name, part in validation.items()},
            info=info,
        )
    except KeyError as error:
        raise InputError(
            f"{directory / INFO_FILE}: {error.args[0]!r} is missing; delete the folder and build the corpus again"
        ) from error
