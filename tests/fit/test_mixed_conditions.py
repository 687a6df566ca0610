"""Tables that mix conditions are told from tables with innocent columns beside the runs."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.fit import FitReport, fit_all
from isoflop.fit.mixed_conditions import telling_columns
from isoflop.observations import Observations
from isoflop.plan import fitted_source

from .designs import TRUTHS

LAW = TRUTHS["besiroglu"]
BENCH = Path(__file__).parents[2] / "bench" / "fit"


@pytest.fixture(scope="module")
def bench():
    sys.path.insert(0, str(BENCH))
    try:
        yield importlib.import_module("mixed_conditions")
    finally:
        sys.path.remove(str(BENCH))
        for name in ("mixed_conditions", "false_alarms", "made_up_sweeps"):
            sys.modules.pop(name, None)


def rows(shift=0.0, **columns):
    """Two runs at each of 45 points of a sweep; `columns` {name: word of (point, which of the two)}."""
    rng = np.random.default_rng(1)
    found = []
    for budget in range(5):
        C = 1e18 * 100 ** (budget / 4)
        for size in range(9):
            N = float(LAW.optimum(C)[0]) * 4 ** (size / 4 - 1)
            for k in range(2):
                loss = float(LAW.loss(N, C / 6 / N)) * (1 + shift * k) * np.exp(0.004 * rng.normal())
                words = {name: word(9 * budget + size, k) for name, word in columns.items()}
                found.append({"params": N, "tokens": C / 6 / N, "loss": loss, **words})
    return found


def telling(made):
    return telling_columns(Observations.from_rows(made).finals().fresh())


def test_two_data_sets_that_lie_apart_are_told():
    assert telling(rows(shift=0.02, dataset=lambda i, k: ["c4", "web"][k])) == ("dataset",)


@pytest.mark.parametrize("name", ["dataset", "tokenizer", "eval_set"])
def test_losses_on_different_things_are_no_settings_of_one_point(name):
    made = Observations.from_rows(rows(shift=0.02, **{name: lambda i, k: "ab"[k]}))
    assert (len(made), made.dropped) == (90, ())


def test_the_strongest_column_is_taken_and_then_what_still_parts_its_groups():
    columns = {
        "dataset": lambda i, k: ["c4", "web"][k],
        "file": lambda i, k: ["one", "two"][k],
        "team": lambda i, k: "xy"[i % 2],
    }
    assert telling(rows(shift=0.02, **columns)) == ("dataset",)


@pytest.mark.parametrize(
    "columns",
    [
        {"dataset": lambda i, k: "ab"[k]},  # two sets of the same law
        {"host": lambda i, k: "ab"[k], "seed": lambda i, k: k},
        {"model": lambda i, k: f"size-{i % 9}"},
        {"series": lambda i, k: f"budget-{i // 9}"},
        {"accuracy": lambda i, k: 0.3 + 0.1 * k},
    ],
)
def test_innocent_columns_tell_nothing(columns):
    shift = 0.02 if "accuracy" in columns else 0.0
    assert telling(rows(shift=shift, **columns)) == ()


def test_tables_of_one_condition_are_seldom_refused(bench):
    tables = [(bench.Sweep(), bench.by_chance(5)), (bench.Sweep(sizes=6, noise=0.01), bench.by_chance(3, 6))]
    tables += [(bench.Sweep(rows=60), bench.with_size), (bench.Sweep(surface=bench.coupled), bench.with_budget)]
    refused = sum(bench.refused(sweep, columns, seed) for sweep, columns in tables for seed in range(40))
    assert refused <= 8, "160 tables; more than 8 come once in a thousand at a rate of 2 %"


def test_two_conditions_are_found_and_a_difference_that_does_not_matter_is_not(bench):
    found = sum(bench.refused(bench.Sweep(sizes=9), bench.two_sets(0.5), seed, 0.02) for seed in range(20))
    small = sum(bench.refused(bench.Sweep(noise=0.0005), bench.two_sets(0.5), seed, 0.002) for seed in range(20))
    assert (found >= 19, small) == (True, 0)


@pytest.fixture(scope="module")
def mixed():
    return fit_all(Observations.from_rows(rows(shift=0.02, dataset=lambda i, k: ["c4", "web"][k])), draws=200)


def test_there_is_no_one_answer_but_one_of_each_condition(mixed):
    assert mixed.fitted == {}
    assert {fit.code for fit in mixed.fits.values()} == {"mixed_conditions"}
    assert mixed.groups.by == ("dataset",)
    assert [group.options for group in mixed.groups.groups] == ["--where dataset=c4", "--where dataset=web"]
    for group in mixed.groups.groups:
        assert group.rows == 45
        assert group.a_interval[0] < LAW.a < group.a_interval[1]
        assert group.params_interval[0] < LAW.optimum(mixed.groups.flops)[0] < group.params_interval[1]
    with pytest.raises(Exception, match=r"--where dataset=c4") as refused:
        fitted_source(mixed)
    assert refused.value.code == "mixed_conditions"


def test_written_and_read_again(mixed, tmp_path):
    assert FitReport.load(mixed.save(tmp_path / "fit.json")).groups == mixed.groups


def test_pooled_on_demand_and_said_so():
    data = Observations.from_rows(rows(shift=0.02, dataset=lambda i, k: ["c4", "web"][k]))
    report = fit_all(data, draws=60, pooled=True)
    assert report.groups is None
    assert report.settings.pooled
    assert "mixed_conditions" in {notice.code for notice in report.notices}
    assert report.grade.word == "do not use"
    alone = fit_all(replace(data, conditions={}), draws=60)
    assert alone.parametric.law.constants() == report.parametric.law.constants()


def test_a_group_without_an_answer_says_why():
    made = rows(shift=0.05, dataset=lambda i, k: "ab"[k])
    few = [row for i, row in enumerate(made) if row["dataset"] == "a" or i % 15 == 1]
    report = fit_all(Observations.from_rows(few), draws=60)
    reasons = {group.where["dataset"]: group.reason for group in report.groups.groups}
    assert reasons["a"] == ""
    assert "needs 7 rows" in reasons["b"]
