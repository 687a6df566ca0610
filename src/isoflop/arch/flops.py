"""FLOPs per token of a shape, by convention. Bytes are in memory.py.

Published counts of one model's FLOPs differ by a factor of 1.9, so a FLOP count always states its convention. All
values are for training (forward and backward, with the backward pass twice the forward pass).
"""

from __future__ import annotations

from isoflop.arch.architecture import Architecture
from isoflop.arch.families.table import family_named
from isoflop.errors import InputError

FLOPS_CONVENTIONS = (
    "six_n",
    "six_n_non_embedding",
    "chinchilla_appendix_f",
    "chinchilla_appendix_f_body",
    "palm_mfu",
    "megatron_hardware",
    "matmul",
)

ACTIVE_CONVENTION = "six_active_n"
"""6 times the parameters that a token uses, as reports of mixtures of experts count."""


def conventions_of(arch: Architecture) -> tuple[str, ...]:
    """FLOPS_CONVENTIONS, and that of active parameters for a shape with experts."""
    return FLOPS_CONVENTIONS if arch.n_experts is None else (*FLOPS_CONVENTIONS, ACTIVE_CONVENTION)


def flops_per_token(arch: Architecture, seq_len: int, convention: str = "matmul") -> float:
    """Training FLOPs per token of `arch` at `seq_len` under one of FLOPS_CONVENTIONS.

    Of routed experts a token is multiplied by those that it chooses: `palm_mfu`, Appendix F and `matmul` count these,
    `six_n` and `six_n_non_embedding` all, and `six_active_n`, for shapes with experts, 6 times what a token uses.

    - `six_n`, `six_n_non_embedding`: 6 N with all parameters, or without embedding and head (Kaplan et al. 2020).
    - `chinchilla_appendix_f`, `..._body`: Hoffmann et al. 2022, Appendix F, as printed, and without embeddings and
      logits, which is what their Table A4 divides by 6 N. Grouped keys and values, and the third matrix of a gated
      feed-forward, count as what they are, and so does a router.
    - `palm_mfu`: 6 N + 12 L H Q T (Chowdhery et al. 2022, Appendix B).
    - `megatron_hardware`: 96 L h^2 (1 + T/(6h) + V/(16 L h)), recomputed forward pass included
      (Narayanan et al. 2021); it knows the width h only: plain feed-forwards of 4 h, keys and values for every head.
    - `matmul`: every matrix product that the trainer does, attention counted over all T x T pairs as kernels and
      PyTorch's own counter do; what the machine computes, and the default everywhere in isoflop.

    T is `seq_len`, or the sliding window where the shape has a shorter one: T x W pairs.

    Raises InputError for another convention.
    """
    known = conventions_of(arch)
    if convention not in known:
        raise InputError(f"FLOPs convention: expected one of {', '.join(known)}, got {convention!r}")
    count, used, attended = arch.params(), arch.active_params(), arch.attended(seq_len)
    layers, d, a, vocab = arch.n_layers, arch.d_model, arch.attention_width, arch.vocab_size
    if convention == "six_n":
        return 6.0 * count.total
    if convention == "six_n_non_embedding":
        return 6.0 * count.non_embedding
    if convention == ACTIVE_CONVENTION:
        return 6.0 * used.total
    if convention == "palm_mfu":
        return 6.0 * used.total + 12.0 * layers * a * attended
    if convention == "megatron_hardware":
        return 96.0 * layers * d * d * (1 + attended / (6 * d) + vocab / (16 * layers * d))
    # 12 L a T: scores and their product with the values, 2 FLOPs times T times a each, three times for both passes
    if convention == "matmul":
        attention = 12.0 * layers * a * attended
        return 6.0 * used.matmul + attention + family_named(arch.family).position_flops_per_token(arch, attended)
    # Appendix F, forward FLOPs per token: QKV, logits, softmax, reduction, projection, dense block.
    dense = (6 if family_named(arch.family).gated_feed_forward else 4) * d * arch.feed_forward_width + 2 * d * (
        arch.n_experts or 0
    )
    qkv = 2 * d * (a + 2 * arch.kv_width)
    body = layers * (qkv + 4 * attended * a + 3 * arch.n_heads * attended + 2 * a * d + dense)
    ends = 4 * vocab * d if convention == "chinchilla_appendix_f" else 0
    return 3.0 * (body + ends)


def flops_by_convention(arch: Architecture, seq_len: int) -> dict[str, float]:
    """{convention: training FLOPs per token}, all of FLOPS_CONVENTIONS."""
    return {convention: flops_per_token(arch, seq_len, convention) for convention in FLOPS_CONVENTIONS}
