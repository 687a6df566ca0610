"""Tables of curves and of final rows."""

import gzip
import json

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.logs import LogOptions, read_logs

STEPS = np.arange(100, 1100, 100)


def loss(step, size=1.0):
    return np.round(2.0 + 8.0 * step**-0.3 + 0.1 / size, 5)


def write(folder, name, header, rows):
    file = folder / name
    file.write_text(
        "\n".join([",".join(header), *(",".join("" if c is None else str(c) for c in r) for r in rows)]) + "\n"
    )
    return file


def codes(run):
    return [notice.code for notice in run.notices]


def test_one_file_one_run_is_called_by_its_file(tmp_path):
    rows = [(s, 1000 * s, 1e-3, loss(s), loss(s) + 0.1, loss(s) + 0.2) for s in STEPS]
    header = [
        "_step",
        "throughput/total_tokens",
        "optim/lr",
        "train/loss",
        "eval/c4/CrossEntropyLoss",
        "eval/pile/CrossEntropyLoss",
    ]
    logs = read_logs(write(tmp_path, "small-1.csv", header, rows))
    (run,) = logs
    assert run.name == "small-1"
    assert sorted(run.evaluations) == ["c4", "pile"]
    np.testing.assert_array_equal(run.training.values, loss(STEPS))
    np.testing.assert_array_equal(run.tokens.values, 1000 * STEPS)
    assert run.progress == "steps"
    assert "the curve of one run" in run.source


def long_rows(seeds=2):
    return [(f"m{size}", size * 1000, seed, s, loss(s, size) + 0.001 * seed)
            for size in (1, 2) for seed in range(seeds) for s in STEPS]  # fmt: skip


@pytest.mark.parametrize("order", ["by run", "by step"])
def test_several_runs_of_a_file_are_parted_by_name_and_seed(tmp_path, order):
    rows = long_rows()
    if order == "by step":
        rows.sort(key=lambda row: row[3])
    logs = read_logs(write(tmp_path, "curves.csv", ["run", "params", "seed", "step", "val_loss"], rows))
    assert sorted(run.name for run in logs) == ["m1-seed=0", "m1-seed=1", "m2-seed=0", "m2-seed=1"]
    for run in logs:
        np.testing.assert_array_equal(run.evaluations["validation"].steps, STEPS)
        assert run.params == 1000 * int(run.name[1])


def test_runs_without_a_name_are_parted_by_what_differs(tmp_path):
    rows = [(recipe, s, loss(s) + 0.01 * i) for i, recipe in enumerate(("adamw", "muon")) for s in STEPS]
    logs = read_logs(write(tmp_path, "curves.csv", ["optimizer", "step", "val_loss"], rows))
    assert [run.settings["optimizer"] for run in logs] == ["adamw", "muon"]


@pytest.mark.parametrize(
    "kind", ["csv.gz", "packed", "jsonl", "json", "parquet", "no suffix", "semicolons with commas"]
)
def test_the_same_curves_in_any_file(tmp_path, kind):
    header = ["run", "params", "seed", "step", "val_loss"]
    plain = write(tmp_path, "curves.csv", header, long_rows())
    expected = read_logs(plain)
    rows = [dict(zip(header, row, strict=True)) for row in long_rows()]
    file = tmp_path / f"other.{kind}"
    if kind in ("csv.gz", "packed"):
        file.write_bytes(gzip.compress(plain.read_bytes()))
    elif kind == "jsonl":
        file.write_text(
            "\n".join(json.dumps({k: v.item() if hasattr(v, "item") else v for k, v in r.items()}) for r in rows)
        )
    elif kind == "json":
        file.write_text(json.dumps([{k: v.item() if hasattr(v, "item") else v for k, v in r.items()} for r in rows]))
    elif kind == "parquet":
        pq, pa = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")
        pq.write_table(
            pa.Table.from_pylist([{k: v.item() if hasattr(v, "item") else v for k, v in r.items()} for r in rows]), file
        )
    elif kind == "no suffix":
        file = tmp_path / "log"
        file.write_bytes(plain.read_bytes())
    else:
        file.write_text(plain.read_text().replace(",", ";").replace(".", ","))
    for one, other in zip(expected, read_logs(file), strict=True):
        assert (one.name, one.params) == (other.name, other.params)
        for name, series in one.evaluations.items():
            np.testing.assert_array_equal(series.steps, other.evaluations[name].steps)
            np.testing.assert_array_equal(series.values, other.evaluations[name].values)


def test_a_restart_replaces_what_it_repeats(tmp_path):
    first = [(s, 3.0 + s / 1e4) for s in range(10, 110, 10)]
    again = [(s, 2.0 + s / 1e4) for s in range(60, 90, 10)]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "train_loss"], first + again))
    np.testing.assert_array_equal(run.training.steps, [10, 20, 30, 40, 50, 60, 70, 80])
    assert run.training.values[-1] == 2.008
    assert "restarted" in codes(run)


