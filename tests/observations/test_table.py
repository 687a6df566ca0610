import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.observations import Observations, match_columns

GOOD = {"params": 1e8, "tokens": 2e9, "loss": 3.0}


def table(*rows, **kw):
    return Observations.from_rows(rows, **kw)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"loss": float("nan")}, "loss"),
        ({"loss": -1.0}, "loss"),
        ({"loss": float("inf")}, "loss"),
        ({"tokens": 0}, "D"),
        ({"params": -5}, "N"),
        ({"params": "many"}, "N"),
        ({"loss": None}, "missing"),
        ({"loss": ""}, "missing"),
        ({"tokens": None}, "missing"),
    ],
)
def test_a_bad_row_is_counted_and_listed_not_used(bad, words):
    made = table(GOOD, {**GOOD, "params": 2e8, **bad})
    assert len(made) == 1
    assert made.rows_read == 2
    assert [item.row for item in made.dropped] == [2]
    assert words in made.dropped[0].reason
    assert made.summary().dropped[0].row == 2


def test_all_problems_of_a_row_are_named_at_once():
    reason = table(GOOD, {"params": 0, "tokens": -1, "loss": "x"}).dropped[0].reason
    assert all(letter in reason for letter in ("N", "D", "loss"))


def test_two_of_three_suffice_in_float64():
    # As 64-bit integers 6 N D of a 70B model overflows.
    made = table({"N": np.int64(70_000_000_000), "D": np.int64(1_400_000_000_000), "loss": 1.9})
    assert made.C[0] == pytest.approx(5.88e23)
    made = table({"Model Size": 7e10, "Training FLOP": 5.88e23, "loss": 1.9})
    assert made.D[0] == pytest.approx(1.4e12)
    made = table({"tokens": 1.4e12, "flops": 5.88e23, "loss": 1.9})
    assert made.N[0] == pytest.approx(7e10)


def test_quantities_may_be_text():
    made = table({"params": "70B", "tokens": "1.4T", "loss": "1.97", "budget": "5.76e23"})
    assert (made.N[0], made.D[0], made.budget[0]) == (70e9, 1.4e12, 5.76e23)


def test_the_best_learning_rate_of_a_cell_stays():
    rows = [
        {**GOOD, "lr": lr, "loss": loss, "run_id": f"r{lr}"} for lr, loss in ((1e-3, 3.1), (2e-3, 3.0), (4e-3, 3.3))
    ]
    made = table(*rows)
    assert made.run_id == ("r0.002",)
    assert [item.row for item in made.dropped] == [1, 3]
    assert "another setting (lr) of the design point of row 2" in made.dropped[0].reason


def test_replicate_seeds_at_the_best_rate_all_stay():
    rows = [{**GOOD, "peak_lr": lr, "seed": s, "loss": loss} for lr, s, loss in
            ((1e-3, 0, 2.9), (1e-3, 1, 3.2), (2e-3, 0, 3.0), (2e-3, 1, 3.0))]  # fmt: skip
    made = table(*rows)
    assert made.loss.tolist() == [3.0, 3.0]
    assert {item.row for item in made.dropped} == {1, 2}


def test_exact_duplicates_are_dropped_and_listed():
    made = table(GOOD, GOOD)
    assert len(made) == 1
    assert "duplicate" in made.dropped[0].reason


def test_flops_far_from_six_nd_are_noticed_only_under_that_convention():
    odd = {**GOOD, "flops": 30 * 1e8 * 2e9}
    assert [notice.code for notice in table(odd).notices] == ["flops_far_from_6nd"]
    assert not table(odd, flops_convention="matmul").notices
    assert not table({**GOOD, "flops": 6.3 * 1e8 * 2e9}).notices


def test_checkpoints_are_not_ends():
    made = table({**GOOD, "run_id": "a", "is_final": False}, {**GOOD, "tokens": 4e9, "run_id": "a", "is_final": "true"})
    assert made.is_final.tolist() == [False, True]
    finals = made.finals()
    assert len(finals) == 1
    assert "checkpoint" in finals.dropped[0].reason


def test_unusable_tables_are_refused_with_what_to_do():
    with pytest.raises(InputError, match="at least one row"):
        table()
    with pytest.raises(InputError, match="two of N, D and C"):
        table({"params": 1e8, "loss": 3})
    with pytest.raises(InputError, match="equal length"):
        Observations.from_arrays(N=[1e8, 2e8], D=[1e9], loss=[3, 3])


def test_numpy_columns():
    made = Observations.from_arrays(N=[1e8, 2e8], D=[1e9, 1e9], loss=[3.0, np.nan], run_id=["a", "b"])
    assert made.run_id == ("a",)
    assert made.dropped[0].run_id == "b"


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(), st.none(), st.text(max_size=5)), min_size=1, max_size=20))
def test_no_value_gets_in_unchecked(losses):
    made = table(*[{"N": 1e6 * (i + 1), "D": 1e8, "loss": loss} for i, loss in enumerate(losses)])
    assert len(made) + len(made.dropped) == len(losses)
    assert np.all(np.isfinite(made.loss) & (made.loss > 0))


def test_names_of_the_field():
    for names in (["parameter_count", "training_tokens", "final_loss"], ["#params", "Tokens", "Val Loss"],
                  ["n_params", "D", "val_loss_nats"]):  # fmt: skip
        assert {"N", "D", "loss"} <= set(match_columns(names))


def test_columns_that_are_none():
    for columns in ({"N": 5, "D": 5, "loss": 5}, {"N": [[1, 2]], "D": [[1, 2]], "loss": [[1, 2]]}):
        with pytest.raises(InputError, match="one-dimensional columns"):
            Observations.from_arrays(**columns)
    with pytest.raises(InputError, match="at least one row"):
        Observations.from_arrays(N=[], D=[], loss=[])


def test_rows_stand_for_themselves_where_nothing_else_is_given():
    made = table(GOOD, {**GOOD, "tokens": 4e9})
    assert made.kept_counts.tolist() == [1, 1]
    assert made.select([False, True]).kept_counts.tolist() == [1]
    assert made.select([False, False]).kept_counts.tolist() == []


def test_one_condition_may_be_a_plain_string():
    made = table({**GOOD, "set": "a"}, {**GOOD, "set": "b"}, where="set=b")
    assert (made.row.tolist(), made.filtered) == ([2], 1)


def test_select_lists_what_it_leaves_out_only_with_a_reason():
    made = table(GOOD, {**GOOD, "tokens": 4e9})
    assert made.select([True, False]).dropped == ()
    (gone,) = made.select([True, False], "too long", "chosen").dropped
    assert (gone.row, gone.reason, gone.code) == (2, "too long", "chosen")
