"""`config.json` of Hugging Face transformers 5: the inverse of `arch/huggingface.py`.

Checked against its modelling code: with the same weights, the classes of `hf_kind.py` give the logits of isoflop's own
models (tests/plan/export/test_hf.py, tests/train/test_huggingface.py).
"""

from __future__ import annotations

import json

from isoflop.arch import NORM_EPS, ROTARY_BASE, Architecture
from isoflop.codec import JsonObject
from isoflop.plan.export.checked import CHECKED
from isoflop.plan.export.engine_run import EngineRun, refuse
from isoflop.plan.export.hf_kind import has_gates, model_type, transformers_class

_TRAINED_GATES = (
    "of its models, only Qwen3-Next has both shared experts and norms of queries and keys, and it trains gates as "
    "well; plan with --without query_key_norm, or train the shape with isoflop, whose export has constant gates"
)


def hf(value: EngineRun) -> str:
    """The text of config.json, the shape alone.

    Raises RefusedError as `hf_config` does, and for a shape whose model there has gates: from new weights these would
    be trained too.
    """
    if has_gates(value.arch):
        refuse("transformers", [_TRAINED_GATES])
    written = {**hf_config(value.arch, value.run.seq_len), "isoflop_plan": _plan(value)}
    return json.dumps(written, sort_keys=True, indent=2) + "\n"


def _plan(value: EngineRun) -> JsonObject:
    """What trains this shape, under a key that transformers keeps and does not read: the file takes no comments."""
    run, rates = value.run, value.run.optimizer
    return {
        "plan": value.plan,
        "tokens": run.tokens,
        "batch_tokens": run.batch_tokens,
        "peak_lr": run.peak_lr,
        "lr_multipliers": {
            "embedding": rates.embedding_lr,
            "output_head": rates.output_head_lr,
            "vectors": rates.vectors_lr,
        },
        "rates": value.rates_rule,
        "checked": CHECKED["hf"].words,
    }


def hf_config(arch: Architecture, seq_len: int, end_of_text: int | None = None) -> JsonObject:
    """config.json of `arch` for a context of `seq_len` tokens, where `end_of_text` is the token between documents.

    Raises RefusedError `not_expressible` where no model of transformers is this shape.
    """
    config = _gpt2(arch) if arch.family == "gpt" else _llama(arch, seq_len)
    # None where there is no tokenizer yet: the defaults of the classes would point outside a small vocabulary
    tokens = dict.fromkeys(("bos_token_id", "eos_token_id"), end_of_text)
    trained = {} if end_of_text is None else {"dtype": "float32"}
    return {**config, **tokens, **trained, "vocab_size": arch.vocab_size}


def _llama(arch: Architecture, seq_len: int) -> JsonObject:
    problems = []
    if arch.family not in ("llama", "moe"):
        problems.append(f"no model of transformers is a {arch.family}; plan with --family llama or --family gpt")
    normed = "query_key_norm" not in arch.without
    # Qwen3 leaves the width of the heads free, LlamaConfig wants them to divide the width.
    if not normed and arch.family == "llama" and arch.d_model % arch.n_heads:
        problems.append(
            f"LlamaConfig wants a width of whole heads, got {arch.d_model} with {arch.n_heads} heads; plan with "
            "query_key_norm, which Qwen3 has"
        )
    refuse("transformers", problems)
    return {
        "model_type": model_type(arch),
        "architectures": [transformers_class(arch)],
        "hidden_size": arch.d_model,
        "intermediate_size": arch.d_ff,
        "num_hidden_layers": arch.n_layers,
        "num_attention_heads": arch.n_heads,
        "num_key_value_heads": arch.n_kv_heads,
        "head_dim": arch.head_dim,
        "max_position_embeddings": seq_len,
        "hidden_act": "silu",
        "rms_norm_eps": NORM_EPS,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROTARY_BASE},
        "attention_bias": False,
        "tie_word_embeddings": arch.tied_embedding,
        **({} if normed or arch.family == "moe" else {"mlp_bias": False}),
        **_experts(arch),
    }


def _experts(arch: Architecture) -> JsonObject:
    """Routed experts: in Mixtral `intermediate_size` is the width of one, in Qwen's a field of its own."""
    if arch.n_experts is None:
        return {}
    kind, shared = model_type(arch), (arch.shared_experts or 0) * arch.d_ff
    used: JsonObject = {"num_experts_per_tok": arch.active_experts, "output_router_logits": False}
    if kind == "granitemoeshared":
        return {
            **used,
            "num_local_experts": arch.n_experts,
            "shared_intermediate_size": shared,
            # Granite's own are 1 but for attention, which it does not divide by the root of the heads' width
            "attention_multiplier": arch.head_dim**-0.5,
            "embedding_multiplier": 1.0,
            "logits_scaling": 1.0,
            "residual_multiplier": 1.0,
        }
    if kind == "mixtral":
        # None: all previous tokens
        return {**used, "num_local_experts": arch.n_experts, "sliding_window": None}
    return {
        **used,
        "num_experts": arch.n_experts,
        "moe_intermediate_size": arch.d_ff,
        "norm_topk_prob": True,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        **(_next(arch, shared) if kind == "qwen3_next" else {}),
    }


def _next(arch: Architecture, shared: int) -> JsonObject:
    """What Qwen3-Next states besides: by its defaults most layers are recurrent, and a quarter of a head is rotated."""
    return {
        "shared_expert_intermediate_size": shared,
        "layer_types": ["full_attention"] * arch.n_layers,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROTARY_BASE, "partial_rotary_factor": 1.0},
    }


def gpt2_problems(arch: Architecture) -> list[str]:
    """Why a shape is none that GPT-2 can be: heads as wide together as the model, each with its own keys and values."""
    problems = []
    if arch.attention_width != arch.d_model:
        problems.append(f"heads of GPT-2 are as wide together as the model, {arch.d_model}, got {arch.attention_width}")
    if arch.n_kv_heads != arch.n_heads:
        problems.append(f"every head of GPT-2 has keys and values of its own, got {arch.n_kv_heads} of {arch.n_heads}")
    if "final_norm" in arch.without:
        problems.append("GPT-2 has a final norm; plan without --without final_norm")
    return problems


def _gpt2(arch: Architecture) -> JsonObject:
    refuse("transformers", gpt2_problems(arch))
    return {
        "model_type": "gpt2",
        "architectures": [transformers_class(arch)],
        "n_embd": arch.d_model,
        "n_inner": arch.d_ff,
        "n_layer": arch.n_layers,
        "n_head": arch.n_heads,
        "n_positions": arch.n_positions,
        # the approximation of GELU by tanh
        "activation_function": "gelu_new",
        "layer_norm_epsilon": NORM_EPS,
        "resid_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "attn_pdrop": 0.0,
        "tie_word_embeddings": arch.tied_embedding,
    }