def test_an_evaluation_after_the_checkpoint_of_a_restart_goes_with_it(tmp_path):
    rows = [(s, 3.0, 3.1 if s % 50 == 0 else None) for s in range(10, 110, 10)] + [(s, 2.9, None) for s in (60, 70)]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "train_loss", "val_loss"], rows))
    np.testing.assert_array_equal(run.evaluations["validation"].steps, [50])


def test_a_late_line_is_no_restart(tmp_path):
    rows = [(s, 3.0, None) for s in range(10, 110, 10)] + [(50, None, 3.3), (110, 2.9, None)]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "train_loss", "val_loss"], rows))
    assert len(run.training) == 11
    assert "restarted" not in codes(run)


def test_the_newest_line_first(tmp_path):
    rows = [(s, loss(s)) for s in STEPS[::-1]]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "val_loss"], rows))
    np.testing.assert_array_equal(run.evaluations["loss" if "loss" in run.evaluations else "validation"].steps, STEPS)
    assert "newest_first" in codes(run)


def test_duplicates_are_counted_once(tmp_path):
    rows = [(s, loss(s)) for s in STEPS for _ in range(2)]
    (run,) = read_logs(
        write(
            tmp_path,
            "a.csv",
            [
                "step",
                "train_loss",
            ],
            rows,
        )
    )
    np.testing.assert_array_equal(run.training.steps, STEPS)
    assert "duplicate_steps" in codes(run)


def test_step_0_is_the_untrained_model_and_stays(tmp_path):
    rows = [(s, 10.8 if s == 0 else loss(s)) for s in (0, *STEPS)]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "val_loss"], rows))
    assert run.evaluations["validation"].at(0) == 10.8


def test_a_torn_last_line_is_left_out(tmp_path):
    file = write(tmp_path, "a.csv", ["step", "tokens", "val_loss"], [(s, 10 * s, loss(s)) for s in STEPS])
    file.write_text(file.read_text() + "1100,110")
    (run,) = read_logs(file)
    assert run.evaluations["validation"].steps[-1] == 1000
    assert "torn_line" in codes(run)


def test_nan_at_the_end_is_a_run_that_diverged_and_inside_no_measurement(tmp_path):
    rows = [(s, "nan" if s >= 900 else loss(s), "nan" if s % 200 else loss(s)) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "train_loss", "val_loss"], rows))
    assert run.ended is False
    assert run.failure.startswith("diverged")
    np.testing.assert_array_equal(run.evaluations["validation"].steps[:4], [200, 400, 600, 800])
    assert "losses_not_measured" in codes(run)


def test_an_infinite_loss_is_kept(tmp_path):
    rows = [(s, "inf" if s == 1000 else loss(s)) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "val_loss"], rows))
    assert np.isinf(run.evaluations["validation"].values[-1])
    assert run.ended is False


def test_tokens_follow_from_steps_only_where_it_is_stated(tmp_path):
    file = write(tmp_path, "a.csv", ["step", "val_loss"], [(s, loss(s)) for s in STEPS])
    (run,) = read_logs(file)
    assert run.tokens is None
    (run,) = read_logs(file, LogOptions(tokens_per_step={"*": 512.0}))
    np.testing.assert_array_equal(run.tokens.values, 512 * STEPS)
    assert "tokens_from_steps" in codes(run)
    rows = [(s, 4096, loss(s)) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "b.csv", ["step", "tokens_per_step", "val_loss"], rows))
    np.testing.assert_array_equal(run.tokens.values, 4096 * STEPS)


def test_tokens_of_the_whole_run_on_every_line_are_those_of_its_end(tmp_path):
    rows = [("a", s, 2_000_000, loss(s)) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "a.csv", ["run", "step", "tokens", "val_loss"], rows))
    np.testing.assert_array_equal(run.tokens.steps, [1000])
    assert "tokens_of_the_run" in codes(run)


def test_a_rate_that_still_falls_is_an_unfinished_schedule(tmp_path):
    for name, last, ended in (("whole", 1000, True), ("half", 500, False)):
        steps = np.arange(50, last + 1, 50)
        rows = [(s, 1e-3 * (0.55 + 0.45 * np.cos(np.pi * s / 1000)), loss(s)) for s in steps]
        (run,) = read_logs(write(tmp_path, f"{name}.csv", ["step", "lr", "val_loss"], rows))
        assert run.ended is ended, name


def test_a_constant_rate_does_not_tell(tmp_path):
    rows = [(s, 1e-3, loss(s)) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "lr", "val_loss"], rows))
    assert run.ended is None


def test_the_calls_of_a_logger_are_no_steps_where_there_are_others(tmp_path):
    rows = [(i, s, loss(s)) for i, s in enumerate(STEPS)]
    (run,) = read_logs(write(tmp_path, "a.csv", ["_step", "train/global_step", "train/loss"], rows))
    np.testing.assert_array_equal(run.evaluations.get("loss", run.training).steps, STEPS)


