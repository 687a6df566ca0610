"""config.json for transformers: the same parameters, the same function, and read back as the same shape."""

import json
from dataclasses import replace

import pytest

from isoflop.arch import Architecture
from isoflop.arch.huggingface import read_config
from isoflop.errors import RefusedError
from isoflop.plan.export import EXPORTS
from isoflop.plan.export.hf import hf_config
from isoflop.plan.export.hf_tensors import hf_tensors

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LLAMA = Architecture(
    family="llama", n_layers=2, d_model=32, n_heads=4, n_kv_heads=2, head_dim=16, d_ff=48, vocab_size=64,
    tied_embedding=False,
)  # fmt: skip
PLAIN = {"without": ("query_key_norm",)}
GPT = Architecture(
    family="gpt", n_layers=2, d_model=32, n_heads=4, n_kv_heads=4, head_dim=8, d_ff=96, vocab_size=64,
    tied_embedding=True, n_positions=256,
)  # fmt: skip
PLANS = [("llama", {}), ("llama", PLAIN), ("gpt", {}), ("gpt", {"tied_embedding": False})]


def exported(value):
    return json.loads(EXPORTS["hf"](value))


def built(config, device="meta"):
    kind = transformers.CONFIG_MAPPING[config["model_type"]]
    with torch.device(device):
        return transformers.AutoModelForCausalLM.from_config(kind.from_dict(config), dtype=torch.float32)


@pytest.mark.parametrize(("family", "arch"), PLANS)
def test_transformers_counts_what_the_account_counts(engine_run, family, arch):
    value = engine_run(family, arch=arch)
    model = built(exported(value))
    assert type(model).__name__ == exported(value)["architectures"][0]
    assert sum(tensor.numel() for tensor in model.parameters()) == value.arch.params().total


@pytest.mark.parametrize(("family", "arch"), PLANS)
def test_it_is_read_back_as_the_same_shape(engine_run, tmp_path, family, arch):
    value = engine_run(family, arch=arch)
    (tmp_path / "config.json").write_text(EXPORTS["hf"](value))
    assert read_config(tmp_path / "config.json") == (value.arch, value.run.seq_len)


EXPERTS = Architecture(
    family="moe", n_layers=2, d_model=32, n_heads=4, n_kv_heads=2, head_dim=8, d_ff=16, vocab_size=64,
    tied_embedding=False, n_experts=4, active_experts=2, shared_experts=2, without=("query_key_norm",),
)  # fmt: skip


def test_shared_experts_are_those_of_granite_where_nothing_norms_queries_and_keys():
    config = {**hf_config(EXPERTS, 64), "dtype": "float32"}
    model = built(config)
    assert type(model).__name__ == config["architectures"][0] == "GraniteMoeSharedForCausalLM"
    assert sum(tensor.numel() for tensor in model.parameters()) == EXPERTS.params().total
    assert config["shared_intermediate_size"] == 32


def test_shared_experts_beside_norms_of_queries_and_keys_have_gates_which_only_an_export_of_weights_holds_constant(
    engine_run,
):
    arch = replace(EXPERTS, without=())
    config = hf_config(arch, 64)
    model = built(config)
    assert type(model).__name__ == config["architectures"][0] == "Qwen3NextForCausalLM"
    assert {name for name, _ in model.named_parameters() if "linear_attn" in name} == set(), "no layer is recurrent"
    with pytest.raises(
        RefusedError, match="only Qwen3-Next has.*trains gates as well.*--without query_key_norm"
    ) as said:
        EXPORTS["hf"](engine_run("moe"))
    assert said.value.code == "not_expressible"
    assert exported(engine_run("moe", arch=PLAIN))["model_type"] == "granitemoeshared"


def test_constant_gates_change_no_bit_of_a_gain_and_no_tensor_that_is_given():
    from isoflop.train.model import build

    arch = replace(EXPERTS, without=())
    generator = torch.Generator().manual_seed(0)
    own = {name: tensor.detach() for name, tensor in build(arch).named_parameters()}
    for tensor in own.values():
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * 2 + 0.5)
    before = {name: tensor.clone() for name, tensor in own.items()}
    theirs = weights(arch, own)
    for name, hf_name in (("final_norm", "model.norm"), ("blocks.1.key_norm", "model.layers.1.self_attn.k_norm")):
        assert torch.equal(1 + theirs[f"{hf_name}.weight"], own[name])
    assert all(torch.equal(before[name], tensor) for name, tensor in own.items())


def test_it_says_which_rates_the_shape_is_trained_with(engine_run):
    value = engine_run()
    said = exported(value)["isoflop_plan"]
    assert (said["peak_lr"], said["batch_tokens"], said["tokens"]) == (
        value.run.peak_lr, value.run.batch_tokens, value.run.tokens,
    )  # fmt: skip
    assert said["rates"].startswith("steplaw2025")


def weights(arch, own):
    """isoflop's tensors under the names of transformers."""
    renamed = hf_tensors(arch, {name: tensor.detach().numpy() for name, tensor in own.items()})
    return {name: torch.from_numpy(tensor) for name, tensor in renamed.items()}


@pytest.mark.parametrize(
    ("family", "arch"), [("llama", LLAMA), ("llama", PLAIN), ("gpt", GPT)], ids=["qwen3", "llama", "gpt2"]
)
def test_with_the_same_weights_it_is_the_same_function(engine_run, family, arch):
    from isoflop.train.model import build

    shape = arch.as_json() if isinstance(arch, Architecture) else {**LLAMA.as_json(), "head_dim": 8, **arch}
    value = engine_run(family, arch=shape)
    ours, theirs = build(value.arch), built(exported(value), "cpu").eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in ours.parameters():  # initial output matrices are zero, which would hide what stands before them
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.6 - 0.2)
        missing, unknown = theirs.load_state_dict(weights(value.arch, dict(ours.named_parameters())), strict=False)
        assert unknown == []
        assert set(missing) <= {"lm_head.weight"}, "tied"
        tokens = torch.randint(64, (2, 40), generator=generator)
        expected = ours.logits(tokens)
        assert expected.std() > 0.1
        torch.testing.assert_close(theirs(tokens).logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "arch", "said"),
    [
        ("palm", {}, "no model of transformers is a palm; plan with --family llama or --family gpt"),
        ("gopher", {}, "no model of transformers is a gopher"),
        ("llama", {**PLAIN, "n_heads": 5, "n_kv_heads": 5}, "LlamaConfig wants a width of whole heads"),
        ("gpt", {"head_dim": 32}, "heads of GPT-2 are as wide together as the model"),
        ("gpt", {"n_kv_heads": 1}, "every head of GPT-2 has keys and values of its own, got 1 of"),
        ("gpt", {"without": ("final_norm",)}, "GPT-2 has a final norm"),
    ],
)
def test_what_it_cannot_be_is_refused(engine_run, family, arch, said):
    with pytest.raises(RefusedError, match=said) as refused:
        EXPORTS["hf"](engine_run(family, arch=arch))
    assert refused.value.code == "not_expressible"
