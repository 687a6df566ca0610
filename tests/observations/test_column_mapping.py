"""Which columns are read: stated ones first, names next, never a guess between losses."""

import numpy as np
import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.observations import Observations, ReadOptions
from isoflop.observations.column_mapping import map_columns
from isoflop.observations.file_formats import RawTable

BASE = {"params": [1e8, 2e8], "tokens": [1e9, 2e9], "loss": [3.0, 2.9]}


def choose(cells, /, **stated):
    rows = len(next(iter(cells.values())))
    return map_columns(RawTable(columns=cells, rows=rows), ReadOptions(**stated))


def test_names_given_to_words_are_passed_over():
    columns = {"param_count": ["kaplan", "kaplan"], "orig_n": [1e8, 2e8], "orig_t": [1e9, 2e9], "orig_loss": [3, 2]}
    chosen, _ = choose(columns)
    assert {field: choice.column for field, choice in chosen.items()} == {
        "N": "orig_n", "D": "orig_t", "loss": "orig_loss",
    }  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [["loss_c4", "loss_pile"], ["loss[a/b.tar]", "loss[c/d.tar]"], ["test_loss", "val_loss"],
     ["eval/c4/loss", "eval/pile/loss"], ["c4_ppl", "pile_ppl"]],
)  # fmt: skip
def test_one_of_several_losses_is_never_guessed(names):
    columns = {"params": [1e8, 2e8], "tokens": [1e9, 2e9], names[0]: [3.0, 2.9], names[1]: [2.0, 1.9]}
    with pytest.raises(InputError) as caught:
        choose(columns)
    options = {line.strip() for line in str(caught.value).splitlines()[1:]}
    assert options == {f"--column 'loss={name}'" for name in names}
    assert choose(columns, columns={"loss": names[1]})[0]["loss"].column == names[1]


def test_a_loss_next_to_its_parts_its_spread_or_its_perplexity_is_the_loss():
    more = {"loss_c4": [1, 2], "loss_std": [0.1, 0.1], "ppl": [20, 18], "z_loss": [1, 1]}
    assert choose({**BASE, **more})[0]["loss"].column == "loss"
    assert choose({**BASE, "val_loss": BASE["loss"]})[0]["loss"].column == "loss"  # the same numbers twice


def test_other_columns_of_parameters_are_named():
    _, notices = choose({**BASE, "params_no_embed": [9e7, 1.8e8]})
    assert [notice.code for notice in notices] == ["several_columns"]
    assert "'params_no_embed'" in notices[0].message


def test_stated_columns_overrule_and_numbers_hold_for_every_row():
    chosen, _ = choose({**BASE, "size": [1, 2]}, columns={"params": "size", "tokens": "130e9"})
    assert chosen["N"].column == "size"
    assert (chosen["D"].column, chosen["D"].constant) == ("", 130e9)
    assert chosen["D"].as_json() == {"column": "1.3e11 in every row", "constant": 130e9}
    made = Observations.from_rows([{"params": 1e8, "loss": 3}], columns={"tokens": "130B"})
    assert made.D.tolist() == [130e9]


@pytest.mark.parametrize("names", [["budget"], ["compute_budget"]])
def test_a_budget_serves_as_flops_where_there_are_no_others(names):
    columns = {"params": [1e8, 2e8], names[0]: [6e17, 6e17], "loss": [3, 2.9]}
    made = Observations.from_rows([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])
    assert made.C.tolist() == made.budget.tolist() == [6e17, 6e17]
    assert pytest.approx([1e9, 5e8]) == made.D
    wished = Observations.from_rows([{"params": 1e8, "tokens": 1.01e9, "budget": 6e17, "loss": 3}])
    assert (wished.C[0], wished.budget[0]) == (6.06e17, 6e17)  # the wish is not the fact