def test_final_rows(tmp_path):
    header = ["name", "recipe", "params", "tokens", "lr", "loss_c4", "loss_pile", "state"]
    rows = [(f"r{i}", "muon" if i % 2 else "adamw", 1e6 * (i + 1), 2e7, 1e-3, 3.0 + i, 3.1 + i,
             "crashed" if i == 3 else "finished") for i in range(4)]  # fmt: skip
    logs = read_logs(write(tmp_path, "runs.csv", header, rows))
    assert [run.name for run in logs] == ["r0", "r1", "r2", "r3"]
    run = logs[1]
    assert (run.params, run.settings["recipe"], run.progress) == (2e6, "muon", "tokens")
    assert {name: series.values.tolist() for name, series in run.evaluations.items()} == {"c4": [4.0], "pile": [4.1]}
    assert run.ended is True
    assert logs[3].ended is False
    assert "crashed" in logs[3].failure


def test_a_sweep_without_names_is_rows_and_no_curve(tmp_path):
    rows = [(n, d, round(2 + 400 / n**0.34 + 2000 / d**0.37, 4)) for n in (1e7, 2e7, 4e7) for d in (1e9, 2e9, 4e9)]
    logs = read_logs(write(tmp_path, "runs.csv", ["params", "tokens", "loss"], rows))
    assert len(logs) == 9


def test_perplexities_and_bits_per_byte(tmp_path):
    rows = [(s, np.exp(loss(s)), 1.0) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "a.csv", ["step", "eval/c4/perplexity", "eval/c4/bpb"], rows))
    np.testing.assert_allclose(run.evaluations["c4"].values, loss(STEPS), rtol=1e-12)
    assert "other_unit_not_read" in codes(run)
    (run,) = read_logs(tmp_path / "a.csv", LogOptions(loss_unit="bits_per_byte"))
    assert run.loss_unit == "bits_per_byte"
    assert run.evaluations["c4"].values.tolist() == [1.0] * 10


def test_two_whole_runs_one_after_the_other_under_no_name(tmp_path):
    rows = [(s, loss(s) + seed) for seed in (0, 1) for s in STEPS]
    logs = read_logs(write(tmp_path, "two.csv", ["step", "val_loss"], rows))
    assert [run.name for run in logs] == ["two-1", "two-2"]
    assert "several_runs_in_file" in codes(logs[0])
    np.testing.assert_array_equal(logs[1].evaluations["validation"].values, loss(STEPS) + 1)


def test_a_run_that_was_begun_again_after_it_broke_off_is_one(tmp_path):
    rows = [(s, loss(s) + 1) for s in STEPS[:4]] + [(s, loss(s)) for s in STEPS]
    (run,) = read_logs(write(tmp_path, "one.csv", ["step", "val_loss"], rows))
    np.testing.assert_array_equal(run.evaluations["validation"].values, loss(STEPS))
    assert "restarted" in codes(run)


@pytest.mark.parametrize("orient", ["columns", "records", "split", "index", "under a key"])
def test_tables_of_final_rows_as_pandas_writes_them(tmp_path, orient):
    rows = {"params": [1e6, 2e6], "tokens": [2e7, 4e7], "loss": [3.5, 3.25]}
    listed = [dict(zip(rows, cells, strict=True)) for cells in zip(*rows.values(), strict=True)]
    whole = {
        "columns": {name: {str(i): cell for i, cell in enumerate(cells)} for name, cells in rows.items()},
        "records": listed,
        "split": {"columns": list(rows), "index": [0, 1], "data": [list(row.values()) for row in listed]},
        "index": {str(i): row for i, row in enumerate(listed)},
        "under a key": {"experiment": "a", "results": listed},
    }[orient]
    (tmp_path / "runs.json").write_text(json.dumps(whole))
    logs = read_logs(tmp_path / "runs.json")
    assert [run.params for run in logs] == [1e6, 2e6]
    assert [run.evaluations["loss"].values.tolist() for run in logs] == [[3.5], [3.25]]


def test_of_final_rows_with_a_loss_and_a_training_loss_the_loss_is_the_one(tmp_path):
    (run,) = read_logs(
        write(tmp_path, "runs.csv", ["run", "params", "tokens", "loss", "train_loss"], [("a", 1e6, 2e7, 3.5, 3.4)])
    )
    assert run.evaluations["loss"].values.tolist() == [3.5]
    assert run.training.values.tolist() == [3.4]


def test_columns_whose_names_mean_nothing_are_read_where_they_are_stated(tmp_path):
    file = write(tmp_path, "a.csv", ["when", "how_good"], [(s, loss(s)) for s in STEPS])
    with pytest.raises(InputError, match="none of a kind"):
        read_logs(file)
    (run,) = read_logs(file, LogOptions(columns={"step": "when", "loss": "how_good"}))
    np.testing.assert_array_equal(run.evaluations["how_good"].steps, STEPS)
