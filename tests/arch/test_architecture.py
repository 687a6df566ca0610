"""A shape is its tensors: counts are sums over them, and what cannot be built is refused."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch import FAMILIES, PARAMS_CONVENTIONS, ROLES, Architecture, ParamCount, TensorShape
from isoflop.errors import InputError

ARCH = Architecture(
    family="llama",
    n_layers=2,
    d_model=64,
    n_heads=4,
    n_kv_heads=2,
    head_dim=24,
    d_ff=168,
    vocab_size=257,
    tied_embedding=False,
)


def of_family(family, arch=ARCH, *, n_positions=4096, **changes):
    """`arch` as one of `family`, with positions where the family learns them."""
    learned = family in FAMILIES and FAMILIES[family].learned_positions
    changes = {"without": (), **changes}
    own = FAMILIES[family].own_fields(n_positions) if family in FAMILIES else {}
    return replace(arch, family=family, **{**own, "n_positions": n_positions if learned else None, **changes})


def _drawn(kv_heads, group, family, n_positions, lacks, **rest):
    arch = Architecture(family="llama", n_heads=kv_heads * group, n_kv_heads=kv_heads, **rest)
    return of_family(family, arch, n_positions=n_positions, without=tuple(FAMILIES[family].optional) if lacks else ())


ARCHITECTURES = st.builds(
    _drawn,
    kv_heads=st.integers(1, 4),
    group=st.integers(1, 4),
    family=st.sampled_from(sorted(FAMILIES)),
    n_layers=st.integers(1, 6),
    d_model=st.integers(1, 300),
    head_dim=st.integers(1, 64),
    d_ff=st.integers(1, 900),
    vocab_size=st.integers(2, 5000),
    tied_embedding=st.booleans(),
    n_positions=st.integers(1, 4096),
    lacks=st.booleans(),
)
LOOKED_UP = ("embedding", "position_embedding")


@given(ARCHITECTURES)
def test_counts_are_sums_over_distinct_tensors(arch):
    tensors = list(arch.tensors())
    assert len({tensor.name for tensor in tensors}) == len(tensors)
    count = arch.params()
    assert count.total == sum(tensor.size for tensor in tensors) == sum(count.by_role().values())
    assert list(count.by_role()) == list(ROLES)
    assert count.non_embedding == count.total - count.embedding - count.output_head
    # the matrices that multiply a token: everything of two dimensions but a look-up table
    heads = [t for t in tensors if t.name == ("embedding" if arch.tied_embedding else "output_head")]
    matrices = [t for t in tensors if len(t.shape) == 2 and t.name not in (*LOOKED_UP, "output_head")]
    assert count.matmul == sum(tensor.size for tensor in matrices + heads)
    assert all((len(tensor.shape) == 1) == (tensor.role == "vectors") for tensor in tensors)


@given(ARCHITECTURES)
def test_tying_saves_one_embedding_and_no_work(arch):
    tied, untied = (replace(arch, tied_embedding=value).params() for value in (True, False))
    assert untied.total - tied.total == untied.output_head == arch.vocab_size * arch.d_model
    assert tied.output_head == 0
    assert tied.matmul == untied.matmul
    assert tied.non_embedding == untied.non_embedding


@given(ARCHITECTURES)
def test_a_layer_more_is_the_same_layer_again(arch):
    one, two, three = (replace(arch, n_layers=layers).params().total for layers in (1, 2, 3))
    assert three - two == two - one > 0


@given(ARCHITECTURES)
def test_json_is_read_back(arch):
    assert Architecture.from_json(json.loads(json.dumps(arch.as_json()))) == arch


def test_the_size_of_a_tensor():
    assert TensorShape(name="a", shape=(3, 4), role="attention").size == 12
    assert TensorShape(name="a", shape=(5,), role="vectors").size == 5


def test_widths():
    assert ARCH.attention_width == 96 != ARCH.d_model
    assert ARCH.kv_width == 48


def test_conventions_by_name():
    count = ParamCount(
        embedding=1, output_head=10, attention=100, feed_forward=1000, position=10_000, vectors=100_000, tied_head=0
    )
    actual = {convention: count.by_convention(convention) for convention in PARAMS_CONVENTIONS}
    assert actual == {"total": 111_111, "non_embedding": 111_100, "matmul": 11_110}
    with pytest.raises(InputError, match="expected one of total, non_embedding, matmul, got 'by_role'"):
        count.by_convention("by_role")


@pytest.mark.parametrize("field", ["n_layers", "d_model", "n_heads", "n_kv_heads", "head_dim", "d_ff", "vocab_size"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "2", None])
def test_sizes_are_whole_numbers_from_one(field, value):
    with pytest.raises(InputError, match=f"{field}: expected a whole number of at least 1, got {value!r}"):
        replace(ARCH, **{field: value})


def test_all_problems_are_reported_at_once():
    with pytest.raises(InputError, match="2 problems") as caught:
        replace(ARCH, d_model=0, d_ff=0)
    assert "d_model" in str(caught.value)
    assert "d_ff" in str(caught.value)


def test_heads_share_keys_and_values_evenly():
    with pytest.raises(InputError, match="n_kv_heads: expected a divisor of n_heads=4, got 3"):
        replace(ARCH, n_kv_heads=3)


def test_json_written_before_a_field_existed_is_read_and_written_unchanged():
    written = {
        "family": "llama",
        "n_layers": 2,
        "d_model": 64,
        "n_heads": 4,
        "n_kv_heads": 2,
        "head_dim": 24,
        "d_ff": 168,
        "vocab_size": 257,
        "tied_embedding": False,
    }
    assert Architecture.from_json(written) == ARCH
    assert ARCH.as_json() == written


def test_what_a_shape_lacks_is_not_counted():
    whole, without = (of_family("llama", without=names).params() for names in ((), ("query_key_norm",)))
    assert whole.total - without.total == 2 * 2 * ARCH.head_dim
    assert whole.vectors - without.vectors == 2 * 2 * ARCH.head_dim


@pytest.mark.parametrize(
    ("family", "changes", "message"),
    [
        ("gpt", {"n_positions": None}, "family gpt: n_positions: expected the longest context"),
        ("llama", {"n_positions": 8}, "n_positions: expected none, no positions are learned, got 8"),
        ("palm", {"without": ("final_norm",)}, r"without: expected some of \[\], got 'final_norm'"),
        ("gpt", {"n_positions": 8, "without": ("query_key_norm",)}, r"expected some of \['final_norm'\]"),
    ],
)
def test_parts_that_the_family_does_not_have_are_refused(family, changes, message):
    with pytest.raises(InputError, match=message):
        replace(ARCH, family=family, **changes).params()


@pytest.mark.parametrize("value", [0, -1, 2.0, "2"])
def test_positions_are_a_whole_number_from_one_or_none(value):
    with pytest.raises(InputError, match="n_positions: expected a whole number of at least 1, or none, got"):
        replace(ARCH, family="gpt", n_positions=value)


def test_positions_are_looked_up_and_multiply_nothing():
    # Kaplan et al. 2020, Table 1: positions count with the embedding
    short, long = (of_family("gpt", n_positions=n).params() for n in (1, 101))
    assert long.embedding - short.embedding == 100 * ARCH.d_model == long.total - short.total
    assert long.matmul == short.matmul
    assert long.non_embedding == short.non_embedding


def test_json_of_another_shape_is_refused():
    with pytest.raises(InputError, match="2 problems") as caught:
        Architecture.from_json({**{k: v for k, v in ARCH.as_json().items() if k != "d_ff"}, "depth": 3})
    assert "d_ff: missing" in str(caught.value)
    assert "depth: not a field" in str(caught.value)
