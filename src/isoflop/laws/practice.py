"""Peak learning rates and batches of published models, by size: the values that a law's own is compared with."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SAME_SIZE = 2.0
"""Sizes up to so many times larger or smaller count as one: neighbours in the tables of GPT-3, Pythia and Llama lie 1.5
to 3 times apart, so that every size between two rows has at least one of them. A choice."""


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """Training of a published model: one row of `practice.csv`, all with Adam or AdamW."""

    system: str
    params: float
    """N as printed, all parameters."""
    tokens: float
    """D as printed."""
    peak_lr: float
    batch_tokens: float | None
    """Tokens a step, the last of a batch that grew; None: not printed."""
    source: str
    """Paper and table."""


@cache
def trained_models() -> tuple[TrainedModel, ...]:
    """All rows, in the order of the file."""
    rows = files("isoflop.laws").joinpath("practice.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        TrainedModel(
            system=row["system"],
            params=float(row["params"]),
            tokens=float(row["tokens"]),
            peak_lr=float(row["peak_lr"]),
            batch_tokens=float(row["batch_tokens"]) if row["batch_tokens"] else None,
            source=row["source"],
        )
        for row in csv.DictReader(rows)
    )


def trained_at(params: float) -> tuple[TrainedModel, ...]:
    """Published models within SAME_SIZE of `params` parameters; those of the nearest size where there are none.

    >>> [model.system for model in trained_at(405e9)]
    ['Gopher 280B', 'MT-NLG 530B', 'Llama 3 405B']
    """
    apart = {model: abs(math.log(model.params / params)) for model in trained_models()}
    furthest = max(math.log(SAME_SIZE), min(apart.values()))
    return tuple(model for model, ratio in apart.items() if ratio <= furthest)
