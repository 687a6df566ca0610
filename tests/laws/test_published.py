"""Published constants against published and derived numbers."""

import json
from pathlib import Path

import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.laws import (
    ChinchillaLaw,
    CoupledLaw,
    FrontierLaw,
    Law,
    compute_for_loss,
    published_forms,
    published_law,
    published_names,
    repeated_loss,
)
from isoflop.laws.repeated import R_TOKENS, effective

FACTS = Path(__file__).parents[3] / "shared" / "facts_golden.json"
GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "laws.json").read_text())
NAMES = {
    "hoffmann2022-1": "A1_table3",
    "hoffmann2022-1-printed": "A1_anchor",
    "hoffmann2022-2": "A2_tableA3",
    "hoffmann2022-3-table": "A3_tableA3",
    "hoffmann2022-3": "hoffmann_unrounded",
    "hoffmann2022-3-rounded": "hoffmann_rounded",
    "besiroglu2024": "besiroglu_paper",
    "besiroglu2024-notebook": "besiroglu_notebook",
    "muennighoff2023": "muennighoff_c4",
}


@pytest.fixture(scope="module")
def facts():
    if not FACTS.is_file():
        pytest.skip(f"needs {FACTS}")
    return json.loads(FACTS.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_constants_match_the_golden_numbers(facts, name):
    law, key = published_law(name), NAMES[name]
    if law.has_loss:
        for constant in ("E", "A", "B", "alpha", "beta", "G", "a", "b"):
            assert float(getattr(law, constant)) == pytest.approx(facts["sets"][key][constant], rel=1e-12)
    elif key in facts["table_laws"]:
        table = facts["table_laws"][key]
        assert law.a == table["a"]
        assert float(law.optimum(6.0)[0]) == pytest.approx(table["k"], rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_optima_and_losses_match_the_golden_numbers(facts, name):
    law, key = published_law(name), NAMES[name]
    for point in facts["optima"].values():
        N, D = law.optimum(point["C"])
        assert float(N) == pytest.approx(point[key]["N"], rel=1e-9)
        assert float(D) == pytest.approx(point[key]["D"], rel=1e-9)
    if law.has_loss:
        for point in facts["losses"].values():
            assert float(law.loss(point["N"], point["D"])) == pytest.approx(point[key], rel=1e-12)


@pytest.mark.parametrize("row", GOLDEN["optima"], ids=lambda row: f"{row[2]}, {row[0]}")
def test_the_best_size_of_each_system(row):
    _, flops, name, params, tokens, ratio = row
    N, D = published_law(name).optimum(flops)
    assert float(N) == pytest.approx(params, rel=6e-7)
    assert float(D) == pytest.approx(tokens, rel=6e-7)
    if ratio is not None:
        assert float(D / N) == pytest.approx(ratio, abs=0.0051)


@pytest.mark.parametrize("row", GOLDEN["losses"], ids=lambda row: f"{row[4]}, {row[0]}")
def test_the_loss_of_each_system_and_what_an_optimal_run_needs_for_it(row):
    _, params, tokens, flops, name, loss, above, share = row
    law = published_law(name)
    predicted = float(law.loss(params, tokens))
    assert predicted == pytest.approx(loss, abs=6e-7)
    assert 6 * params * tokens == pytest.approx(flops, rel=6e-6)
    if above is not None:
        spent = 6 * params * tokens
        assert predicted - float(law.frontier_loss(spent)) == pytest.approx(above, abs=6e-7)
        assert compute_for_loss(law, predicted) / spent == pytest.approx(share, abs=6e-5)


@pytest.mark.parametrize("name", ["hoffmann2022-3-rounded", "hoffmann2022-3", "besiroglu2024", "muennighoff2023"])
def test_every_law_ranks_chinchilla_below_gopher_and_mt_nlg_and_140b_below_palm(name):
    law = published_law(name)
    chinchilla, gopher, mt_nlg = law.loss(70e9, 1.4e12), law.loss(280e9, 300e9), law.loss(530e9, 270e9)
    assert chinchilla < min(gopher, mt_nlg)
    assert law.loss(140e9, 3e12) < law.loss(540e9, 780e9)


@pytest.mark.parametrize(
    ("name", "exponents"),
    [
        ("besiroglu2024", {"a": 0.5126, "b": 0.4874}),
        ("hoffmann2022-1", {"a": 0.50, "b": 0.50}),
        ("hoffmann2022-2", {"a": 0.49, "b": 0.51}),
        ("hoffmann2022-3", {"a": 0.46, "b": 0.54}),
        ("hoffmann2022-3-table", {"a": 0.46, "b": 0.54}),
        ("kaplan2020", {"a": 0.73, "b": 0.27}),
        ("porian2024-rw", {"a": 0.497}),
        ("porian2024-owt2", {"a": 0.518}),
        ("deepseek2024", {"a": 0.5243, "b": 0.4757}),
        ("llama3-2024-printed", {"b": 0.53}),
    ],
)
def test_exponents_round_to_what_the_papers_print(name, exponents):
    law = published_law(name)
    for letter, printed in exponents.items():
        digits = len(f"{printed:g}".split(".")[1])
        assert round(float(getattr(law, letter)), max(digits, 2)) == printed


def test_repeated_tokens_match_the_authors_own_code() -> None:
    # huggingface/datablations README.
    law = published_law("muennighoff2023")
    assert float(repeated_loss(law, 6.34e9, 242e9, 25e9)) == pytest.approx(2.2256440889984477, rel=1e-12)
    assert float(repeated_loss(law, 8.67e9, 178e9, 25e9)) == pytest.approx(2.2269634075087867, rel=1e-12)


@pytest.mark.parametrize(
    ("epochs", "worth"), [(2, 1.968199), (4, 3.725673), (8, 6.624119), (16, 10.582457), (40, 15.167465)]
)
def test_what_repeated_tokens_are_worth(epochs, worth):
    # 1 + R* (1 - exp(-(epochs - 1) / R*)) with R_D* = 15.387756
    assert float(effective(1.0, epochs, R_TOKENS)) == pytest.approx(worth, abs=6e-7)


def test_one_epoch_at_the_optimum_is_the_plain_law() -> None:
    law = published_law("muennighoff2023")
    N, D = law.optimum(1e22)
    assert float(repeated_loss(law, N, D, 2 * D)) == pytest.approx(float(law.loss(N, D)), rel=1e-9)


def test_deepseeks_model_scale_is_flops_a_token() -> None:
    # DeepSeek-AI 2024: M = 0.1715 C^0.5243, D = 5.8316 C^0.4757, C = M D; at the 4.5e23 of its 67B run
    law, flops = published_law("deepseek2024"), 4.5e23
    N, D = law.optimum(flops)
    assert 6 * float(N) == pytest.approx(0.1715 * flops**0.5243, rel=1e-12)
    # their M D is C to the four digits that are printed
    assert float(D) == pytest.approx(law.tokens_coefficient * flops**law.b, rel=2e-4)
    assert law.provenance.domain["flops"] == (1e17, 3e20)


def test_porians_two_power_laws_meet_inside_their_runs() -> None:
    for name in ("porian2024-rw", "porian2024-owt2"):
        law = published_law(name)
        low, high = law.provenance.domain["flops"]
        # twelve budgets from 1.25e16, each twice the last
        assert high == low * 2**11 == 2.56e19
        for flops in (low, high):
            N, D = law.optimum(flops)
            assert float(D) == pytest.approx(law.tokens_coefficient * flops**law.b, rel=0.01)
            assert law.provenance.domain["params"][0] * 0.5 < float(N) < law.provenance.domain["params"][1]
        assert law.provenance.params_convention == "matmul"


def test_kaplan_counts_without_embeddings_and_anchors_at_a_petaflop_day() -> None:
    law = published_law("kaplan2020")
    assert law.provenance.params_convention == "non_embedding"
    assert float(law.optimum(8.64e19)[0]) == pytest.approx(1.3e9)
    assert law.constants()["a"] == 0.73
    # Hoffmann et al. 2022, D.4 give 4.68B for it at 1e21, which does not follow
    assert float(law.optimum(1e21)[0]) == pytest.approx(7.77e9, rel=1e-3)


@pytest.mark.parametrize("name", published_names())
def test_every_law_says_where_it_comes_from(name):
    law = published_law(name)
    assert isinstance(law, Law)
    assert isinstance(law, ChinchillaLaw | CoupledLaw | FrontierLaw)
    source = law.provenance
    assert source.name == name
    assert "arXiv" in source.paper
    assert source.place
    assert source.rounding
    assert source.domain
    assert all(low < high for low, high in source.domain.values())
    assert all(low <= high for low, high in source.intervals.values())
    assert bool(source.intervals) == (source.interval_level is not None)


@pytest.mark.parametrize("name", [*published_names(), "besiroglu2024"])
def test_a_law_spends_its_budget(name):
    N, D = published_law(name).optimum(1e21)
    assert 6 * float(N) * float(D) == pytest.approx(1e21, rel=1e-9)


def test_a_form_without_constants_is_named_and_refused() -> None:
    (gadre,) = published_forms()
    assert gadre.name == "gadre2024"
    assert gadre.name not in published_names()
    with pytest.raises(RefusedError, match="gadre_law") as refused:
        published_law("gadre2024")
    assert refused.value.code == "no_constants"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="besiroglu2024"):
        published_law("chinchilla")


def test_a_frontier_has_no_loss_and_says_so() -> None:
    with pytest.raises(RefusedError, match="loss surface"):
        published_law("hoffmann2022-1").loss(1e9, 2e10)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("chinchilla", "hoffmann2022-3 or besiroglu2024"), ("hofmann2022-3", "hoffmann2022-3"), ("Kaplan", "kaplan2020")],
)
def test_an_unknown_law_names_those_that_may_be_meant(asked, meant):
    with pytest.raises(InputError, match="no published law is called") as raised:
        published_law(asked)
    assert meant in str(raised.value)
