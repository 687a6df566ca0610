"""What a fit takes from logs, and what it asks for."""

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.laws import published_law
from isoflop.logs.fit_source import FitSource
from isoflop.logs.stated import stated_sizes, stated_tokens
from isoflop.observations import ReadOptions

LAW = published_law("besiroglu2024")
SIZES = {"10M": 1e7, "20M": 2e7, "40M": 4e7}


def write_run(folder, size, steps, *, until=1.0, sets=("val",), tokens=True, lr=True, name=None):
    every = np.arange(100, int(steps * until) + 1, 100)
    file = folder / (name or f"{size}-{steps}.csv")
    header = ["step"] + ["tokens"] * tokens + ["lr"] * lr + [f"{one}_loss" for one in sets]
    lines = [",".join(header)]
    for step in every.tolist():
        loss = float(LAW.loss(SIZES[size], step * 65_536))
        cells = [step] + [step * 65_536] * tokens + [1e-3 * (1 - 0.9 * step / steps)] * lr
        lines.append(",".join(map(str, cells + [round(loss + 0.1 * i, 6) for i in range(len(sets))])))
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture
def folder(tmp_path):
    for size in SIZES:
        for steps in (1000, 2000):
            write_run(tmp_path, size, steps)
    return tmp_path


def sized(folder):
    return FitSource(folder, params={f"{size}-*": count for size, count in SIZES.items()})


def test_the_last_point_of_each_finished_run_is_a_row(folder):
    rows = sized(folder).observations(ReadOptions())
    assert len(rows) == 6
    assert rows.schedule == "matched"
    assert sorted(set(rows.D.tolist())) == [1000 * 65_536, 2000 * 65_536]
    np.testing.assert_allclose(rows.loss, LAW.loss(rows.N, rows.D), atol=1e-6)
    assert "logs_read" in {notice.code for notice in rows.notices}


def test_an_unfinished_run_is_left_out_with_its_reason_unless_the_schedule_is_stated(folder):
    write_run(folder, "40M", 4000, until=0.5, name="40M-4000.csv")
    rows = sized(folder).observations(ReadOptions())
    assert len(rows) == 6
    (dropped,) = rows.dropped
    assert dropped.run_id == "40M-4000"
    assert "before the schedule does" in dropped.reason
    assert len(sized(folder).observations(ReadOptions(schedule="matched", keep_all=True))) == 7


def test_without_sizes_it_says_what_to_add(folder):
    with pytest.raises(InputError, match=r"the size of 6 of 6 runs .*--params-of '10M-1000=PARAMS'"):
        FitSource(folder).observations(ReadOptions())


def test_without_tokens_it_says_what_to_add(tmp_path):
    for size in SIZES:
        write_run(tmp_path, size, 1000, tokens=False)
    with pytest.raises(InputError, match="--tokens-per-step"):
        sized(tmp_path).observations(ReadOptions())
    params = {f"{size}-*": count for size, count in SIZES.items()}
    rows = FitSource(tmp_path, params=params, tokens_per_step={"*": 65_536.0}).observations(ReadOptions())
    assert set(rows.D.tolist()) == {1000 * 65_536.0}


def test_where_rates_do_not_tell_the_end_it_is_said(tmp_path):
    for size in SIZES:
        write_run(tmp_path, size, 1000, lr=False)
    rows = sized(tmp_path).observations(ReadOptions())
    assert "end_not_stated" in {notice.code for notice in rows.notices}
    assert rows.schedule == "unknown"


def test_of_several_evaluation_sets_one_is_chosen_by_its_name(tmp_path):
    for size in SIZES:
        write_run(tmp_path, size, 1000, sets=("c4_val", "pile_val"))
    with pytest.raises(InputError, match=r"loss=loss\[c4\]"):
        sized(tmp_path).observations(ReadOptions())
    rows = sized(tmp_path).observations(ReadOptions(columns={"loss": "pile"}))
    np.testing.assert_allclose(rows.loss, LAW.loss(rows.N, rows.D) + 0.1, atol=1e-6)


def test_runs_that_were_never_evaluated_give_their_training_loss_and_say_so(tmp_path):
    for size in SIZES:
        write_run(tmp_path, size, 1000, sets=("train",))
    rows = sized(tmp_path).observations(ReadOptions())
    assert "training_loss_used" in {notice.code for notice in rows.notices}


def test_a_table_of_runs_is_read_as_ever(tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text("params,tokens,loss\n1e7,1e9,4\n2e7,1e9,3.9\n")
    source = FitSource(file)
    assert source.is_table
    assert len(source.observations(ReadOptions())) == 2


def test_sizes_in_a_table_and_as_patterns(tmp_path):
    file = tmp_path / "sizes.csv"
    file.write_text("run,params\n10M-*,10M\n20M-1000,2e7\n")
    assert stated_sizes([str(file), "40M*=40M"]) == {"10M-*": 1e7, "20M-1000": 2e7, "40M*": 4e7}
    assert stated_tokens(["524288", "small=1e5"]) == {"*": 524288.0, "small": 1e5}
    with pytest.raises(InputError, match="expected RUN=PARAMS"):
        stated_sizes(["nowhere.csv"])


def test_a_run_that_was_not_evaluated_at_its_end_is_left_out_with_its_reason(folder):
    file = folder / "40M-2000.csv"
    lines = file.read_text().splitlines()
    header = lines[0] + ",train_loss"
    kept = [
        f"{line},3.0" if i < 14 else ",".join([*line.split(",")[:3], "", "3.0"]) for i, line in enumerate(lines[1:])
    ]
    file.write_text("\n".join([header, *kept]) + "\n")
    rows = sized(folder).observations(ReadOptions())
    assert len(rows) == 5
    assert "evaluated last at 70%" in rows.dropped[0].reason
