"""Runs of several rows, schedules, repetitions: what is used, what is listed, what is said."""

import numpy as np
import pytest

from isoflop.observations import Observations
from isoflop.observations.summary import RepresentedRows

GOOD = {"params": 1e8, "tokens": 2e9, "loss": 3.0}


def table(*rows, **stated):
    return Observations.from_rows(rows, **stated)


def curve(run, N, end, **more):
    """Four rows of one run."""
    rows = []
    for share in (0.25, 0.5, 0.75, 1.0):
        tokens = share * end
        rows.append(
            {"run": run, "params": N, "tokens": tokens, "loss": 2 + 400 * N**-0.35 + 2000 * tokens**-0.36, **more}
        )
    return rows


def codes(made):
    return {notice.code for notice in made.notices}


def test_rows_of_one_run_are_kept_and_asked_about():
    made = table(*curve("a", 1e8, 8e9), *curve("b", 2e8, 8e9))
    assert len(made) == 8
    assert made.is_final.all()
    assert codes(made) == {"checkpoints_of_runs"}
    assert made.summary().runs == 2


@pytest.mark.parametrize(
    ("schedule", "final", "code"),
    [("matched", 8, set()), ("constant", 8, {"not_annealed"}), ("unmatched", 2, {"schedule_mismatch"})],
)
def test_schedules(schedule, final, code):
    made = table(*curve("a", 1e8, 8e9), *curve("b", 2e8, 8e9), schedule=schedule)
    assert (len(made), made.is_final.sum()) == (8, final)
    assert codes(made) == code
    assert made.schedule == schedule
    assert made.summary().stated["schedule"] is True
    assert len(made.finals()) == final


def test_unmatched_rows_without_runs_are_all_ends():
    made = table(GOOD, {**GOOD, "tokens": 4e9, "loss": 2.9}, schedule="unmatched")
    assert made.is_final.all()
    assert codes(made) == {"schedule_mismatch"}


def test_a_column_may_state_the_schedule():
    made = table(*curve("a", 1e8, 8e9, schedule="constant"))
    assert made.schedule == "constant"
    made = table(*curve("a", 1e8, 8e9, schedule="constant"), *curve("b", 2e8, 8e9, schedule="wsd"))
    assert made.schedule == "unknown"
    assert "several_schedules" in codes(made)
    assert table(*curve("a", 1e8, 8e9, schedule="cosine")).schedule == "unknown"


def test_tokens_that_do_not_grow_with_the_step_are_those_of_the_whole_run():
    rows = [{"run": "a", "step": step, "loss": loss, "N": 1e8, "D": 1e10} for step, loss in ((1, 9), (2, 4), (3, 3))]
    made = table(*rows)
    assert made.row.tolist() == [3]
    assert [item.code for item in made.dropped] == ["earlier_checkpoint"] * 2
    assert made.dropped[0].reason == "step 1 of a run that ends at step 3 with the same tokens"
    rows[2]["loss"] = float("nan")
    assert len(table(*rows)) == 0, "an earlier row is not the end of a run whose end was lost"


def test_a_run_that_lost_its_end_has_no_end_under_an_unmatched_schedule():
    rows = curve("a", 1e8, 8e9)
    rows[-1]["loss"] = None
    assert not table(*rows, schedule="unmatched").is_final.any()


@pytest.mark.parametrize(
    ("column", "bad", "good"),
    [("status", "crashed", "finished"), ("State", "running", "finished"), ("diverged", True, False),
     ("finished", "no", "yes"), ("failed", 1, 0)],
)  # fmt: skip
def test_runs_that_did_not_end_well_are_listed(column, bad, good):
    made = table({**GOOD, column: good}, {**GOOD, "params": 2e8, column: bad})
    assert made.row.tolist() == [1]
    assert [item.code for item in made.dropped] == ["unfinished"]
    assert str(bad).lower() in made.dropped[0].reason.lower() or column in made.dropped[0].reason


def test_a_status_of_no_known_meaning_is_used_and_named():
    made = table({**GOOD, "status": "archived"})
    assert len(made) == 1
    assert "'archived'" in made.notices[0].message


def test_an_end_that_is_neither_yes_nor_no_is_used_and_named():
    made = table({**GOOD, "is_final": "maybe"}, {**GOOD, "tokens": 4e9, "is_final": "no"})
    assert made.is_final.tolist() == [True, False]
    assert "is_final is 'maybe'" in made.notices[0].message


def test_a_loss_that_knows_nothing_is_listed_where_the_vocabulary_is_known():
    made = table({**GOOD, "vocab_size": 32000}, {**GOOD, "params": 2e8, "loss": 10.5, "vocab_size": 32000})
    assert [item.code for item in made.dropped] == ["untrained"]
    assert len(table({**GOOD, "loss": 10.5})) == 1
    in_bits = table({**GOOD, "loss": 10.5, "vocab_size": 32000}, loss_unit="bits_per_byte")
    assert len(in_bits) == 1


def test_cells_are_counted():
    rows = [{**GOOD, "lr": lr, "loss": loss} for lr, loss in ((1e-3, 3.1), (2e-3, 3.0), (4e-3, 3.3))]
    made = table(*rows, {**GOOD, "tokens": 4e9})
    assert made.kept_counts.tolist() == [3, 1]
    assert made.summary().cells == (RepresentedRows(row=2, rows=3),)
    assert {item.code for item in made.dropped} == {"worse_setting"}
    (notice,) = made.notices
    assert notice.code == "best_of_settings"
    assert "1 of 2 design points (same N and D) were run at 3 settings ('lr')" in notice.message


def test_keep_all_keeps_all():
    rows = [{**GOOD, "lr": lr, "loss": 3.1} for lr in (1e-3, 1e-3, 2e-3)]
    made = table(*rows, keep_all=True)
    assert len(made) == 3
    assert made.summary().cells == ()


def test_batches_are_settings_too():
    rows = [{**GOOD, "batch_size": batch, "loss": loss} for batch, loss in ((64, 3.1), (128, 3.0))]
    assert [item.code for item in table(*rows).dropped] == ["worse_setting"]


def test_optima_are_not_cells():
    made = Observations.from_arrays(N=[1e8, 1e8], D=[1e9, 1e9], C=[6e17, 6.1e17], loss=[3, 3.1], optima=True)
    assert len(made) == 2


def test_row_order_changes_nothing_but_the_order():
    rng = np.random.default_rng(0)
    rows = [
        {"params": N, "tokens": D, "lr": lr, "seed": seed, "loss": 3 + rng.uniform()}
        for N in (1e8, 2e8) for D in (1e9, 4e9) for lr in (1e-3, 2e-3) for seed in (0, 1)
    ]  # fmt: skip
    order = rng.permutation(len(rows))
    straight, mixed = table(*rows), table(*(rows[i] for i in order))
    assert set(order[mixed.row - 1] + 1) == set(straight.row)
