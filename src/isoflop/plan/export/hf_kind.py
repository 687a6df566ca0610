"""Which model of Hugging Face transformers a shape is."""

from __future__ import annotations

from isoflop.arch import Architecture

_CLASSES = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
    "granitemoeshared": "GraniteMoeSharedForCausalLM",
    "qwen3_next": "Qwen3NextForCausalLM",
}


def model_type(arch: Architecture) -> str:
    """The `model_type` of this llama, moe or gpt.

    Qwen3 is Llama, and Qwen3-MoE is Mixtral, with norms of queries and keys. GraniteMoeShared is Mixtral with shared
    experts, where its multipliers of Granite are those of Llama. Qwen3-Next is Qwen3-MoE with shared experts, where all
    of its layers have full attention and its gates are constant, see `hf_gates.py`.
    """
    if arch.family == "gpt":
        return "gpt2"
    normed = "query_key_norm" not in arch.without
    if arch.shared_experts:
        return "qwen3_next" if normed else "granitemoeshared"
    if arch.n_experts is not None:
        return "qwen3_moe" if normed else "mixtral"
    return "qwen3" if normed else "llama"


def transformers_class(arch: Architecture) -> str:
    """The class of transformers that is this llama, moe or gpt."""
    return _CLASSES[model_type(arch)]


def has_gates(arch: Architecture) -> bool:
    """Whether the model of transformers has gates that the shape has not, and that training would move."""
    return model_type(arch) == "qwen3_next"
