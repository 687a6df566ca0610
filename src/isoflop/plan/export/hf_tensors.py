"""The tensors of a model under the names, and in the shapes, that Hugging Face transformers gives them in its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from isoflop.arch import Architecture
from isoflop.plan.export.hf_gates import Tensor, with_constant_gates
from isoflop.plan.export.hf_kind import has_gates, model_type

_LLAMA = {
    "embedding": "model.embed_tokens.weight",
    "final_norm": "model.norm.weight",
    "output_head": "lm_head.weight",
    "attention_norm": "input_layernorm.weight",
    "query_norm": "self_attn.q_norm.weight",
    "key_norm": "self_attn.k_norm.weight",
    "attention_out": "self_attn.o_proj.weight",
    "feed_forward_norm": "post_attention_layernorm.weight",
    "feed_forward_out": "mlp.down_proj.weight",
}
_EXPERT = "experts."
_GRANITE = {"feed_forward_in": "input_linear", "feed_forward_out": "output_linear"}
_GPT2 = {
    "embedding": "transformer.wte.weight",
    "position_embedding": "transformer.wpe.weight",
    "final_norm": "transformer.ln_f.weight",
    "final_norm_bias": "transformer.ln_f.bias",
    "output_head": "lm_head.weight",
    "attention_norm": "ln_1",
    "attention_in": "attn.c_attn",
    "attention_out": "attn.c_proj",
    "feed_forward_norm": "ln_2",
    "feed_forward_in": "mlp.c_fc",
    "feed_forward_out": "mlp.c_proj",
}


def hf_tensors(arch: Architecture, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """{name in transformers: tensor} of the tensors `own`, {name in `Architecture.tensors()`: tensor}.

    The shape is one that `hf_config` takes. A tied head is left out: transformers ties it to the embedding.
    """
    renamed = _gpt2 if arch.family == "gpt" else _llama
    found: dict[str, Tensor] = {}
    for name, tensor in own.items():
        _, layer, part = name.split(".") if name.startswith("blocks.") else ("", "", name)
        found.update((key, np.ascontiguousarray(value)) for key, value in renamed(arch, layer, part, tensor))
    if _is_granite(arch):
        return _stacked(arch, found)
    return with_constant_gates(arch, found) if has_gates(arch) else found


def _stacked(arch: Architecture, found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same with the experts of a layer in one tensor each, (experts, outputs, inputs), as Granite has them."""
    rest = {name: tensor for name, tensor in found.items() if _EXPERT not in name}
    for layer in range(arch.n_layers):
        block = f"model.layers.{layer}.block_sparse_moe."
        for kind in ("input_linear", "output_linear"):
            each = [found[f"{block}{_EXPERT}{number}.{kind}"] for number in range(arch.n_experts or 0)]
            rest[f"{block}{kind}.weight"] = np.stack(each)
    return rest


def _llama(arch: Architecture, layer: str, part: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Queries, keys and values, and the two halves of SwiGLU, lie in one matrix each here and in several there."""
    block = f"model.layers.{layer}." if layer else ""
    if part == "attention_in":
        ends = np.cumsum([arch.attention_width, arch.kv_width])
        for letter, piece in zip("qkv", np.split(tensor, ends), strict=True):
            yield f"{block}self_attn.{letter}_proj.weight", piece
    elif part == "router":
        yield f"{block}{_experts_of(arch)}.{'router.layer' if _is_granite(arch) else 'gate'}.weight", tensor
    elif _is_granite(arch) and part in _GRANITE:
        yield f"{block}shared_mlp.{_GRANITE[part]}.weight", tensor
    elif _is_granite(arch) and part.startswith("expert_"):
        _, number, end = part.split("_")
        yield f"{block}{_experts_of(arch)}.{_EXPERT}{number}.{_GRANITE[f'feed_forward_{end}']}", tensor
    elif part.startswith("expert_"):
        _, number, end = part.split("_")
        gate, up, down = ("w1", "w3", "w2") if model_type(arch) == "mixtral" else ("gate_proj", "up_proj", "down_proj")
        expert = f"{block}{_experts_of(arch)}.experts.{number}."
        if end == "out":
            yield f"{expert}{down}.weight", tensor
        else:
            for name, piece in zip((gate, up), np.split(tensor, 2), strict=True):
                yield f"{expert}{name}.weight", piece
    elif part == "feed_forward_in":
        for half, piece in zip(("gate", "up"), np.split(tensor, 2), strict=True):
            yield f"{block}mlp.{half}_proj.weight", piece
    else:
        yield block + _LLAMA[part], tensor


def _is_granite(arch: Architecture) -> bool:
    return model_type(arch) == "granitemoeshared"


def _experts_of(arch: Architecture) -> str:
    return "block_sparse_moe" if model_type(arch) in ("mixtral", "granitemoeshared") else "mlp"


def _gpt2(arch: Architecture, layer: str, part: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Matrices of layers are stored as (inputs, outputs) there."""
    del arch
    if not layer:
        yield _GPT2[part], tensor
        return
    kind = "bias" if part.endswith("_bias") else "weight"
    yield f"transformer.h.{layer}.{_GPT2[part.removesuffix('_bias')]}.{kind}", tensor.T
