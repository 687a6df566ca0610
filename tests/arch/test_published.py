"""Published shapes reproduce the published sizes; systems stand where their papers put them."""

import json
from pathlib import Path

import pytest

from isoflop.arch import flops_per_token
from isoflop.arch.published import published_model, published_models, published_shape, published_systems
from isoflop.errors import InputError

SHARED = Path(__file__).parents[3] / "shared"

# Rae et al. 2021, Table 1 and Hoffmann et al. 2022, Table 4, counted by N = L (5 d a + 2 d f + 10 d) + V d + V.
GOPHER_FAMILY = {
    "gopher-44m": 43_719_936,
    "gopher-117m": 116_712_704,
    "gopher-417m": 417_418_496,
    "gopher-1.4b": 1_374_682_368,
    "gopher-7.1b": 7_111_736_576,
    "gopher-280b": 279_710_301_440,
    "chinchilla-70b": 70_061_948_160,
}


@pytest.mark.parametrize(("name", "params"), GOPHER_FAMILY.items())
def test_gopher_family_counts_exactly(name, params):
    arch, seq_len = published_shape(name)
    assert arch.params().total == params
    assert seq_len == 2048


def test_all_fifty_rows_of_table_a9_count_to_the_printed_million():
    rows = [name for name in published_models() if name.startswith("chinchilla-") and name.endswith("m")]
    assert len(rows) == 50
    for name in rows:
        printed = int(name.removeprefix("chinchilla-").removesuffix("m"))
        arch, _ = published_shape(name)
        # 0.64 % is the rounding of 44M, the largest of the table
        assert arch.params().total == pytest.approx(printed * 1e6, rel=0.0065)
        assert arch.d_ff == 4 * arch.d_model


def test_table_a9_against_the_golden_counts():
    golden = SHARED / "facts_golden.json"
    if not golden.exists():
        pytest.skip("no facts_golden.json beside the repository")
    for row in json.loads(golden.read_text())["table_a9"]:
        arch, _ = published_shape(f"chinchilla-{row['params_million']}m")
        assert arch.params().total == row["params_exact"]
        body = flops_per_token(arch, 2048, "chinchilla_appendix_f_body")
        assert body == pytest.approx(3 * row["fwd_flops_seq2048_body"] / 2048, rel=1e-12)


def test_heads_times_their_width_need_not_be_the_model_width():
    arch, _ = published_shape("chinchilla-3530m")
    assert arch.attention_width == 2816 != arch.d_model


def test_systems_stand_where_their_papers_put_them():
    flops = {model.name: model.flops for model in published_systems()}
    assert flops == {
        "gopher-280b": pytest.approx(5.04e23),
        "chinchilla-70b": pytest.approx(5.88e23),
        "mt-nlg-530b": pytest.approx(8.586e23),
        "palm-540b": pytest.approx(2.5272e24),
        "140b-on-3t": pytest.approx(2.52e24),
    }


def test_every_row_has_a_source_and_a_lower_case_name():
    for name, model in published_models().items():
        assert name == name.lower() == model.name
        assert model.source
        assert (model.architecture is None) == (model.seq_len is None)


def test_unknown_name_is_refused_with_its_neighbours():
    with pytest.raises(InputError, match="chinchilla-70b"):
        published_model("chinchilla-70")


def test_a_system_without_a_shape_says_so():
    with pytest.raises(InputError, match="no shape"):
        published_shape("palm-540b")
