"""Optima at the systems' budgets, losses, gaps and shares, against the golden numbers."""

import json
from pathlib import Path

import pytest

from isoflop.paper import section
from isoflop.paper.systems import FRONTIERS, LOSS_LAWS, evaluate, loss_law, system_named, systems

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "laws.json").read_text())
BUDGETS = {
    "1e21": "1e21",
    "Gopher, paper": "Gopher's budget of 5.76e23",
    "Gopher, 6ND": "Gopher's 6 N D, 5.04e23",
    "Chinchilla, 6ND": "Chinchilla's 6 N D, 5.88e23",
    "MT-NLG, 6ND": "MT-NLG's 6 N D, 8.586e23",
    "PaLM, 6ND": "PaLM's 6 N D, 2.5272e24",
}
# The golden names of the systems; PaLM's 768B tokens are in no text of its paper.
LABELS = {
    "GPT-3": "GPT-3 175B", "Gopher": "Gopher 280B", "MT-NLG": "MT-NLG 530B", "Chinchilla": "Chinchilla 70B",
    "PaLM": "PaLM 540B", "140B on 3T": "140B on 3T", "120B on 3.6T": "120B on 3.6T", "62B on 7T": "62B on 7T",
    "240B on 1.8T": "240B on 1.8T", "LaMDA": "LaMDA 137B", "Jurassic-1": "Jurassic-1 178B",
}  # fmt: skip


def grids(name):
    return {grid.title: {row[0]: row[1:] for row in grid.rows} for grid in section(name).grids}


@pytest.mark.parametrize(
    "row", [row for row in GOLDEN["optima"] if row[2] in FRONTIERS], ids=lambda r: f"{r[2]}, {r[0]}"
)
def test_the_best_use_of_each_budget(row):
    budget, _, law, params, tokens, ratio = row
    found = grids("optima")[BUDGETS[budget]][law]
    assert found[:2] == pytest.approx((params, tokens), rel=6e-7)
    if ratio is not None:
        assert found[2] == pytest.approx(ratio, abs=0.0051)


@pytest.mark.parametrize("row", [row for row in GOLDEN["losses"] if row[0] in LABELS], ids=lambda r: f"{r[4]}, {r[0]}")
def test_the_loss_of_each_system(row):
    name, params, tokens, flops, law, loss, above, share = row
    assert grids("losses")["As built, or asked for"][LABELS[name]] == pytest.approx((params, tokens, flops), rel=6e-6)
    found = grids("losses")[law][LABELS[name]]
    assert found[0] == pytest.approx(loss, abs=6e-7)
    if above is not None:
        assert found[1] == pytest.approx(above, abs=6e-7)
        assert found[2] == pytest.approx(share, abs=6e-5)


def test_each_law_is_a_table_and_the_printed_digits_are_a_detail():
    found = {grid.title: grid.detail for grid in section("losses").grids}
    assert found == {
        "As built, or asked for": False, "hoffmann2022-3-rounded": True, "hoffmann2022-3": False, "besiroglu2024": False
    }  # fmt: skip
    assert set(LOSS_LAWS) < set(found)


def test_every_system_says_where_its_numbers_come_from():
    found = systems()
    assert len({one.name for one in found}) == len({one.label for one in found}) == len(found)
    assert all(one.source for one in found)
    # Chowdhery et al. 2022, section 13, asks for these three
    assert [one.label for one in found if not one.built] == ["62B on 7T", "120B on 3.6T", "240B on 1.8T"]


def test_an_optimal_run_is_judged_to_need_all_of_its_compute():
    law = loss_law("besiroglu2024")
    N, D = (float(value) for value in law.optimum(system_named("palm-540b").flops))
    here = evaluate(law, N, D)
    assert here.gap == pytest.approx(0, abs=1e-12)
    assert here.share == pytest.approx(1)
    assert (here.best_params, here.best_tokens) == pytest.approx((N, D))
