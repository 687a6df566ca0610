"""Units of losses, the third of N, D and C, conventions and units that cannot be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.laws import published_law
from isoflop.observations import Observations

LAW = published_law("besiroglu2024")
N = np.repeat(np.geomspace(1e8, 1e10, 4), 3)
D = N * np.tile([5.0, 20.0, 80.0], 4)
LOSS = LAW.loss(N, D)


def test_perplexities_and_bits_become_nats():
    for unit, losses in (("perplexity", np.exp(LOSS)), ("bits_per_token", LOSS / np.log(2))):
        made = Observations.from_arrays(N=N, D=D, loss=losses, loss_unit=unit)
        assert made.loss == pytest.approx(LOSS, rel=1e-12)
        assert (made.loss_unit, made.source.loss_unit_read) == ("nats_per_token", unit)


@pytest.mark.parametrize("unit", ["bits_per_byte", "nats_per_byte", "bits_per_character"])
def test_losses_by_byte_stay_what_they_are(unit):
    made = Observations.from_arrays(N=N, D=D, loss=LOSS / 4, loss_unit=unit)
    assert np.array_equal(made.loss, LOSS / 4)
    assert made.loss_unit == made.source.loss_unit_read == unit


def test_standard_errors_follow_their_losses():
    rows = [{"N": 1e8, "D": 1e9, "ppl": 20.0, "loss_se": 0.2}]
    assert Observations.from_rows(rows).loss_se == pytest.approx([0.01])
    rows = [{"N": 1e8, "D": 1e9, "bits_per_token": 4.0, "loss_se": 0.2}]
    assert Observations.from_rows(rows).loss_se == pytest.approx([0.2 * np.log(2)])


def test_a_unit_in_the_name_of_a_loss_is_stated_and_may_be_overruled():
    rows = [{"N": 1e8, "D": 1e9, "val_ppl": 20.0}]
    made = Observations.from_rows(rows)
    assert made.loss == pytest.approx([np.log(20)])
    assert made.summary().stated["loss_unit"] is True
    assert Observations.from_rows(rows, loss_unit="bits_per_byte").loss.tolist() == [20.0]


def test_a_convention_in_the_name_of_a_column_is_stated():
    for name in ("params_no_embed", "non_embedding_params", "params_nonembedding"):
        made = Observations.from_rows([{name: 1e8, "tokens": 1e9, "loss": 3}])
        assert (made.params_convention, "params_convention" in made.stated) == ("non_embedding", True)
    made = Observations.from_rows([{"params": 1e8, "tokens": 1e9, "loss": 3}])
    assert (made.params_convention, "params_convention" in made.stated) == ("total", False)


@settings(deadline=None)
@given(st.integers(10**5, 10**12), st.integers(10**5, 10**14))
def test_float64_before_any_product(n, d):
    from_integers = Observations.from_arrays(N=np.array([n]), D=np.array([d]), loss=[2.0])
    assert from_integers.C[0] == 6.0 * float(n) * float(d)


def test_the_third_is_filled_row_by_row():
    rows = [
        {"N": 1e8, "D": 2e9, "C": None, "loss": 3.0},
        {"N": 2e8, "D": "", "C": 2.4e18, "loss": 2.9},
        {"N": float("nan"), "D": 4e9, "C": 2.4e18, "loss": 2.9},
        {"N": 1e8, "D": None, "C": None, "loss": 3.0},
        {"N": 1e8, "D": None, "C": -5.0, "loss": 3.0},
    ]
    made = Observations.from_rows(rows, keep_all=True)
    assert pytest.approx([1.2e18, 2.4e18, 2.4e18]) == made.C
    assert pytest.approx([2e9, 2e9, 4e9]) == made.D
    assert pytest.approx([1e8, 2e8, 1e8]) == made.N
    assert [(item.row, item.code) for item in made.dropped] == [(4, "bad_value"), (5, "bad_value")]
    assert "64 bits" in made.dropped[1].reason


@pytest.mark.parametrize(
    ("field", "cell", "words"),
    [
        ("budget", "-1", "expected a positive finite number, got -1"),
        ("budget", 0, "expected a positive finite number, got 0"),
        ("loss_se", 0.0, "expected a positive finite number, got 0.0"),
        ("loss_se", "unknown", "expected a number such as"),
        ("unique_tokens", -5, "expected a positive finite number, got -5"),
        ("vocab_size", "bpe", "expected a number such as"),
    ],
)
def test_a_bad_optional_value_is_dropped_and_its_row_is_not(field, cell, words):
    good = {"budget": "1e18", "loss_se": 0.01, "unique_tokens": 2e9, "vocab_size": 50257}[field]
    rows = [{"N": N, "D": 2e9, "loss": 3.0, field: good} for N in (1e8, 2e8, 4e8)]
    rows[1][field] = cell
    made = Observations.from_rows(rows)
    assert (len(made), made.dropped) == (3, ())
    (notice,) = [item for item in made.notices if item.code == "value_not_used"]
    assert words in notice.message
    assert "1 of 3 rows" in notice.message
    assert "row 2" in notice.message


def test_a_standard_error_of_0_in_every_row_is_none():
    rows = [{"N": N, "D": 2e9, "loss": 3.0, "loss_se": 0.0, "budget": 0} for N in (1e8, 2e8, 4e8)]
    made = Observations.from_rows(rows)
    assert (len(made), made.loss_se) == (3, None)
    assert np.isnan(made.budget).all()


def test_a_cell_that_counts_something_else_is_unreadable():
    rows = [
        {"N": "1e8 params", "D": "2e9 tokens", "C": "1.2e18 FLOPs", "loss": 3.0},
        {"N": "2e8", "D": "2e9", "loss": "3.1 tokens"},
        {"N": "2e8 tokens", "D": "3e9", "loss": 3.0},
        {"N": "2e8", "D": "4e9 FLOPs", "loss": 3.0},
        {"N": "2e8", "D": "5e9", "loss": True},
        {"N": True, "D": "6e9", "loss": 3.0},
        {"N": "3e8", "D": "6e9", "loss": "3.1M"},
        {"N": "3e8", "D": "6e9", "loss": [3.1]},
    ]
    made = Observations.from_rows(rows)
    assert made.row.tolist() == [1]
    assert [item.row for item in made.dropped] == [2, 3, 4, 5, 6, 7, 8]
    assert "'3.1 tokens'" in made.dropped[0].reason
    assert "'True'" in made.dropped[3].reason


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_mixed_units_are_found_on_any_scale_and_one_wide_table_is_none(scale):
    mixed = N * scale
    mixed[2] /= 1e6
    with pytest.raises(InputError, match="mixed units"):
        Observations.from_arrays(N=mixed, D=D, loss=LOSS)
    wide = np.geomspace(1e4, 1e12, 12) * scale
    assert len(Observations.from_arrays(N=wide, D=20 * wide, loss=LOSS)) == 12


@pytest.mark.parametrize(
    ("N", "D", "words"),
    [
        (N / 1e6, D / 1e9, "params are 100 to 10K and tokens are 0.5 to 800, which no language model has"),
        (N, D / 1e9, r"tokens are 0.5 to 800.*--scale tokens=billions"),
        (N / 1e6, D, r"params are 100 to 10K.*--scale params=millions"),
    ],
)
def test_small_numbers_are_asked_about(N, D, words):
    with pytest.raises(InputError, match=words):
        Observations.from_arrays(N=N, D=D, loss=LOSS)
    rows = [{"N": n, "D": d, "loss": loss} for n, d, loss in zip(N, D, LOSS, strict=True)]
    stated = Observations.from_rows(rows, scale={"params": 1.0, "tokens": 1.0})
    assert "small_numbers" in {notice.code for notice in stated.notices}


def test_counts_that_make_the_files_flops_are_in_their_units_however_small():
    made = Observations.from_arrays(N=N / 1e5, D=D / 1e8, C=6 * (N / 1e5) * (D / 1e8) * 1.5, loss=LOSS)
    assert len(made) == 12
    assert "small_numbers" in {notice.code for notice in made.notices}


def test_tiny_models_are_models():
    made = Observations.from_arrays(N=N / 2e5, D=D / 1e2, loss=LOSS)
    assert [notice.code for notice in made.notices] == ["small_numbers"]


def test_millions_next_to_true_flops_are_refused_with_the_scale():
    with pytest.raises(InputError, match=r"params are at most 10K \(--scale params=millions\?\)"):
        Observations.from_arrays(N=N / 1e6, D=D, C=6 * N * D, loss=LOSS)


def test_a_column_of_flops_without_a_number_counts_as_none():
    made = Observations.from_rows([{"N": 1e8, "D": 2e9, "C": float("inf"), "loss": 3.0}])
    assert made.C.tolist() == [1.2e18]
    assert "'C' holds no number" in made.notices[0].message


def test_unique_tokens_are_carried():
    rows = [{"N": 1e8, "D": 2e9, "loss": 3.0, "unique_tokens": "1B"}]
    assert Observations.from_rows(rows).unique_tokens.tolist() == [1e9]
    made = Observations.from_rows([*rows, {"N": 2e8, "D": 2e9, "loss": 3.0}])
    assert made.unique_tokens.tolist() == [1e9, pytest.approx(np.nan, nan_ok=True)]
    assert [notice.code for notice in made.notices] == ["unique_tokens_missing"]
    assert Observations.from_rows([{"N": 2e8, "D": 2e9, "loss": 3.0}]).unique_tokens is None


def test_epochs_say_how_many_tokens_are_different():
    rows = [{"N": 1e8, "D": 2e9, "loss": 3.0, "epochs": epochs} for epochs in (8, 0.5, 0)]
    assert Observations.from_rows(rows, keep_all=True).unique_tokens.tolist() == [2.5e8, 2e9, 2e9]


def test_fewer_tokens_than_parameters_ask_whether_the_columns_are_exchanged():
    rows = [{"params": 10**i * 1e8, "tokens": 10**i * 2e9, "loss": 3.0 - i / 10} for i in range(4)]
    assert Observations.from_rows(rows).notices == ()
    swapped = [{**row, "params": row["tokens"], "tokens": row["params"]} for row in rows]
    assert [notice.code for notice in Observations.from_rows(swapped).notices] == ["fewer_tokens_than_params"]
