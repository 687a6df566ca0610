"""The check of C / 6ND: which columns are believed, and what is said about the others."""

import numpy as np
import pytest

from isoflop.observations import Observations
from isoflop.observations.flops_check import FlopsCheck, check_flops
from isoflop.units import format_number

N = np.round(np.repeat(np.geomspace(1e8, 7e10, 6), 4))
D = np.round(N * np.tile(np.geomspace(2, 200, 4), 6))
SIX = 6 * N * D
ROW = np.arange(1, 25)
EXACT = [6 * int(n) * int(d) for n, d in zip(N, D, strict=True)]


def judged(C, *, exact_convention=False):
    return check_flops(N, D, np.asarray(C, dtype=float), ROW, exact_convention=exact_convention)


def codes(found):
    return [notice.code for notice in found.notices]


def wrap(value, bits, signed=True):
    low = value % 2**bits
    return low - 2**bits if signed and low >= 2 ** (bits - 1) else low


def test_six_nd_is_used_as_it_is():
    found = judged(SIX * (1 + 1e-3))
    assert codes(found) == []
    assert pytest.approx(SIX * 1.001) == found.C
    assert found.check.source == "column"
    assert found.check.ratio_to_6nd == pytest.approx([1.001] * 3)


@pytest.mark.parametrize("ratio", [0.55, 0.8, 1.33, 1.9])
def test_honest_conventions_are_used_and_not_remarked(ratio):
    found = judged(SIX * ratio)
    assert codes(found) == []
    assert found.check.source == "column"
    assert pytest.approx(SIX * ratio) == found.C


def test_exact_flops_of_small_models_are_used_and_remarked_unless_their_convention_was_stated():
    grown = SIX * (1 + 30 * (1e8 / N) ** 0.5)
    assert codes(judged(grown)) == ["flops_far_from_6nd"]
    assert codes(judged(grown, exact_convention=True)) == []
    assert pytest.approx(grown) == judged(grown).C


def test_tiny_models_under_large_vocabularies_are_believed_where_their_convention_was_stated():
    grown = SIX * (1 + 200 * (1e8 / N) ** 0.5)
    assert pytest.approx(grown) == judged(grown, exact_convention=True).C
    assert codes(judged(grown)) == ["flops_not_of_training"]


def test_embeddings_in_n_and_not_in_c_are_no_forward_passes():
    falling = SIX * (0.15 + 0.8 * np.linspace(0, 1, 24))
    found = judged(falling)
    assert codes(found) == ["flops_far_from_6nd"]
    assert pytest.approx(falling) == found.C


@pytest.mark.parametrize("attention", [1.0, 1.2])
def test_forward_passes(attention):
    found = judged(SIX / 3 * attention)
    assert codes(found) == ["flops_forward_only"]
    assert "all 24 rows" in found.notices[0].message
    assert f"{attention / 3:.3g}" in found.notices[0].message
    assert np.array_equal(found.C, SIX)
    assert found.check == FlopsCheck(source="six_nd", rows_not_used=len(SIX))


def test_forward_passes_in_some_rows():
    some = np.isin(ROW, [3, 8])
    found = judged(np.where(some, SIX / 3, SIX))
    assert codes(found) == ["flops_forward_only"]
    assert "rows 3, 8" in found.notices[0].message
    assert np.array_equal(found.C, SIX)
    assert found.check.rows_not_used == 2


@pytest.mark.parametrize(
    ("bits", "signed", "over"), [(64, True, 2**63), (64, False, 2**64), (32, True, 2**31), (32, False, 2**32)]
)
def test_integers_that_overflowed(bits, signed, over):
    found = judged([wrap(value, bits, signed) for value in EXACT])
    wrapped = np.array(EXACT, dtype=object) >= over
    assert wrapped.any()
    assert codes(found) == ["flops_overflowed"]
    assert np.array_equal(found.C, SIX)
    assert found.check.rows_not_used == wrapped.sum()


def test_a_product_that_overflowed_before_it_was_multiplied_by_six():
    products = [6.0 * wrap(int(n) * int(d), 64) for n, d in zip(N, D, strict=True)]
    assert codes(judged(products)) == ["flops_overflowed"]
    assert pytest.approx(SIX, rel=1e-14) == judged(products).C


@pytest.mark.parametrize("power", [-18, -15, -9, -3, 3, 9])
def test_other_units(power):
    found = judged(SIX * 10.0**power * 1.1)
    assert codes(found) == ["flops_mis_scaled"]
    assert f"--scale flops={format_number(10.0**-power)}" in found.notices[0].message
    assert np.array_equal(found.C, SIX)


def test_numbers_that_are_no_flops_at_all():
    found = judged(np.linspace(1, 2, 24) * 1e12)
    assert "flops_not_of_training" in codes(found)
    assert np.array_equal(found.C, SIX)
    assert codes(judged(SIX / 8.64e19)) == ["flops_not_of_training"]  # petaFLOP/s-days


def test_empty_cells_take_six_nd():
    found = judged(np.where(ROW == 5, np.nan, SIX))
    assert codes(found) == ["flops_filled"]
    assert np.array_equal(found.C, SIX)
    assert found.check.source == "mixed"


def test_one_table_has_one_convention():
    found = judged(np.where(ROW == 5, -1e18, SIX * 1.3))
    assert codes(found) == ["flops_overflowed"]
    assert np.array_equal(found.C, SIX), "rows at 1.3 x 6ND beside one at 6ND would bend the frontier"
    assert found.check.source == "six_nd"


def test_no_columns_reach_the_fit_unchecked():
    made = Observations.from_arrays(
        N=N, D=D, C=[wrap(value, 64) for value in EXACT], loss=np.linspace(3, 2, 24), flops_convention="matmul"
    )
    assert np.array_equal(made.C, SIX)
    assert made.summary().flops_check.rows_not_used > 0
    assert "flops_overflowed" in {notice.code for notice in made.notices}


def test_the_convention_of_flops_that_were_computed_is_known():
    made = Observations.from_arrays(N=N, D=D, C=SIX / 3, loss=np.linspace(3, 2, 24), flops_convention="matmul")
    assert made.flops_convention == "six_n"
    assert made.summary().stated["flops_convention"] is True
    made = Observations.from_arrays(N=N, D=D, C=SIX, loss=np.linspace(3, 2, 24))
    assert made.summary().stated == {
        "params_convention": False, "flops_convention": False, "loss_unit": False, "schedule": False,
    }  # fmt: skip
