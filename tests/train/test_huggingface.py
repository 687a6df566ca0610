"""The same weights give the same logits as in Hugging Face transformers: GPT-2 and Llama, read from their configs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.numpy import save_file

from isoflop.arch import Architecture
from isoflop.arch.huggingface import read_config
from isoflop.plan.export.hf import hf_config
from isoflop.plan.export.hf_tensors import hf_tensors
from isoflop.train.model import LanguageModel, build

transformers: Any = pytest.importorskip(
    "transformers", reason="transformers is not installed: the models are not compared with its GPT-2 and Llama"
)

TOKENS = torch.randint(101, (2, 19), generator=torch.Generator().manual_seed(0))


def shaken(reference: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Its weights, away from what it began with: no gain is 1 and no bias 0."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return {name: value.detach() for name, value in reference.state_dict().items()}


def ours(reference: Any, folder: Path) -> LanguageModel:
    """Our model of the reference's config.json, before it has its weights."""
    reference.config.save_pretrained(folder)
    arch, _ = read_config(folder / "config.json")
    assert arch.params().total == sum(parameter.numel() for parameter in reference.parameters())
    return build(arch).eval()


def fill(model: LanguageModel, weights: dict[str, torch.Tensor]) -> None:
    assert set(weights) == {tensor.name for tensor in model.arch.tensors()}
    with torch.no_grad():
        for name, value in weights.items():
            model.get_parameter(name).copy_(value)


def check_same_logits(reference: Any, model: LanguageModel) -> None:
    with torch.no_grad():
        expected, actual = reference(TOKENS).logits, model.logits(TOKENS)
    assert expected.abs().mean() > 0.1
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("d_ff", [None, 72])
@pytest.mark.parametrize("tied", [True, False])
def test_gpt2(tmp_path: Path, tied: bool, d_ff: int | None) -> None:
    config = transformers.GPT2Config(
        n_layer=3,
        n_head=4,
        n_embd=32,
        n_inner=d_ff,
        vocab_size=101,
        n_positions=24,
        layer_norm_epsilon=1e-6,
        tie_word_embeddings=tied,
        bos_token_id=0,
        eos_token_id=0,
    )
    reference = transformers.GPT2LMHeadModel(config).eval()
    theirs = shaken(reference)
    weights = {
        "embedding": theirs["transformer.wte.weight"],
        "position_embedding": theirs["transformer.wpe.weight"],
        "final_norm": theirs["transformer.ln_f.weight"],
        "final_norm_bias": theirs["transformer.ln_f.bias"],
    }
    if not tied:
        weights["output_head"] = theirs["lm_head.weight"]
    for layer in range(config.n_layer):
        block, h = f"blocks.{layer}.", f"transformer.h.{layer}."
        for name, norm in (("attention_norm", "ln_1"), ("feed_forward_norm", "ln_2")):
            weights[block + name] = theirs[f"{h}{norm}.weight"]
            weights[f"{block}{name}_bias"] = theirs[f"{h}{norm}.bias"]
        for name, matrix in (
            ("attention_in", "attn.c_attn"),
            ("attention_out", "attn.c_proj"),
            ("feed_forward_in", "mlp.c_fc"),
            ("feed_forward_out", "mlp.c_proj"),
        ):
            weights[block + name] = theirs[f"{h}{matrix}.weight"].T  # stored as (inputs, outputs) there
            weights[f"{block}{name}_bias"] = theirs[f"{h}{matrix}.bias"]
    model = ours(reference, tmp_path)
    fill(model, weights)
    check_same_logits(reference, model)


