"""The tensors of a Qwen3-Next whose gates are constant, so that it is a Qwen3-MoE with shared experts.

Qwen3-Next multiplies what its attention and its shared experts give by a sigmoid of a product with its input. With
weights of zero each gate is 1/2, and the matrix behind it is doubled: exact in binary floating point.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from isoflop.arch import Architecture

Tensor = NDArray[np.floating]


def with_constant_gates(arch: Architecture, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns the tensors `found`, under the names of Qwen3-MoE and with the shared experts as `mlp`, as of Qwen3-Next.

    Its norms multiply by 1 + their weight: gains from 0 to 1/2 are rounded, by at most 2^-25 in float32.
    """
    gated = {name: tensor - 1 if name.endswith("norm.weight") else tensor for name, tensor in found.items()}
    for layer in range(arch.n_layers):
        block = f"model.layers.{layer}."
        attention = block + "self_attn."
        # of each head the queries, and then its gate
        queries = gated[attention + "q_proj.weight"].reshape(arch.n_heads, arch.head_dim, arch.d_model)
        rows = np.concatenate([queries, np.zeros_like(queries)], axis=1)
        gated[attention + "q_proj.weight"] = rows.reshape(2 * arch.attention_width, arch.d_model)
        gated[attention + "o_proj.weight"] = 2 * gated[attention + "o_proj.weight"]
        for part in ("gate_proj", "up_proj"):
            gated[f"{block}mlp.shared_expert.{part}.weight"] = gated.pop(f"{block}mlp.{part}.weight")
        gated[block + "mlp.shared_expert.down_proj.weight"] = 2 * gated.pop(block + "mlp.down_proj.weight")
        gated[block + "mlp.shared_expert_gate.weight"] = np.zeros((1, arch.d_model), queries.dtype)
    return gated
