"""Counts of a configuration without a reader of ours, by transformers where it is installed.

The library builds the model on the meta device in a process of its own (train/count_config.py): nothing is downloaded,
and no code that a repository brings is run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from isoflop.arch.huggingface.config import Config
from isoflop.codec import Json
from isoflop.errors import InputError, Notice
from isoflop.json_values import json_value

_LONGEST_SECONDS = 300.0
"""Of a model of some hundred layers it takes seconds; a mistyped count may take for ever."""
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_MOST_LAYERS = 10_000
_TRAINING = 3.0  # times the FLOPs of a forward pass
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class LibraryCount:
    """What transformers says of a model that no reader of ours knows; None where it does not say."""

    kind: str
    """The `model_type` of its configuration."""
    version: str
    """Of transformers."""
    params: int
    """All that are stored, a tied head once."""
    embedding: int
    output_head: int
    """0 where it is the embedding."""
    vocab_size: int
    context: int | None
    """Longest context in tokens."""
    line: tuple[float, float] | None
    """(FLOPs of a token's forward pass at no context, further ones for each token of context)."""

    @property
    def non_embedding(self) -> int:
        """Parameters without the tables of embedding and output head."""
        return self.params - self.embedding - self.output_head

    def flops_by_convention(self, seq_len: int) -> dict[str, float]:
        """{convention: training FLOPs per token}; `matmul`, every matrix product, only where it could be counted."""
        flops = {"six_n": 6.0 * self.params, "six_n_non_embedding": 6.0 * self.non_embedding}
        if self.line is not None:
            flops["matmul"] = _TRAINING * (self.line[0] + self.line[1] * seq_len)
        return flops

    @property
    def notices(self) -> tuple[Notice, ...]:
        """That the library counted, and what it left open."""
        left = "" if self.line is not None else "; which products a token takes part in is not known"
        words = f"model_type {self.kind} has no reader of isoflop's: counted by transformers {self.version}{left}"
        return (Notice(code="counted_by_library", message=words),)


def has_library() -> bool:
    """Whether transformers and PyTorch are installed here."""
    return all(find_spec(name) is not None for name in ("transformers", "torch"))


def count_by_library(path: Path, kind: str, values: Mapping[str, Json]) -> LibraryCount:
    """The count of the fields `values` of the configuration at `path`.

    Raises InputError where transformers cannot build it, in its words, and for fields that may change the count and
    that its configuration of this kind does not know, with all problems at once.
    """
    config = Config(kind, values)
    stated = [name for name in _LAYERS if name in values]
    for name in stated:
        if config.number(name, 1) > _MOST_LAYERS:
            config.problems.append(f"{name}: expected at most {_MOST_LAYERS:,}, got {values[name]}")
    if config.problems:
        raise InputError.gathered(str(path), config.problems)
    found = _asked(path, {**values, "model_type": kind})
    known = found["known"]
    for field in known if isinstance(known, list) else ():
        config.get(str(field))
    config.refuse_unread()
    if config.problems:
        raise InputError.gathered(str(path), config.problems)
    sizes = {name: _whole(found[name]) for name in ("params", "embedding", "output_head", "vocab_size")}
    context = found["context"]
    return LibraryCount(
        kind=kind,
        version=str(found["version"]),
        **sizes,
        context=context if isinstance(context, int) and context > 0 else None,
        line=_line(found["forward_flops"], found["contexts"]) if _plain(values) else None,
    )


def _asked(path: Path, values: Mapping[str, Json]) -> dict[str, Json]:
    """The answer of the process that builds the model."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    try:
        # -P: nothing of the folder in which a stranger's file lies is imported
        done = subprocess.run(
            [sys.executable, "-P", "-m", "isoflop.train.count_config"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            env=environment,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{path}: transformers was not done after {_LONGEST_SECONDS:.0f} s; check its sizes"
        ) from error
    try:
        found = json_value(done.stdout.strip().rsplit("\n", 1)[-1])
    except ValueError:
        found = None
    if not isinstance(found, dict):
        words = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise InputError(f"{path}: transformers cannot be asked: {words[-1]}")
    if "problem" in found:
        raise InputError(f"{path}: no reader of isoflop's, and transformers cannot build it: {found['problem']}")
    return found


def _plain(values: Mapping[str, Json]) -> bool:
    """Whether the products of all parameters and all pairs of tokens are those of a token.

    With experts some parameters are not used, and with windows some pairs are not; transformers' plain attention, which
    is what can be counted without values, multiplies them all.
    """
    return not any(
        value not in (None, False, 0, [], {})
        and any(part in name for part in ("expert", "window", "chunk", "layer_types"))
        for name, value in values.items()
    )


def _line(flops: Json, contexts: Json) -> tuple[float, float] | None:
    """(FLOPs a token at no context, slope) where those of three contexts lie on a line."""
    if not isinstance(flops, list) or not isinstance(contexts, list):
        return None
    points = [(_whole(length), _whole(count) / _whole(length)) for length, count in zip(contexts, flops, strict=True)]
    (first, low), (middle, between), (last, high) = points
    slope = (high - low) / (last - first)
    if abs(low + slope * (middle - first) - between) > _ROUNDING * between:
        return None
    return low - slope * first, slope


def _whole(value: Json) -> int:
    if not isinstance(value, int):
        raise InputError(f"transformers: expected a whole number, got {value!r}")
    return value