def test_scales_and_logarithms():
    chosen, _ = choose(
        {"log_N": [8, 9], "tokens": [1, 2], "loss": [3, 2]},
        columns={"params": "log_N"}, scale={"params": "log10", "D": "billions"},
    )  # fmt: skip
    assert chosen["N"].as_json() == {"column": "log_N", "logarithm": "log10"}
    assert chosen["D"].as_json() == {"column": "tokens", "scale": 1e9}
    shared, _ = choose({"params": [1, 2], "budget": [1, 2], "loss": [3, 2]}, scale={"flops": 1e18})
    assert shared["C"].scale == shared["budget"].scale == 1e18
    stated, _ = choose({"params (M)": [1, 2], "tokens": [1, 2], "loss": [3, 2]}, scale={"params": "billions"})
    assert stated["N"].scale == 1e9  # instead of what the name says, not on top of it


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"columns": {"colour": "loss"}}, "--column colour: expected a field of params"),
        ({"columns": {"loss": "los"}}, "--column loss=los: expected a column or a number; no column 'los'"),
        ({"columns": {"run_id": "5"}}, "--column run_id=5: no column '5'"),
        ({"scale": {"params": "many"}}, "--scale params=many: expected a positive factor"),
        ({"scale": {"flops": "1e6"}}, "--scale flops=1e6: no column is read as flops"),
        ({"scale": {"run_id": "1e6"}}, "--scale run_id=1e6: expected a field that holds numbers"),
        ({"scale": {"size": "1e6"}}, "--scale size: expected a field"),
    ],
)
def test_what_cannot_be_stated(stated, words):
    with pytest.raises(InputError, match=words):
        choose(BASE, **stated)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"params": [1], "loss": [1]}, r"none found for tokens \(D\), flops \(C\); found params = 'params'"),
        ({"params": [1], "tokens": [1]}, "none found for loss; found params = 'params', tokens = 'tokens'"),
        ({"params": [1], "loss": [1], "step": [1]}, "--column tokens=step --scale tokens=TOKENS"),
        ({"log_N": [1], "tokens": [1], "loss": [1]}, "log_N: a logarithm whose base"),
        ({"a": [1], "b": [1]}, "columns of the file: a, b"),
    ],
)
def test_what_is_missing_is_reported_with_what_to_do(columns, words):
    with pytest.raises(InputError, match=words):
        choose(columns)


def test_runs_of_one_length_without_tokens_are_refused_and_others_asked_for_their_tokens():
    columns = {"run": ["a", "a", "b", "b"], "step": [1, 100, 1, 101], "params": [1, 1, 2, 2], "loss": [4, 3, 4, 2.9]}
    with pytest.raises(RefusedError) as caught:
        choose(columns)
    assert caught.value.code == "one_horizon"
    with pytest.raises(InputError, match="TOKENS"):
        choose({**columns, "step": [1, 100, 1, 200]})


def test_tokens_are_steps_times_the_tokens_of_a_step():
    made = Observations.from_rows([{"N": 1e8, "step": 1000, "tokens_per_step": 5e5, "loss": 3}])
    assert made.D.tolist() == [5e8]
    assert [notice.code for notice in made.notices] == ["tokens_from_steps"]


def test_an_unknown_word_for_a_schedule_or_a_unit_is_refused():
    with pytest.raises(InputError, match="schedule: expected one of matched, constant"):
        ReadOptions(schedule="cosine")
    with pytest.raises(InputError, match="loss unit: expected one of nats_per_token"):
        ReadOptions(loss_unit="nats")


def test_optima_need_no_loss_and_are_not_asked_which():
    made = Observations.from_arrays(N=[1e8, 2e8], C=[1e18, 4e18], optima=True)
    assert np.isnan(made.loss).all()
    assert len(made) == 2
    chosen, _ = choose({"n": [1, 2], "flops": [1, 2], "loss_c4": [1, 2], "loss_web": [2, 3]}, optima=True)
    assert "loss" not in chosen
