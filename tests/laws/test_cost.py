"""The cost of a token beyond the runs is what a recipe's own shapes cost there, and tends to a multiple of 6 N."""

import numpy as np
import pytest

from isoflop.arch import flops_per_token
from isoflop.laws import ComputeCost
from isoflop.recipe import SmallRecipe


def cost_of(shapes, seq_len):
    return ComputeCost.from_pairs((one.params().non_embedding, flops_per_token(one, seq_len)) for one in shapes)


@pytest.mark.parametrize("family", ["llama", "gpt", "gopher"])
@pytest.mark.parametrize(("vocab", "top"), [(257, 2e4), (257, 2e5), (257, 2e6), (1024, 2e4), (1024, 2e5), (4096, 2e6)])
def test_it_is_what_the_recipes_shapes_cost_beyond_the_runs(family, vocab, top):
    recipe = SmallRecipe(vocab_size=vocab, family=family)
    cost = cost_of([recipe.architecture(size) for size in np.geomspace(top / 100, top, 40)], recipe.seq_len)
    # ten times the size is about a hundred times the compute
    for times in (3, 10, 100, 1000):
        shape = recipe.architecture(times * top)
        params = shape.params().non_embedding
        assert np.log(cost.flops_per_token(params) / flops_per_token(shape, recipe.seq_len)) == pytest.approx(
            0, abs=0.07
        )
    last = cost.flops[-1] * (1e4 * top / cost.params[-1]) ** float(cost.exponent(cost.params[-1]))
    shape = recipe.architecture(1e4 * top)
    assert last < 0.8 * flops_per_token(shape, recipe.seq_len), "the last slope, continued, is far below"


@pytest.mark.parametrize(
    "flops",
    [(3e4, 1.5e5, 9e5), (2e4, 5e5, 7e6), (8e4, 8e5, 8e6), (4e4, 5e5, 5.9e6), (5e4, 6.5e5, 8e6), (1e4, 1e5, 3e6)],
    ids=["from above", "crossing it", "a multiple", "from below", "away from it", "steeply"],
)
def test_value_and_slope_are_continuous_and_the_slope_tends_to_one(flops):
    cost = ComputeCost(params=(1e4, 1e5, 1e6), flops=flops)
    before, after = (cost.in_logs(np.log(1e6) + np.asarray(step)) for step in (-1e-9, 1e-9))
    assert before[0] == pytest.approx(after[0], abs=1e-8)
    assert before[1] == pytest.approx(after[1], abs=1e-6)
    far = np.log(np.geomspace(1e6, 1e20, 200))
    value, slope = cost.in_logs(far)
    assert np.all(slope > 0)
    assert slope[-1] == pytest.approx(1, abs=1e-3)
    # the slope is the derivative of the value
    middle = 0.5 * (far[1:] + far[:-1])
    assert np.diff(value) / np.diff(far) == pytest.approx(cost.in_logs(middle)[1], abs=2e-2)


def test_a_multiple_of_six_n_stays_one():
    recomputed = ComputeCost(params=(1e6, 1e7, 1e8), flops=(8e6, 8e7, 8e8))
    assert recomputed.flops_per_token(1e12) == pytest.approx(8e12, rel=1e-9)
