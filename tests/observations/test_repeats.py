"""Rows of one cell: copies, settings, replicates, and text that was read again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.laws import published_law
from isoflop.observations import Observations
from isoflop.observations.repeats import normal_of_f

LAW = published_law("besiroglu2024")
N, D = (grid.ravel() for grid in np.meshgrid(np.geomspace(5e7, 5e9, 6), np.geomspace(2e9, 1e11, 6)))


def table(times, noise=0.005, digits=6, **columns):
    """Every cell of a 6 x 6 grid `times` over, with columns of (cell, time) -> value."""
    draws = np.random.default_rng(0)
    rows = []
    for i in range(len(N)):
        for k in range(times):
            more = {name: made(i, k) for name, made in columns.items()}
            shift = more.pop("shift", 0.0)
            loss = float(LAW.loss(N[i], D[i])) * np.exp(draws.normal(0, noise) + shift)
            rows.append({"params": N[i], "tokens": D[i], "loss": round(loss, digits), **more})
    return rows


def said(made):
    return {notice.code: notice.message for notice in made.notices}


def kinds(made):
    return {item.code for item in made.dropped}


def test_replicates_all_stay_as_runs_of_their_own_and_their_scatter_is_told():
    made = Observations.from_rows(table(4))
    assert (len(made), made.dropped, len(set(made.run_id))) == (144, (), 144)
    assert "144 rows share the N and D of others" in said(made)["replicates"]
    # sd .5 % from 108 degrees of freedom is known to 7 %
    told = float(said(made)["replicates"].split("scatter by ")[1].split("%")[0])
    assert told == pytest.approx(0.5, rel=0.2)


def test_the_mean_of_replicates_is_not_biased():
    """The best of four is low by 1.03 standard deviations of a run (Harter 1961)."""
    made = Observations.from_rows(table(4))
    off = np.log(made.loss / LAW.loss(made.N, made.D))
    assert abs(off.mean()) < 3 * 0.005 / np.sqrt(144)


@pytest.mark.parametrize("name", ["seed", "data_seed", "initSeed", "rep", "Trial", "replicate"])
def test_seeds_are_no_settings(name):
    made = Observations.from_rows(table(3, **{name: lambda i, k: k}))
    assert (len(made), made.dropped) == (108, ())


@pytest.mark.parametrize(
    "column",
    [
        {"host": lambda i, k: f"node-{(i + k) % 4}"},
        {"where": lambda i, k: ["oslo", "rome", "bern"][(5 * i + k) % 3]},
        {"checked_by": lambda i, k: ["a", "b"][(i * k) % 2]},
        {"grad_norm": lambda i, k: 0.1 + 0.001 * (7 * i + k)},
        {"note": lambda i, k: f"run {i} {k}"},
    ],
)
def test_a_column_that_changes_no_loss_is_no_setting(column):
    made = Observations.from_rows(table(3, **column))
    assert (len(made), made.dropped) == (108, ())


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"lr": lambda i, k: [1e-3, 2e-3, 4e-3][k]}, "'lr'"),
        ({"batch_size": lambda i, k: [64, 128, 256][k]}, "'batch_size'"),
        ({"group": lambda i, k: "abc"[k]}, "'group'"),
        ({"Weight Decay": lambda i, k: [0.0, 0.1, 0.2][k]}, "'Weight Decay'"),
        ({"teacher": lambda i, k: "xyz"[k], "shift": lambda i, k: [0, 0.01, 0.02][k]}, "'teacher'"),
        ({"k1": lambda i, k: k + 1, "shift": lambda i, k: [0.01, 0, 0.02][k]}, "'k1'"),
    ],
)
def test_of_settings_the_best_stays_and_their_number_is_told(columns, names):
    made = Observations.from_rows(table(3, **columns))
    assert len(made) == 36
    assert kinds(made) == {"worse_setting"}
    assert f"36 of 36 design points (same N and D) were run at 3 settings ({names})" in said(made)["best_of_settings"]


def test_replicates_of_the_best_setting_all_stay():
    rows = table(6, noise=0.001, lr=lambda i, k: [1e-3, 4e-3][k % 2], shift=lambda i, k: [0, 0.02][k % 2])
    made = Observations.from_rows(rows)
    assert len(made) == 3 * 36
    assert set(made.row % 2) == {1}
    assert set(said(made)) == {"best_of_settings", "replicates"}


def test_copies_go_and_losses_of_few_digits_may_agree_by_chance():
    rows = table(2)
    made = Observations.from_rows([*rows, *rows])
    assert (len(made), kinds(made)) == (72, {"duplicate"})
    coarse = table(4, digits=2)
    assert len({(row["params"], row["tokens"], row["loss"]) for row in coarse}) < 144, "some agree"
    assert len(Observations.from_rows(coarse)) == 144
    assert len(Observations.from_rows([*coarse, *coarse])) < 150


def test_rows_that_saw_other_text_are_other_cells():
    rows = table(3, unique_tokens=lambda i, k: [1e8, 4e8, 1e12][k])
    made = Observations.from_rows(rows)
    assert (len(made), made.dropped, made.notices) == (108, (), ())
    again = Observations.from_rows([{**row, "epochs": row["tokens"] / row.pop("unique_tokens")} for row in rows])
    assert len(again) == 108


def test_of_each_amount_of_text_the_best_rate_stays():
    rows = table(4, unique_tokens=lambda i, k: [1e9, 4e9][k // 2], lr=lambda i, k: [1e-3, 2e-3][k % 2])
    assert len(Observations.from_rows(rows)) == 72


def test_fresh_leaves_out_text_read_more_than_four_times():
    rows = [{"N": 1e8, "D": 8e9, "loss": 3 + i / 100, "unique_tokens": u} for i, u in enumerate((1e9, 2e9, 8e9, None))]
    made = Observations.from_rows(rows)
    left = made.fresh()
    assert left.row.tolist() == [2, 3, 4]
    assert [item.code for item in left.dropped] == ["repeated_rows"]
    assert "1 of 4 rows read their text more than 4 times, up to 8" in said(left)["repeated_rows"]
    assert left.fresh() is left
    assert len(Observations.from_arrays(N=[1e8], D=[1e9], loss=[3.0]).fresh()) == 1


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(24)), st.permutations(range(24)))
def test_order_of_rows_and_names_of_runs_do_not_matter(order, names):
    rows = [
        {**row, "run": f"r{i}", "lr": [1e-3, 2e-3][i % 2], "host": "ab"[i % 3 % 2]}
        for i, row in enumerate(table(4)[:24])
    ]
    first = Observations.from_rows(rows)
    other = Observations.from_rows([{**rows[i], "run": f"s{names[i]}"} for i in order])
    assert sorted(np.array(order)[other.row - 1] + 1) == first.row.tolist()
    assert set(said(first)) == set(said(other))


@pytest.mark.parametrize(
    ("F", "above", "below", "normal"),
    # .95 and .99 points of F, Abramowitz and Stegun 1972, tables 26.9
    [(3.33, 5, 10, 1.645), (5.64, 5, 10, 2.326), (2.71, 5, 20, 1.645), (1.99, 8, 50, 1.6), (4.17, 1, 30, 1.645)],
)
def test_the_tail_of_f(F, above, below, normal):
    assert normal_of_f(F, above, below) == pytest.approx(normal, abs=0.1)


class TestNamesOfRuns:
    def test_an_experiment_is_no_run(self):
        made = Observations.from_rows([{**row, "experiment": "sweep"} for row in table(1)])
        assert not made.has_runs
        assert len(set(made.run_id)) == 36
        assert "36 of 36 rows stand under names of several sizes N ('sweep')" in said(made)["no_run_ids"]
        assert "run_id" not in made.source.columns

    def test_the_column_of_runs_is_found_behind_another(self):
        rows = [{**row, "name": "sweep", "experiment": f"e{i // 2}"} for i, row in enumerate(sorted_by_size())]
        made = Observations.from_rows(rows)
        assert len(set(made.run_id)) == 18
        assert made.source.columns["run_id"].as_json() == {"column": "experiment"}

    def test_a_name_given_twice_is_two_runs(self):
        rows = [{**row, "run": f"r{i // 2}" if i else "r9"} for i, row in enumerate(sorted_by_size())]
        made = Observations.from_rows(rows)
        assert "3 of 36 rows stand under names of several sizes" in said(made)["no_run_ids"]
        assert "count as runs of their own" in said(made)["no_run_ids"]
        assert sum(name.startswith("row-") for name in made.run_id) == 3
        assert len(set(made.run_id)) == 20

    def test_sizes_that_differ_by_rounding_are_one(self):
        rows = [{"run": "a", "N": "1.3B", "D": "10B", "loss": 3.0}, {"run": "a", "N": "1.31B", "D": "20B", "loss": 2.9}]
        made = Observations.from_rows(rows)
        assert made.run_id == ("a", "a")


def sorted_by_size():
    return sorted(table(1), key=lambda row: row["params"])
