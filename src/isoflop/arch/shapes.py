"""The nearest shape that hardware runs well for a target number of parameters, at the scale of published models.

Up to width 1,024 heads are 64 wide, above it 128, as in Hoffmann et al. 2022, Table A9, and from 4,096 on 256 in the
palm family, as in Chowdhery et al. 2022, Table 1; widths are whole numbers of heads, so multiples of 128 from there on,
and above 4,096 multiples of 1,024: 8 heads of 128, which split evenly over the eight devices of a node, or 4 of 256.
The tiny models of a study have another shape rule, in recipe/small.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from isoflop.arch.architecture import Architecture
from isoflop.arch.families.table import family_named
from isoflop.arch.flops import flops_by_convention
from isoflop.arch.memory import memory_bytes
from isoflop.arch.tensors import PARAMS_CONVENTIONS, ParamCount
from isoflop.codec import JsonObject, fields_to_json, to_json
from isoflop.errors import InputError
from isoflop.units import Quantity, format_quantity, parse_quantity

DEFAULT_VOCAB_SIZE = 32_000
"""SentencePiece vocabulary of Hoffmann et al. 2022, and of Llama (Touvron et al. 2023)."""
# Feed-forwards are multiples of it: the tile of a tensor core or of a TPU's matrix unit.
_FF_STEP = 128
_SMALLEST_WIDTH, _LARGEST_WIDTH = 128, 2**17

# d_model / n_layers = 6.2494 d_model^0.32983: least squares of the logarithms over the 50 rows of Hoffmann et al. 2022,
# Table A9 (spread 13 %); it gives 122 at width 8,192, where Chinchilla has 102.
_ASPECT_COEFFICIENT, _ASPECT_EXPONENT = 6.2494, 0.32983
# Depth may leave that curve by this factor; Table A9 itself leaves it by up to 1.32.
_ASPECT_SLACK = 1.4
# How much a shape off the curve counts against one off in size: a factor e in proportions like 10 % in N.
# An assumption: loss is flat in the proportions within a factor of 2 (Kaplan et al. 2020, Figure 5).
_ASPECT_WEIGHT = 0.1


def usual_aspect(d_model: int) -> float:
    """d_model / n_layers that Table A9 of Hoffmann et al. 2022 gives models of this width.

    >>> round(usual_aspect(4096))
    97
    """
    return float(_ASPECT_COEFFICIENT * d_model**_ASPECT_EXPONENT)


def usual_head_dim(d_model: int, family: str = "llama") -> int:
    """Width of a head in a model of that width: 64 up to 1,024, the family's own from 4,096 on, 128 between."""
    return 64 if d_model <= 1024 else 128 if d_model < 4096 else family_named(family).wide_head_dim


def shape_of_width(
    d_model: int,
    n_layers: int,
    *,
    family: str = "llama",
    vocab_size: int = DEFAULT_VOCAB_SIZE,
    seq_len: int = 2_048,
    tied: bool | None = None,
) -> Architecture:
    """The shape of that width and depth with the family's proportions; learned positions cover `seq_len` tokens.

    `tied`: whether the output head is the embedding; None: as usual in the family.

    Every head has its own keys and values, except in a multi-query family. Raises InputError for a width that is not a
    multiple of the head's, see `usual_head_dim`.
    """
    kind = family_named(family)
    head_dim = usual_head_dim(d_model, family)
    if d_model < head_dim or d_model % head_dim:
        raise InputError(f"d_model: expected a multiple of {head_dim}, the width of a head, got {d_model}")
    return Architecture(
        family=family,
        n_layers=n_layers,
        d_model=d_model,
        n_heads=d_model // head_dim,
        n_kv_heads=1 if kind.multi_query else d_model // head_dim,
        head_dim=head_dim,
        d_ff=_FF_STEP * math.ceil(kind.usual_d_ff(d_model) / _FF_STEP),
        vocab_size=vocab_size,
        tied_embedding=kind.tied_embedding if tied is None else tied,
        **kind.own_fields(seq_len),
    )