@pytest.mark.parametrize(("kind", "kv_heads"), [("llama", 4), ("llama", 2), ("mistral", 1), ("qwen3", 2)])
@pytest.mark.parametrize("tied", [True, False])
def test_llama(tmp_path: Path, kind: str, kv_heads: int, tied: bool) -> None:
    names = {"llama": "Llama", "mistral": "Mistral", "qwen3": "Qwen3"}
    config = getattr(transformers, f"{names[kind]}Config")(
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=kv_heads,
        hidden_size=40,
        head_dim=12,
        intermediate_size=72,
        vocab_size=101,
        max_position_embeddings=64,
        tie_word_embeddings=tied,
        rms_norm_eps=1e-6,
    )
    reference = getattr(transformers, f"{names[kind]}ForCausalLM")(config).eval()
    theirs = shaken(reference)
    weights = {"embedding": theirs["model.embed_tokens.weight"], "final_norm": theirs["model.norm.weight"]}
    if not tied:
        weights["output_head"] = theirs["lm_head.weight"]
    for layer in range(config.num_hidden_layers):
        block, h = f"blocks.{layer}.", f"model.layers.{layer}."
        weights |= {
            block + "attention_norm": theirs[h + "input_layernorm.weight"],
            block + "feed_forward_norm": theirs[h + "post_attention_layernorm.weight"],
            block + "attention_in": torch.cat([theirs[f"{h}self_attn.{part}_proj.weight"] for part in "qkv"]),
            block + "attention_out": theirs[h + "self_attn.o_proj.weight"],
            block + "feed_forward_in": torch.cat([theirs[f"{h}mlp.{part}_proj.weight"] for part in ("gate", "up")]),
            block + "feed_forward_out": theirs[h + "mlp.down_proj.weight"],
        }
        if kind == "qwen3":
            weights[block + "query_norm"] = theirs[h + "self_attn.q_norm.weight"]
            weights[block + "key_norm"] = theirs[h + "self_attn.k_norm.weight"]
    model = ours(reference, tmp_path)
    fill(model, weights)
    check_same_logits(reference, model)


@pytest.mark.parametrize("kind", ["GPT2", "Llama", "Mistral", "Qwen3", "GPTBigCode"])
def test_default_configs_count_as_their_own_models_do(tmp_path: Path, kind: str) -> None:
    config = getattr(transformers, f"{kind}Config")()
    config.save_pretrained(tmp_path)
    with torch.device("meta"):
        reference = transformers.AutoModelForCausalLM.from_config(config)
    arch, seq_len = read_config(tmp_path / "config.json")
    assert arch.params().total == sum(parameter.numel() for parameter in reference.parameters())
    assert seq_len == config.max_position_embeddings
    if kind == "GPT2":
        assert arch.params().total == 124_439_808  # Radford et al. 2019: the smallest, "124M"


@pytest.mark.parametrize(
    ("without", "shared"),
    [(("query_key_norm",), None), ((), None), (("query_key_norm",), 1), (("query_key_norm",), 2), ((), 1), ((), 2)],
    ids=["mixtral", "qwen3_moe", "granitemoeshared", "two_shared", "qwen3_next", "two_shared_normed"],
)
@pytest.mark.parametrize("tied", [True, False])
def test_moe(tmp_path: Path, tied: bool, without: tuple[str, ...], shared: int | None) -> None:
    """Files as `hf_config` and `hf_tensors` write them, read by transformers: the same logits."""
    arch = Architecture(
        family="moe",
        n_layers=3,
        d_model=40,
        n_heads=4,
        n_kv_heads=2,
        head_dim=12,
        d_ff=24,
        vocab_size=101,
        tied_embedding=tied,
        without=without,
        n_experts=6,
        active_experts=2,
        shared_experts=shared,
    )
    model = build(arch).eval()
    shaken(model)
    own = {name: value.detach().numpy() for name, value in model.named_parameters()}
    (tmp_path / "config.json").write_text(json.dumps({**hf_config(arch, 64), "dtype": "float32"}))
    save_file(hf_tensors(arch, own), tmp_path / "model.safetensors", {"format": "pt"})
    reference, found = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not found["missing_keys"]
    assert not found["unexpected_keys"]
    assert type(reference).__name__ == hf_config(arch, 64)["architectures"][0]  # type: ignore[index]
    # the gates of Qwen3-Next: one as wide as the queries, and a number, of each layer
    gates = arch.n_layers * (arch.attention_width + 1) * arch.d_model if shared and not without else 0
    assert sum(parameter.numel() for parameter in reference.parameters()) == arch.params().total + gates
    check_same_logits(reference.eval(), model)
