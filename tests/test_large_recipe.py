"""How large models are trained: shapes, batches, rates and warm-up by published rules."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.large_recipe import LargeRecipe
from isoflop.laws.hyperparameters import PORIAN, STEP_LAW

RECIPE = LargeRecipe()
SEVEN = RECIPE.architecture(7e9)
TOKENS = st.floats(5, 14).map(lambda exponent: 10**exponent)


@given(TOKENS)
def test_batches_follow_the_law_in_numbers_that_devices_divide(tokens):
    batch = RECIPE.batch_tokens(SEVEN, tokens)
    wished = STEP_LAW.batch_tokens(0, tokens) if tokens else 0
    sequences = batch // RECIPE.seq_len
    assert batch == sequences * RECIPE.seq_len
    if wished > 4 * RECIPE.seq_len:
        assert abs(math.log(batch / wished)) < math.log(1.15)
    # three leading bits: 5, 6, 7 or 8 times a power of two
    assert sequences // (sequences & -sequences) in {1, 3, 5, 7}


def test_the_rate_counts_what_its_law_counts():
    assert RECIPE.peak_lr(SEVEN, 1e11) == STEP_LAW.peak_lr(SEVEN.params().non_embedding, 1e11)
    assert LargeRecipe(rates=PORIAN).peak_lr(SEVEN, 1e11) == PORIAN.peak_lr(SEVEN.params().matmul, 1e11)


@given(st.floats(7, 13).map(lambda exponent: 10**exponent))
def test_the_warm_up_is_short_by_every_rule(tokens):
    spec = RECIPE.spec(SEVEN, tokens)
    assert spec.warmup_tokens <= 0.05 * spec.tokens
    assert spec.warmup_tokens <= max(SEVEN.params().non_embedding, spec.batch_tokens)
    assert spec.warmup_tokens <= 2000 * spec.batch_tokens


def test_a_large_run_is_the_run_of_the_papers():
    spec = RECIPE.spec(RECIPE.architecture(70e9), 1.4e12, corpus="text", seed=3)
    assert (spec.schedule.kind, spec.schedule.final_fraction) == ("cosine", 0.1)
    assert abs(spec.tokens - 1.4e12) <= spec.batch_tokens / 2
    assert (spec.corpus, spec.seed, spec.steps) == ("text", 3, spec.tokens // spec.batch_tokens)
    assert LargeRecipe(family="palm").spec(LargeRecipe(family="palm").architecture(8e9), 1e12).z_loss == 1e-4


def test_it_says_where_its_rates_are_extrapolated():
    assert RECIPE.notices(RECIPE.architecture(5e8), 1e10) == []
    (notice,) = RECIPE.notices(SEVEN, 1e12)
    assert notice.code == "rates_extrapolated"
    assert "params 6" in notice.message
    assert "tokens 10 times above" in notice.message


def test_a_batch_of_one_long_sequence_is_said():
    long = LargeRecipe(seq_len=2**20)
    codes = [notice.code for notice in long.notices(long.architecture(5e8), 1e10)]
    assert codes == ["batch_above_wish"]
    assert LargeRecipe(given_batch=1).notices(SEVEN, 1e10)[0].code == "batch_above_wish"


def test_the_shape_is_counted_as_asked_and_lacks_what_was_asked():
    assert RECIPE.architecture(7e9).params().total == pytest.approx(7e9, rel=0.02)
    other = LargeRecipe(params_convention="non_embedding", without=("query_key_norm",)).architecture(7e9)
    assert other.params().non_embedding == pytest.approx(7e9, rel=0.02)
    assert other.without == ("query_key_norm",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"family": "bert"}, "expected one of gopher, gpt, llama, palm"),
        ({"without": ("final_norm",)}, "a llama model may lack query_key_norm; got final_norm"),
        ({"family": "palm", "without": ("query_key_norm",)}, "a palm model may lack nothing"),
    ],
)
def test_wrong_wishes(options, said):
    with pytest.raises(InputError, match=said):
        LargeRecipe(**options)


def test_less_than_a_batch_is_refused():
    with pytest.raises(InputError, match="expected at least one batch of 2048, got 1,000"):
        RECIPE.spec(SEVEN, 1000)
