"""The settings that say how large a study is and how its sweep is designed, and what they are where none is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

DesignName = Literal["adaptive", "isoflop"]
DEFAULT_MINUTES = 15.0
DEFAULT_DESIGN: DesignName = "adaptive"
"""Design of a new study that names none. In the same 15 minutes the grid plans four times the largest compute of its
sweep, which takes three fifths of all FLOPs (docs/measured.md)."""
DEFAULT_TOLERANCE = 0.01
"""Expected waste: what a shape that is 15 % off its best size costs."""
SIZES = {"minutes", "flops", "target_flops"}
"""Settings of which one says how large a study is."""


def design_for(requested: Mapping[str, object]) -> str:
    """The design of a new study that names none: what only one of the two has decides."""
    if "target_flops" in requested or "tolerance" in requested:
        return "adaptive"
    return "isoflop" if "budgets" in requested else DEFAULT_DESIGN


def with_size(merged: Mapping[str, object], changed: Mapping[str, object]) -> dict[str, object]:
    """`merged` with one size: of `changed` where it names one, else as before, else DEFAULT_MINUTES."""
    given = SIZES & set(changed)
    sized = {**merged, **dict.fromkeys(SIZES - given if given else ())}
    if all(sized.get(size) is None for size in SIZES):
        sized["minutes"] = DEFAULT_MINUTES
    return sized


def size_problem(minutes: float | None, flops: float | None, target_flops: float | None, design: str) -> str:
    """What is wrong with the size of a study; empty where nothing is."""
    if sum(given is not None for given in (minutes, flops, target_flops)) != 1:
        return "expected minutes, flops or target_flops (--for), one of the three"
    if target_flops is not None and design != "adaptive":
        return "target_flops: --for sizes an adaptive sweep; use it with --design adaptive"
    return ""
