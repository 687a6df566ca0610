"""Kinds without a reader, counted through transformers on the meta device."""

import json

import pytest

from isoflop.arch.huggingface import by_library, library_count, read_model
from isoflop.errors import InputError

STABLE = {
    "model_type": "stablelm",
    "vocab_size": 101,
    "hidden_size": 96,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}


@pytest.fixture
def count(tmp_path):
    pytest.importorskip("transformers")
    pytest.importorskip("torch")

    def of(values, **changes):
        path = tmp_path / "config.json"
        path.write_text(json.dumps({**values, **changes}))
        return library_count(path)

    return of


def test_a_kind_without_a_reader_is_counted_and_says_so(count):
    found = count(STABLE, auto_map={"AutoModelForCausalLM": "repo--evil.Model"})
    d, ff, heads, kv, width = 96, 80, 6, 2, 16
    layer = d * width * (2 * heads + 2 * kv) + 3 * d * ff
    norms = 3 * 4 * d + 2 * d  # LayerNorms, with biases
    assert found.params == 3 * layer + norms + 2 * 101 * d
    assert (found.embedding, found.output_head, found.context) == (101 * d, 101 * d, 512)
    # every product three times over for both passes: two FLOPs a weight, and scores with all pairs twice
    expected = 6 * (3 * layer + 101 * d) + 12 * 3 * heads * width * 512
    assert found.flops_by_convention(512)["matmul"] == pytest.approx(expected, rel=1e-9)
    (notice,) = found.notices
    assert notice.code == "counted_by_library"
    assert "counted by transformers" in notice.message


def test_products_that_some_tokens_skip_are_not_stated(count):
    experts = {"num_local_experts": 4, "num_experts_per_tok": 2}
    found = count({**STABLE, "model_type": "granitemoe", **experts})
    assert set(found.flops_by_convention(512)) == {"six_n", "six_n_non_embedding"}
    assert "which products a token takes part in is not known" in found.notices[0].message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_memory_heads": 5}, "num_memory_heads: 5 may change the count, and no reader knows it"),
        ({"num_hidden_layers": 0}, "num_hidden_layers: expected a whole number of at least 1, got 0"),
        ({"num_hidden_layers": "3"}, "num_hidden_layers: expected a whole number of at least 1, got '3'"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers: expected at most 10,000"),
        ({"hidden_size": "wide"}, "transformers cannot build it: "),
        ({"model_type": "nonesuch"}, "transformers cannot build it: .*nonesuch"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_one_line(count, changes, said):
    with pytest.raises(InputError, match=said) as raised:
        count(STABLE, **changes)
    assert "\n" not in str(raised.value)


def test_a_kind_with_a_reader_is_left_to_it(count, tmp_path):
    assert count(STABLE, model_type="llama") is None
    assert read_model(tmp_path / "config.json").composed.kind == "llama"


def test_without_the_library_the_extra_is_named(count, monkeypatch):
    monkeypatch.setattr(by_library, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"got 'stablelm'; or install 'isoflop\[hf\]'"):
        count(STABLE)
