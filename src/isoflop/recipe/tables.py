"""The tables of recipe.toml: every key with its type and range; None is what the default recipe has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt

from isoflop.codec import Positive
from isoflop.schedule import Kind

Weight: TypeAlias = Annotated[float, Ge(0), Lt(1e100)]
Share: TypeAlias = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, kw_only=True)
class ShapeTable:
    """[shape]: which shape a size has."""

    layers: Annotated[int, Ge(1), Le(1000)] | None = None
    width_per_layer: Annotated[int, Ge(1), Le(16_384)] | None = None
    head_dim: Annotated[int, Ge(2), Le(1024)] | None = None


@dataclass(frozen=True, kw_only=True)
class OptimizerTable:
    """[optimizer]: of the hidden matrices; embedding, head and vectors have AdamW."""

    hidden: Literal["adamw", "muon"] | None = None
    momentum: Annotated[float, Ge(0), Lt(1)] | None = None
    beta1: Annotated[float, Ge(0), Lt(1)] | None = None
    beta2: Annotated[float, Ge(0), Lt(1)] | None = None
    eps: Positive | None = None
    weight_decay: Weight | None = None
    clip_norm: Positive | None = None


@dataclass(frozen=True, kw_only=True)
class RatesTable:
    """[rates]: learning rates by role."""

    hidden: Annotated[float, Gt(0), Le(1e3)] | None = None
    width_exponent: Annotated[float, Ge(-10), Le(10)] | None = None
    embedding: Weight | None = None
    output_head: Weight | None = None
    vectors: Weight | None = None


@dataclass(frozen=True, kw_only=True)
class ScheduleTable:
    """[schedule]: the rate along a run."""

    kind: Kind | None = None
    final_fraction: Share | None = None
    cooldown_fraction: Annotated[float, Gt(0), Le(1)] | None = None
    warmup_fraction: Share | None = None


@dataclass(frozen=True, kw_only=True)
class BatchTable:
    """[batch]: tokens a step, as a multiple of the default rule or the same in every run."""

    multiple: Annotated[float, Gt(0), Le(1e6)] | None = None
    tokens: Annotated[int, Ge(1), Le(10**12)] | None = None


@dataclass(frozen=True, kw_only=True)
class CorpusTable:
    """[corpus]: the text, and how much of each of its domains is trained on."""

    name: Literal["english", "python"] | None = None
    text: tuple[str, ...] | None = None
    """Files and folders, each a domain; in a file relative to its folder."""
    weights: dict[str, Weight] | None = None
    """{domain: its weight in the training text}, by bytes."""
