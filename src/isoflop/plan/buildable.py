"""The nearest shape that can be built to the size that a plan wishes for, and the tokens that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from isoflop.arch import Architecture, flops_per_token
from isoflop.arch.shapes import nearest_shape
from isoflop.errors import InputError, Notice
from isoflop.laws import Provenance
from isoflop.plan.choice import Choice, expected_loss
from isoflop.plan.limits import DEFAULT_LEVEL
from isoflop.plan.objectives import Objective
from isoflop.plan.source import LawSource

ShapeRule = Callable[[float], Architecture]
"""Wished parameters, in the law's convention -> the shape to build. Raises InputError where there is none."""

DEFAULT_SEQ_LEN = 2_048
"""Context of Hoffmann et al. 2022, for the memory and FLOPs of a shape when nothing else was said."""


@dataclass(frozen=True, kw_only=True)
class Buildable:
    """The nearest shape that can be built, and the tokens that the planned FLOPs pay for with it."""

    architecture: Architecture
    params: int
    """Exact, in the law's convention."""
    tokens: float
    flops_per_token: float
    """In the law's convention, at `seq_len`."""
    loss: float | None
    """Expected at these exact numbers; None without a loss surface."""
    seq_len: int
    """Context in tokens."""

    def as_json(self) -> dict[str, Any]:
        """The architecture's fields, with these beside them."""
        return {
            **self.architecture.as_json(),
            "params": self.params,
            "tokens": self.tokens,
            "flops_per_token": self.flops_per_token,
            "loss": self.loss,
            "seq_len": self.seq_len,
        }


def build_nearest(
    source: LawSource,
    objective: Objective,
    chosen: Choice,
    shape_rule: ShapeRule | Literal["nearest"] | None,
    seq_len: int,
) -> tuple[Buildable | None, list[Notice]]:
    """(the nearest shape with the tokens that it leaves, none) or (None, why there is none)."""
    if shape_rule is None:
        return None, []
    convention = source.law.provenance.params_convention
    try:
        arch = (
            nearest_shape(chosen.params, convention=convention)
            if shape_rule == "nearest"
            else shape_rule(chosen.params)
        )
    except InputError as error:
        return None, [Notice(code="no_buildable_shape", message=str(error))]
    return _build(arch, source, chosen.flops, seq_len, objective), []


def _build(arch: Architecture, source: LawSource, flops: float, seq_len: int, objective: Objective) -> Buildable:
    conventions = source.law.provenance
    params = arch.params().by_convention(conventions.params_convention)
    per_token = _flops_per_token(arch, seq_len, params, conventions)
    tokens = flops / per_token
    return Buildable(
        architecture=arch,
        params=params,
        tokens=tokens,
        flops_per_token=per_token,
        loss=expected_loss(source, objective, params, tokens, DEFAULT_LEVEL)[0],
        seq_len=seq_len,
    )


def _flops_per_token(arch: Architecture, seq_len: int, params: int, law: Provenance) -> float:
    """In the law's convention; 6 N is 6 times what the law calls N."""
    return 6.0 * params if law.flops_convention == "six_n" else flops_per_token(arch, seq_len, law.flops_convention)
