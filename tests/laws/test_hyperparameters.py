"""Laws of batch and rate, held against worked values of their published constants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, hyperparameter_law
from isoflop.laws.practice import trained_at, trained_models

# (N, D): {law: (peak rate, batch in tokens)}, worked from the constants that the three papers print, C = 6 N D
WORKED = {
    (124e6, 2.5e9): {
        "deepseek2024": (1.623e-3, 2.763e5),
        "steplaw2025": (2.330e-3, 1.348e5),
        "porian2024": (4.514e-3, 3.709e5),
    },
    (1e9, 2e10): {
        "deepseek2024": (9.638e-4, 1.080e6),
        "steplaw2025": (9.960e-4, 4.419e5),
        "porian2024": (2.129e-3, 1.609e6),
    },
    (7e9, 1.4e12): {
        "deepseek2024": (4.443e-4, 8.189e6),
        "steplaw2025": (9.166e-4, 4.999e6),
        "porian2024": (1.057e-3, 6.319e6),
    },
}


@pytest.mark.parametrize(
    ("run", "name", "expected"),
    [(run, name, value) for run, values in WORKED.items() for name, value in values.items()],
)
def test_worked_values_to_their_four_digits(run, name, expected):
    law = hyperparameter_law(name)
    assert (law.peak_lr(*run), law.batch_tokens(*run)) == pytest.approx(expected, rel=5e-4)


def test_it_says_where_it_leaves_its_runs() -> None:
    law = hyperparameter_law("steplaw2025")
    assert law.outside(1e9, 2e10) == ""
    assert law.outside(1_073_741_824, 1e11) == law.outside(214_663_680, 4e9) == ""
    assert law.outside(1.1e11, 2e12) == "params 102 times above, tokens 20 times above"
    assert law.outside(1e8, 1e9) == "params 2.15 times below, tokens 4 times below"
    # Bi et al. 2024, section 3.1: fitted from 1e17 to 2e19, and checked at 1e20
    deepseek = hyperparameter_law("deepseek2024")
    assert deepseek.outside(1e6, 1e8) == "flops 167 times below"
    assert deepseek.outside(1e9, 2e19 / 6e9) == ""
    assert deepseek.outside(1e9, 1e20 / 6e9) == "flops 5 times above"


def test_beyond_its_runs_a_law_falls_on_and_does_not_rise() -> None:
    law = hyperparameter_law("steplaw2025")
    smallest, largest, longest = 214_663_680, 1_073_741_824, 1e11
    assert law.held_lr(1e7, 1e12) == law.peak_lr(smallest, longest) == pytest.approx(4.888e-3, rel=1e-3)
    assert law.held_lr(8e9, 15e12) == law.peak_lr(8e9, longest) < law.peak_lr(largest, longest)
    assert law.held_lr(5e8, 1e10) == law.peak_lr(5e8, 1e10)
    assert law.held_batch(8e9, 15e12) == law.batch_tokens(1, longest)
    # Bi et al. 2024, Table 2: 4.2e-4 of 7B and 3.2e-4 of 67B, both on 2T tokens, are their law far above its runs
    deepseek = hyperparameter_law("deepseek2024")
    assert deepseek.held_lr(7e9, 2e12) == pytest.approx(4.2e-4, rel=0.02)
    assert deepseek.held_lr(67e9, 2e12) == pytest.approx(3.2e-4, rel=0.01)


@given(
    st.sampled_from(sorted(HYPERPARAMETER_LAWS)),
    st.floats(4, 13).map(lambda exponent: 10**exponent),
    st.floats(5, 15).map(lambda exponent: 10**exponent),
)
def test_a_held_rate_is_the_formulas_or_less_and_the_formulas_inside(name, params, tokens):
    law = hyperparameter_law(name)
    assert 0 < law.held_lr(params, tokens) <= law.peak_lr(params, tokens) * (1 + 1e-12)
    if not law.outside(params, tokens):
        assert law.held_lr(params, tokens) == law.peak_lr(params, tokens)
        assert law.held_batch(params, tokens) == law.batch_tokens(params, tokens)


def test_every_size_has_published_models() -> None:
    assert [model.system for model in trained_at(405e9)] == ["Gopher 280B", "MT-NLG 530B", "Llama 3 405B"]
    assert [model.system for model in trained_at(1e7)] == ["Gopher 44M"]
    assert {model.system for model in trained_at(8e9)} >= {"Llama 3 8B", "Llama 2 7B", "DeepSeek LLM 7B", "GPT-3 6.7B"}
    assert all(0 < model.peak_lr < 0.01 and model.source for model in trained_models())
    assert len({model.system for model in trained_models()}) == len(trained_models())


def test_an_unknown_law_is_told_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"expected one of steplaw2025, deepseek2024, porian2024, got 'adam'"):
        hyperparameter_law("adam")
    assert set(HYPERPARAMETER_LAWS) == set(WORKED[1e9, 2e10])
