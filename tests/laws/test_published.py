"""Published constants against published and derived numbers."""

import json
from pathlib import Path

import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.laws import ChinchillaLaw, FrontierLaw, Law, published_law, published_names, repeated_loss

FACTS = Path(__file__).parents[3] / "shared" / "facts_golden.json"
NAMES = {
    "hoffmann2022-1": "A1_table3",
    "hoffmann2022-2": "A2_tableA3",
    "hoffmann2022-3-table": "A3_tableA3",
    "hoffmann2022-3": "hoffmann_unrounded",
    "hoffmann2022-3-rounded": "hoffmann_rounded",
    "besiroglu2024": "besiroglu_paper",
    "muennighoff2023": "muennighoff_c4",
}


@pytest.fixture(scope="module")
def facts():
    if not FACTS.is_file():
        pytest.skip(f"needs {FACTS}")
    return json.loads(FACTS.read_text())


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


def test_optima_the_papers_print():
    # Hoffmann et al. 2022: Figure 4 says 40B at the Gopher budget, Appendix D.4 says 2.86B at 1e21 by approach 1,
    # Table 3 and A3 say 67B / 175B rows; the rounded constants give 32B.
    assert float(published_law("hoffmann2022-3").optimum(5.76e23)[0]) == pytest.approx(40e9, rel=0.02)
    assert float(published_law("hoffmann2022-3-rounded").optimum(5.76e23)[0]) == pytest.approx(32.19e9, rel=1e-3)
    assert float(published_law("hoffmann2022-1").optimum(1e21)[0]) == pytest.approx(2.86e9, rel=3e-3)
    assert float(published_law("hoffmann2022-1").optimum(3.85e24)[0]) == pytest.approx(175e9, rel=3e-3)
    assert float(published_law("hoffmann2022-2").optimum(4.54e24)[0]) == pytest.approx(175e9, rel=3e-3)
    assert float(published_law("hoffmann2022-3-table").optimum(3.52e25)[0]) == pytest.approx(280e9, rel=3e-3)


def test_the_rounded_and_the_unrounded_law_of_approach_3_are_kept_apart():
    assert published_law("hoffmann2022-3").constants()["beta"] == 0.2849083
    assert published_law("hoffmann2022-3-rounded").constants()["beta"] == 0.28


def test_kaplan_counts_without_embeddings_and_anchors_at_a_petaflop_day():
    law = published_law("kaplan2020")
    assert law.provenance.params_convention == "non_embedding"
    assert float(law.optimum(8.64e19)[0]) == pytest.approx(1.3e9)
    assert law.constants()["a"] == 0.73


def test_repeated_tokens_match_the_authors_own_code():
    # huggingface/datablations README.
    law = published_law("muennighoff2023")
    assert float(repeated_loss(law, 6.34e9, 242e9, 25e9)) == pytest.approx(2.2256440889984477, rel=1e-12)
    assert float(repeated_loss(law, 8.67e9, 178e9, 25e9)) == pytest.approx(2.2269634075087867, rel=1e-12)


def test_one_epoch_at_the_optimum_is_the_plain_law():
    law = published_law("muennighoff2023")
    N, D = law.optimum(1e22)
    assert float(repeated_loss(law, N, D, 2 * D)) == pytest.approx(float(law.loss(N, D)), rel=1e-9)


@pytest.mark.parametrize("name", published_names())
def test_every_law_says_where_it_comes_from(name):
    law = published_law(name)
    assert isinstance(law, Law)
    assert isinstance(law, ChinchillaLaw | FrontierLaw)
    assert law.provenance.name == name
    assert "arXiv" in law.provenance.paper
    assert law.provenance.place
    assert law.provenance.rounding


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match="besiroglu2024"):
        published_law("chinchilla")


def test_a_frontier_has_no_loss_and_says_so():
    with pytest.raises(RefusedError, match="loss surface"):
        published_law("hoffmann2022-1").loss(1e9, 2e10)
