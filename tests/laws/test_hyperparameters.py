"""Laws of batch and rate, held against worked values of their published constants."""

import pytest

from isoflop.errors import InputError
from isoflop.laws.hyperparameters import HYPERPARAMETER_LAWS, hyperparameter_law

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
    ("run", "name", "expected"), [(run, name, value) for run, said in WORKED.items() for name, value in said.items()]
)
def test_worked_values_to_their_four_digits(run, name, expected):
    law = hyperparameter_law(name)
    assert (law.peak_lr(*run), law.batch_tokens(*run)) == pytest.approx(expected, rel=5e-4)


def test_it_says_where_it_leaves_its_runs():
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


def test_an_unknown_law_is_told_the_known_ones():
    with pytest.raises(InputError, match=r"expected one of steplaw2025, deepseek2024, porian2024, got 'adam'"):
        hyperparameter_law("adam")
    assert set(HYPERPARAMETER_LAWS) == set(WORKED[1e9, 2e10])
