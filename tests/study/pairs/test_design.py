"""Cells and the order of pairs, on the design of a study that an earlier version trained."""

import pytest

from isoflop.recipe import SmallRecipe
from isoflop.study import StudyFolder
from isoflop.study.pairs.design import Pair, PairCell, PairDesign, cells_of_budget, cells_of_study
from isoflop.sweep import Design


def design(most: int, cells: int = 2) -> PairDesign:
    both = (PairCell(params=1e4, flops=1e11), PairCell(params=2e4, flops=4e11))
    return PairDesign(cells=both[:cells], seed=7, most=most, level=0.9)


@pytest.mark.parametrize("most", [1, 2, 3, 4, 8, 9, 32])
def test_pairs_are_distinct_and_the_cheap_cell_is_a_seed_ahead(most):
    order = design(most).order()
    assert len(order) == len(set(order)) == most
    assert order[0] == Pair(cell=0, seed=7)
    for number in range(1, most + 1):
        of_cell = [sum(pair.cell == cell for pair in order[:number]) for cell in (0, 1)]
        assert 0 <= of_cell[0] - of_cell[1] <= 2, "cheapest first, and never far ahead"
    assert {pair.seed for pair in order if pair.cell == 1} <= {pair.seed for pair in order if pair.cell == 0}


def test_more_pairs_begin_with_the_same():
    assert design(8).order() == design(32).order()[:8]


def test_one_cell():
    assert [pair.seed for pair in design(3, cells=1).order()] == [7, 8, 9]


def test_cells_of_a_study_are_its_cheapest_budget_and_four_times_that(old_study):
    folder = StudyFolder(old_study)
    sweep = Design.load(folder.sweep)
    recipe = SmallRecipe(vocab_size=257)
    cells = cells_of_study(folder, recipe, recipe)
    assert [cell.flops for cell in cells] == [sweep.budgets[0], sweep.budgets[2]]
    for cell in cells:
        of_budget = [spec for spec in sweep.specs if spec.budget_flops == cell.flops]
        assert cell.params in {float(spec.architecture.params().non_embedding) for spec in of_budget}


def test_a_pair_with_the_studys_own_recipe_is_the_studys_own_run(finished_study):
    folder = StudyFolder(finished_study.path)
    sweep = Design.load(folder.sweep)
    recipe = SmallRecipe(vocab_size=sweep.specs[0].architecture.vocab_size, seq_len=sweep.specs[0].seq_len)
    for cell in cells_of_study(folder, recipe, recipe):
        spec = cell.spec(recipe, corpus=sweep.specs[0].corpus, seed=sweep.specs[0].seed, lr_factor=1.0)
        assert spec.run_id in sweep.by_id


def test_cells_without_a_study_lie_where_a_sweep_would_look():
    recipe = SmallRecipe(vocab_size=257)
    first, second = cells_of_budget(recipe, recipe, 1e11)
    assert second.flops == 4 * first.flops
    assert 1.8 < second.params / first.params < 3.2, "as the first guess: 4 ** .6"


def test_a_cell_moves_to_a_size_that_both_recipes_build():
    two, three = SmallRecipe(vocab_size=257), SmallRecipe(vocab_size=257, n_layers=3)
    for cell, first in zip(cells_of_budget(two, three, 2e11), cells_of_budget(two, two, 2e11), strict=True):
        sizes = [recipe.architecture(cell.params).params().non_embedding for recipe in (two, three)]
        assert sizes[1] / sizes[0] == pytest.approx(1, abs=0.1)
        assert 1 / 1.7 < cell.params / first.params < 1.7
