"""The nearest buildable shape with experts for a cost per token, with the proportions of dense shapes."""

from __future__ import annotations

import math
from dataclasses import replace

from isoflop.arch.architecture import Architecture
from isoflop.arch.flops import flops_per_token
from isoflop.arch.shapes import DEFAULT_VOCAB_SIZE, shape_of_width, shape_widths, usual_aspect
from isoflop.errors import InputError
from isoflop.laws.experts import ExpertMixture
from isoflop.units import format_flops, format_number

# Columns of an expert are multiples of it: half a tile of 128, so that narrow experts come near their granularity.
_COLUMN_STEP = 64
# As for dense shapes, see shapes.py: how far depth may leave the usual one, what that counts, and the error allowed.
_ASPECT_SLACK, _ASPECT_WEIGHT, _MOST_OFF = 1.4, 0.1, math.log(1.1)


def expert_shape(
    cost: float,
    mixture: ExpertMixture,
    *,
    family: str = "moe",
    vocab_size: int = DEFAULT_VOCAB_SIZE,
    seq_len: int = 2_048,
    without: tuple[str, ...] = (),
) -> Architecture:
    """The shape whose training FLOPs a token, `matmul` convention at `seq_len`, are nearest to `cost`.

    Widths, depths and heads are as in `nearest_shape`; an expert is 2 d_model / granularity wide, to the nearest 64
    columns. Raises InputError where no shape is within 10 %.
    """
    best: tuple[float, Architecture, float] | None = None
    for d_model in shape_widths():
        one = replace(
            shape_of_width(d_model, 1, family=family, vocab_size=vocab_size, seq_len=seq_len),
            d_ff=_COLUMN_STEP * max(1, round(2 * d_model / mixture.granularity / _COLUMN_STEP)),
            n_experts=round(mixture.experts),
            active_experts=round(mixture.active),
            shared_experts=round(mixture.shared) or None,
            without=without,
        )
        # the cost is linear in the depth
        least, more = (flops_per_token(replace(one, n_layers=n), seq_len) for n in (1, 2))
        if least > 2 * cost:
            break
        usual, target = d_model / usual_aspect(d_model), 1 + (cost - least) / (more - least)
        for n_layers in {math.floor(target), math.ceil(target), math.floor(usual), math.ceil(usual)}:
            if n_layers < 1 or not usual / _ASPECT_SLACK <= n_layers <= usual * _ASPECT_SLACK:
                continue
            error = math.log((least + (n_layers - 1) * (more - least)) / cost)
            score = error**2 + (_ASPECT_WEIGHT * math.log(n_layers / usual)) ** 2
            if best is None or score < best[0]:
                best = score, replace(one, n_layers=n_layers), error
    if best is None or abs(best[2]) > _MOST_OFF:
        raise InputError(
            f"flops: no shape with {format_number(mixture.experts, 6)} experts and a vocabulary of {vocab_size:,} "
            "costs within 10 % of "
            f"{format_flops(cost)} FLOPs a token; take another budget or a smaller vocabulary"
        )
    return best[1]
