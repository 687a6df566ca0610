from __future__ import annotations

import pytest

from compare.final_tables import rows_of
from isoflop.compare.final_rows import loss_columns, runs_of_rows
from isoflop.errors import InputError
from isoflop.observations import ReadOptions
from isoflop.observations.file_formats import RawTable


def test_a_row_is_a_run_with_its_size_tokens_losses_and_settings() -> None:
    rows = rows_of("adamw", sets=("loss[val/c4/0001.tar]", "loss[val/ptb/0001.tar]"))
    runs, notices = runs_of_rows(RawTable.from_rows(rows), ReadOptions(), source="runs.csv")
    assert notices == ()
    assert [run.name for run in runs] == [row["run"] for row in rows]
    first = runs[0]
    assert first.params == 30e6
    assert first.tokens is not None
    assert first.tokens.values.tolist() == [20 * 30e6]
    assert {name: loss.values[-1] for name, loss in first.evaluations.items()} == {
        "c4": rows[0]["loss[val/c4/0001.tar]"], "ptb": rows[0]["loss[val/ptb/0001.tar]"],
    }  # fmt: skip
    assert first.settings == {"recipe": "adamw", "seed": 0.0}


def test_every_seed_of_a_cell_stays() -> None:
    runs, _ = runs_of_rows(RawTable.from_rows(rows_of("adamw", seeds=5)), ReadOptions(), source="runs")
    assert len(runs) == 15


def test_a_row_without_a_loss_on_one_set_keeps_the_other() -> None:
    rows = rows_of("adamw", sets=("val_loss_c4", "val_loss_ptb"))
    rows[4]["val_loss_ptb"] = ""
    runs, notices = runs_of_rows(RawTable.from_rows(rows), ReadOptions(), source="runs")
    assert set(runs[4].evaluations) == {"c4"}
    assert [notice.code for notice in notices] == ["rows_left_out"]
    assert "ptb: 1 of 9 rows" in notices[0].message


def test_the_losses_that_are_named_are_used_and_no_others() -> None:
    table = RawTable.from_rows(rows_of("adamw", sets=("eval/c4/loss", "eval/ptb/loss", "train_loss")))
    assert loss_columns(table, ReadOptions()) == {"c4": "eval/c4/loss", "ptb": "eval/ptb/loss"}
    assert loss_columns(table, ReadOptions(), ["eval/ptb/loss"]) == {"ptb": "eval/ptb/loss"}
    assert set(loss_columns(table, ReadOptions(), ["eval/ptb/loss", "train_loss"]).values()) == {
        "eval/ptb/loss",
        "train_loss",
    }
    with pytest.raises(InputError, match="no column 'ce'"):
        loss_columns(table, ReadOptions(), ["ce"])


def test_without_a_loss_it_says_which_columns_there_are() -> None:
    rows = [{"params": 1e8, "tokens": 1e9, "accuracy": 0.3}]
    with pytest.raises(InputError, match="params, tokens, accuracy"):
        loss_columns(RawTable.from_rows(rows), ReadOptions())


def test_units_of_columns_are_read_as_a_fit_reads_them() -> None:
    rows = [{"params (M)": 124, "tokens (B)": 2.5, "val perplexity": 20.0}]
    runs, _ = runs_of_rows(RawTable.from_rows(rows), ReadOptions(), source="runs")
    assert runs[0].params == 124e6
    assert next(iter(runs[0].evaluations.values())).values[-1] == pytest.approx(2.995732, abs=1e-6)
