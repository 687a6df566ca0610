"""Published models: shapes by name, and systems (size, tokens) to draw next to a plan.

The rows are in `published.csv`, each with its source. A row with a family has a shape that can be counted and built;
a row with tokens was trained (or proposed) on that many. Both hold for gopher-280b and chinchilla-70b.
"""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from isoflop.arch.architecture import Architecture
from isoflop.errors import InputError


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """One row of `published.csv`."""

    name: str
    """Lower case with a hyphen, e.g. `chinchilla-70b`."""
    architecture: Architecture | None
    """None for a size without a published shape. What a published count omits is in its `without`."""
    seq_len: int | None
    """Context length in tokens; None where the shape is None."""
    params: float
    """Parameters as the paper prints them, rounded; count `architecture` for the exact number."""
    tokens: float | None
    """Training tokens as the paper prints them; None for shapes of a sweep."""
    source: str
    """Paper and table."""

    @property
    def flops(self) -> float | None:
        """Training compute 6 N D of the printed N and D; None where the tokens are None."""
        return None if self.tokens is None else 6 * self.params * self.tokens


@cache
def published_models() -> dict[str, PublishedModel]:
    """{name: model}, every row of `published.csv` in its order."""
    text = files("isoflop.arch").joinpath("published.csv").read_text(encoding="utf-8")
    return {row["name"]: _read_row(row) for row in csv.DictReader(text.splitlines())}


def published_systems() -> list[PublishedModel]:
    """The models with a published token count, to draw large systems in (C, N, D)."""
    return [model for model in published_models().values() if model.tokens is not None]


def published_model(name: str) -> PublishedModel:
    """The model called `name`. Raises InputError that suggests the nearest names.

    >>> chinchilla = published_model("chinchilla-70b")
    >>> chinchilla.architecture.params().total, f"{chinchilla.flops:.3g}"
    (70061948160, '5.88e+23')
    """
    models = published_models()
    if name not in models:
        near = difflib.get_close_matches(name.lower(), models, n=5, cutoff=0.4) or sorted(models)[:5]
        raise InputError(f"model: expected a published name, nearest are {', '.join(near)}; got {name!r}")
    return models[name]


def published_shape(name: str) -> tuple[Architecture, int]:
    """(architecture, context length) of the published model `name`. Raises InputError where there is no shape."""
    model = published_model(name)
    if model.architecture is None or model.seq_len is None:
        raise InputError(f"model: {name} has no shape in the catalogue, only its size and tokens ({model.source})")
    return model.architecture, model.seq_len


def _read_row(row: dict[str, str]) -> PublishedModel:
    architecture = None
    if row["family"]:
        architecture = Architecture(
            family=row["family"],
            tied_embedding=row["tied_embedding"] == "1",
            n_positions=int(row["n_positions"]) if row["n_positions"] else None,
            without=tuple(row["without"].split()),
            **{
                field: int(row[field])
                for field in ("n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size")
            },
        )
    return PublishedModel(
        name=row["name"],
        architecture=architecture,
        seq_len=int(row["seq_len"]) if row["seq_len"] else None,
        params=float(row["params"]),
        tokens=float(row["tokens"]) if row["tokens"] else None,
        source=row["source"],
    )
