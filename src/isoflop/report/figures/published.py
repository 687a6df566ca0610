"""The published laws as lines of N_opt or D_opt against C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.laws import published_law

Quantity = Literal["params", "tokens"]

LAWS = {
    "hoffmann2022-1": "Hoffmann 2022, approach 1",
    "hoffmann2022-2": "Hoffmann 2022, approach 2",
    "hoffmann2022-3": "Hoffmann 2022, approach 3",
    "besiroglu2024": "Besiroglu 2024",
}


@dataclass(frozen=True, kw_only=True)
class ScalingLine:
    """An optimum against compute, by one approach or one published law."""

    name: str
    """`envelope`, `isoflop`, `parametric`, or a published law's name."""
    label: str
    """In words, for a legend."""
    flops: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...] = ()
    """Lower limit at each of `flops`; empty where no band is known."""
    high: tuple[float, ...] = ()
    source: str = ""
    """Paper and place of a published law; empty for the study's own."""


def published_lines(quantity: Quantity, low: float, high: float, points: int) -> tuple[ScalingLine, ...]:
    """The four laws at `points` log-spaced places from `low` to `high` FLOPs, each with C = 6 N D as it was fitted."""
    flops = np.geomspace(low, high, points)
    lines = []
    for name, label in LAWS.items():
        law = published_law(name)
        optimum = law.optimum(flops)[0 if quantity == "params" else 1]
        lines.append(
            ScalingLine(
                name=name,
                label=label,
                flops=tuple(map(float, flops)),
                values=tuple(map(float, optimum)),
                source=f"{law.provenance.paper}, {law.provenance.place}",
            )
        )
    return tuple(lines)