def nearest_shape(
    params: Quantity,
    *,
    family: str = "llama",
    vocab_size: int = DEFAULT_VOCAB_SIZE,
    seq_len: int = 2_048,
    convention: str = "total",
    tied: bool | None = None,
) -> Architecture:
    """The buildable shape nearest to `params` parameters of that `convention`, with the proportions of Table A9.

    Minimises ln(N / target)^2 + (0.1 ln(aspect / usual aspect))^2 over widths and depths. Raises InputError when no
    shape is within 10 %, as for tiny models, which need another rule.

    >>> arch = nearest_shape(7e9)
    >>> arch.n_layers, arch.d_model, f"{arch.params().total:.3g}"
    (38, 3840, '6.97e+09')
    """
    if convention not in PARAMS_CONVENTIONS:
        raise InputError(f"params convention: expected one of {', '.join(PARAMS_CONVENTIONS)}, got {convention!r}")
    params = parse_quantity(params, "params")
    best: tuple[float, Architecture, float] | None = None
    build = partial(shape_of_width, family=family, vocab_size=vocab_size, seq_len=seq_len, tied=tied)
    for d_model in shape_widths():
        # the count is linear in the depth: two depths give all of them, without building a shape for each
        one, two = (build(d_model, n).params().by_convention(convention) for n in (1, 2))
        usual = d_model / usual_aspect(d_model)
        if one > 2 * params:
            break  # wider ones are larger still
        target = 1 + (params - one) / (two - one)
        # the depths next to the target in size, and those of the usual proportions
        for n_layers in {math.floor(target), math.ceil(target), math.floor(usual), math.ceil(usual)}:
            if n_layers < 1 or not usual / _ASPECT_SLACK <= n_layers <= usual * _ASPECT_SLACK:
                continue
            size = one + (n_layers - 1) * (two - one)
            error = math.log(size / params)
            score = error**2 + (_ASPECT_WEIGHT * math.log(n_layers / usual)) ** 2
            if best is None or score < best[0]:
                best = score, build(d_model, n_layers), error
    if best is None or abs(best[2]) > math.log(1.1):
        raise InputError(
            f"params: no {family} shape with a vocabulary of {vocab_size} and widths of {_SMALLEST_WIDTH} to "
            f"{_LARGEST_WIDTH} comes within 10 % of {format_quantity(params)} ({convention}); give a shape, or a "
            "smaller vocabulary"
        )
    return best[1]


def shape_widths() -> Iterator[int]:
    """Widths that shapes are built with, the narrowest first."""
    width = _SMALLEST_WIDTH
    while width <= _LARGEST_WIDTH:
        yield width
        width += 64 if width < 1024 else 128 if width < 4096 else 1024


@dataclass(frozen=True, kw_only=True)
class ShapeAccount:
    """All that a shape and its context length decide: parameters, FLOPs per token by convention, memory."""

    architecture: Architecture
    seq_len: int
    """Context in tokens."""
    params: ParamCount
    flops_per_token: dict[str, float]
    """{convention: training FLOPs per token}."""
    memory_bytes: dict[str, int]
    """As `memory.memory_bytes`."""

    def as_json(self) -> JsonObject:
        """A JSON object, parameters by convention and by role."""
        sizes = {convention: self.params.by_convention(convention) for convention in PARAMS_CONVENTIONS}
        return fields_to_json(self) | {"params": to_json({**sizes, "by_role": self.params.by_role()})}


def shape_account(arch: Architecture, seq_len: int) -> ShapeAccount:
    """The account of `arch` at a context of `seq_len` tokens.

    Raises InputError for a context longer than the shape's learned positions.
    """
    if arch.n_positions is not None and seq_len > arch.n_positions:
        raise InputError(f"seq_len: expected at most {arch.n_positions}, the positions learned, got {seq_len}")
    return ShapeAccount(
        architecture=arch,
        seq_len=seq_len,
        params=arch.params(),
        flops_per_token=flops_by_convention(arch, seq_len),
        memory_bytes=memory_bytes(arch, seq_len),
    )
