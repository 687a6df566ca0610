"""How large models are trained: shapes, batches, rates and warm-up by published rules."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.large_recipe import LargeRecipe
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, PORIAN, STEP_LAW

RECIPE = LargeRecipe()
SEVEN = RECIPE.architecture(7e9)
TOKENS = st.floats(5, 14).map(lambda exponent: 10**exponent)


@given(TOKENS)
def test_batches_follow_the_law_in_numbers_that_devices_divide(tokens):
    batch = RECIPE.batch_tokens(SEVEN, tokens)
    # no published model of 3.5 to 14 billion parameters had larger batches than DeepSeek LLM 7B: 2,304 x 4,096
    wished = min(STEP_LAW.batch_tokens(1, tokens), 2304 * 4096)
    sequences = batch // RECIPE.seq_len
    assert batch == sequences * RECIPE.seq_len
    if wished > 4 * RECIPE.seq_len:
        assert abs(math.log(batch / wished)) < math.log(1.15)
    # three leading bits: 5, 6, 7 or 8 times a power of two
    assert sequences // (sequences & -sequences) in {1, 3, 5, 7}


def test_the_rate_counts_what_its_law_counts():
    assert RECIPE.peak_lr(SEVEN, 1e11) == STEP_LAW.peak_lr(SEVEN.params().non_embedding, 1e11)
    small = RECIPE.architecture(2e8)
    assert LargeRecipe(rates=PORIAN).peak_lr(small, 1e10) == PORIAN.peak_lr(small.params().matmul, 1e10)


@pytest.mark.parametrize("rates", HYPERPARAMETER_LAWS.values(), ids=HYPERPARAMETER_LAWS)
@pytest.mark.parametrize(
    ("params", "tokens", "low", "high", "most"),
    [
        # Llama 3 8B was trained at 3e-4; GPT-3 13B at 1e-4 and DeepSeek LLM 7B at 4.2e-4 are the ends of its size
        (8e9, 15e12, 1e-4, 4.2e-4, 9_437_184),
        # Chinchilla's 1e-4, DeepSeek LLM 67B's 3.2e-4 and batch of 4,608 x 4,096
        (70e9, 1.4e12, 1e-4, 3.2e-4, 18_874_368),
        # Gopher's and Llama 3 405B's
        (405e9, 15.6e12, 4e-5, 8e-5, 16e6),
    ],
)
def test_rate_and_batch_are_those_of_published_runs_of_the_size(rates, params, tokens, low, high, most):
    recipe = LargeRecipe(rates=rates)
    spec = recipe.spec(recipe.architecture(params), tokens)
    assert low <= spec.peak_lr <= high
    assert spec.batch_tokens <= 1.13 * most  # three leading bits


def test_a_tiny_model_on_much_text_keeps_the_rate_of_the_laws_runs():
    # the formula says 8.8e-2; Step Law's smallest model, 215M, on its longest run had 1.79 N^-.713 D^.307 = 4.89e-3
    spec = RECIPE.spec(RECIPE.architecture(1e7), 1e12)
    assert spec.peak_lr == pytest.approx(4.89e-3, rel=1e-3)
    assert spec.batch_tokens == 2**18  # Gopher's smallest: 0.25M


@given(st.floats(7.6, 12).map(lambda exponent: 10**exponent), TOKENS, st.floats(1, 1000))
def test_no_more_text_or_less_size_raises_a_rate_beyond_its_runs(params, tokens, times):
    arch = RECIPE.architecture(params)
    known = RECIPE.known_rates(arch, tokens)
    low, high = known.lr_range
    assert low <= RECIPE.peak_lr(arch, tokens) <= high
    if tokens >= 1e11:
        assert RECIPE.known_rates(arch, tokens * times).of(STEP_LAW).peak_lr == known.of(STEP_LAW).peak_lr


@given(st.floats(7, 13).map(lambda exponent: 10**exponent))
def test_the_warm_up_is_short_by_every_rule(tokens):
    spec = RECIPE.spec(SEVEN, tokens)
    assert spec.warmup_tokens <= 0.05 * spec.tokens
    assert spec.warmup_tokens <= max(SEVEN.params().non_embedding, 130 * spec.batch_tokens)
    assert spec.warmup_tokens <= 2000 * spec.batch_tokens


@given(st.floats(7.6, 11).map(lambda exponent: 10**exponent), st.floats(8, 13).map(lambda exponent: 10**exponent))
def test_the_warm_up_has_130_steps_where_the_run_is_long_enough(params, tokens):
    spec = RECIPE.spec(RECIPE.architecture(params), tokens)
    assert spec.warmup_tokens >= min(130 * spec.batch_tokens, int(0.05 * spec.tokens))


def test_the_least_warm_up_is_n_tokens_of_the_smallest_run_behind_that_rule():
    # Porian et al. 2024: sizes from 5M, 0.00037 N^0.703 sequences of 2,048 tokens
    assert 5e6 / PORIAN.batch_tokens(5e6, 1) == pytest.approx(LargeRecipe.least_warmup_steps, rel=0.02)


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
    assert "within the 1e-4 to 4.2e-4 of published runs of this size" in notice.message


def test_a_batch_of_one_long_sequence_is_reported():
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
        ({"family": "bert"}, "expected one of gopher, gpt, gpt-rope, llama, moe, palm"),
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
