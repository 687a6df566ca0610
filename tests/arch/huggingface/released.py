"""Configurations of released models: the fields that decide tensors and products, typed from the published files.

Each with what its makers print of its size, in parameters, all and those that a token uses; None where they print none.
"""

from dataclasses import dataclass

from isoflop.codec import Json

Values = dict[str, Json]


@dataclass(frozen=True, kw_only=True)
class Released:
    name: str
    values: Values
    printed: float
    """As its makers round it."""
    counted: int | None = None
    """To the parameter, where a count is published."""
    printed_active: float | None = None


def _values(
    kind: str, d: int, ff: int, layers: int, heads: int, keys: int, vocab: int, context: int, **more: Json
) -> Values:
    return {
        "model_type": kind,
        "hidden_size": d,
        "intermediate_size": ff,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "vocab_size": vocab,
        "max_position_embeddings": context,
        **more,
    }


_DEEPSEEK: Values = {"moe_intermediate_size": 2048, "n_shared_experts": 1, "num_experts_per_tok": 8}

RELEASED = (
    Released(
        name="Qwen2.5 7B",
        values=_values("qwen2", 3584, 18944, 28, 28, 4, 152064, 32768, tie_word_embeddings=False),
        printed=7.62e9,
        counted=7_615_616_512,
    ),
    Released(
        name="Qwen2.5 0.5B",
        values=_values("qwen2", 896, 4864, 24, 14, 2, 151936, 32768, tie_word_embeddings=True),
        printed=0.494e9,
        counted=494_032_768,
    ),
    Released(
        name="Qwen3 30B A3B",
        values=_values(
            "qwen3_moe", 2048, 6144, 48, 32, 4, 151936, 40960, head_dim=128, moe_intermediate_size=768, num_experts=128
        ),
        printed=30.5e9,
        counted=30_532_122_624,
        printed_active=3.3e9,
    ),
    Released(
        name="Qwen3 235B A22B",
        values=_values(
            "qwen3_moe",
            4096,
            12288,
            94,
            64,
            4,
            151936,
            40960,
            head_dim=128,
            moe_intermediate_size=1536,
            num_experts=128,
        ),
        printed=235e9,
        counted=235_093_634_560,
        printed_active=22e9,
    ),
    Released(
        name="Gemma 2 2B",
        values=_values("gemma2", 2304, 9216, 26, 8, 4, 256000, 8192, head_dim=256, sliding_window=4096),
        printed=2.6e9,
        counted=2_614_341_888,
    ),
    Released(
        name="Gemma 3 4B, its language model",
        values={
            "model_type": "gemma3",
            "text_config": {
                "model_type": "gemma3_text",
                "hidden_size": 2560,
                "intermediate_size": 10240,
                "num_hidden_layers": 34,
                "sliding_window": 1024,
            },
        },
        printed=3.88e9,
    ),
    Released(
        name="Phi 3 mini",
        values=_values("phi3", 3072, 8192, 32, 32, 32, 32064, 4096, sliding_window=2047),
        printed=3.82e9,
        counted=3_821_079_552,
    ),
    Released(
        name="Phi 4",
        values=_values("phi3", 5120, 17920, 40, 40, 10, 100352, 16384, sliding_window=None),
        printed=14.7e9,
        counted=14_659_507_200,
    ),
    Released(name="OLMo 2 7B", values=_values("olmo2", 4096, 11008, 32, 32, 32, 100352, 4096), printed=7.3e9),
    Released(name="OLMo 3 7B", values=_values("olmo3", 4096, 11008, 32, 32, 32, 100278, 65536), printed=7.3e9),
    Released(
        name="SmolLM3 3B",
        values=_values("smollm3", 2048, 11008, 36, 16, 4, 128256, 65536, tie_word_embeddings=True),
        printed=3.08e9,
        counted=3_075_098_624,
    ),
    Released(
        name="Mixtral 8x7B",
        values=_values("mixtral", 4096, 14336, 32, 32, 8, 32000, 32768, num_local_experts=8, num_experts_per_tok=2),
        printed=46.7e9,
        counted=46_702_792_704,
        printed_active=12.9e9,
    ),
    Released(
        name="DeepSeek V2 Lite",
        values={
            **_values("deepseek_v2", 2048, 10944, 27, 16, 16, 102400, 163840),
            "moe_intermediate_size": 1408,
            "n_shared_experts": 2,
            "n_routed_experts": 64,
            "num_experts_per_tok": 6,
            "first_k_dense_replace": 1,
            "q_lora_rank": None,
        },
        printed=15.7e9,
        printed_active=2.4e9,
    ),
    Released(
        name="DeepSeek V3",
        values={
            **_values("deepseek_v3", 7168, 18432, 61, 128, 128, 129280, 163840),
            **_DEEPSEEK,
            "n_routed_experts": 256,
            "num_nextn_predict_layers": 1,
        },
        printed=671e9,
        counted=671_026_404_352,
        printed_active=37e9,
    ),
    Released(
        name="Kimi K2",
        values={
            **_values("kimi_k2", 7168, 18432, 61, 64, 64, 163840, 131072),
            **_DEEPSEEK,
            "n_routed_experts": 384,
            "first_k_dense_replace": 1,
        },
        printed=1.04e12,
        printed_active=32.6e9,
    ),
    Released(
        name="gpt-oss 120B",
        values=_values(
            "gpt_oss", 2880, 2880, 36, 64, 8, 201088, 131072, head_dim=64, num_local_experts=128, num_experts_per_tok=4
        ),
        printed=116.8e9,
        counted=116_829_156_672,
        printed_active=5.1e9,
    ),
    Released(
        name="gpt-oss 20B",
        values=_values(
            "gpt_oss", 2880, 2880, 24, 64, 8, 201088, 131072, head_dim=64, num_local_experts=32, num_experts_per_tok=4
        ),
        printed=20.9e9,
        counted=20_914_757_184,
        printed_active=3.6e9,
    ),
    Released(
        name="Llama 4 Scout, its language model",
        values={
            "model_type": "llama4",
            "text_config": _values(
                "llama4_text", 5120, 8192, 48, 40, 8, 202048, 10485760, head_dim=128, num_local_experts=16
            ),
        },
        printed=109e9,
        printed_active=17e9,
    ),
    Released(
        name="GLM 4.5",
        values=_values(
            "glm4_moe",
            5120,
            12288,
            92,
            96,
            8,
            151552,
            131072,
            head_dim=128,
            attention_bias=True,
            use_qk_norm=True,
            moe_intermediate_size=1536,
            n_routed_experts=160,
            n_shared_experts=1,
            num_experts_per_tok=8,
            first_k_dense_replace=3,
        ),
        printed=355e9,
        printed_active=32e9,
    ),
    Released(
        name="OLMoE 1B 7B",
        values=_values("olmoe", 2048, 1024, 16, 16, 16, 50304, 4096, num_experts=64, num_experts_per_tok=8),
        printed=6.9e9,
        counted=6_919_161_856,
        printed_active=1.3e9,
    ),
    Released(
        name="Pythia 1.4B",
        values={
            "model_type": "gpt_neox",
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "vocab_size": 50304,
            "max_position_embeddings": 2048,
        },
        printed=1.41e9,
        counted=1_414_647_808,
    ),
    Released(
        name="Falcon 7B",
        values={
            "model_type": "falcon",
            "hidden_size": 4544,
            "num_hidden_layers": 32,
            "num_attention_heads": 71,
            "vocab_size": 65024,
        },
        printed=6.92e9,
        counted=6_921_720_704,
    ),
    Released(
        name="OPT 350M",
        values={
            "model_type": "opt",
            "hidden_size": 1024,
            "ffn_dim": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "vocab_size": 50272,
            "max_position_embeddings": 2048,
            "word_embed_proj_dim": 512,
            "do_layer_norm_before": False,
        },
        printed=0.331e9,
        counted=331_196_416,
    ),
)
