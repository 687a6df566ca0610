import csv
import gzip
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from shared_data import shared

from isoflop.errors import InputError, RefusedError
from isoflop.fit.mixed_conditions import telling_columns
from isoflop.observations import read_observations

ROWS = [{"params": 1e8, "tokens": 2e9, "val_loss": 3.2}, {"params": 3e8, "tokens": 6e9, "val_loss": 2.9}]


def write(path: Path) -> Path:
    lines = "\n".join(json.dumps(row) for row in ROWS) + "\n"
    if path.name.endswith(".csv"):
        path.write_text("params,tokens,val_loss\n" + "\n".join(",".join(map(str, row.values())) for row in ROWS) + "\n")
    elif path.name.endswith(".jsonl.gz"):
        path.write_bytes(gzip.compress(lines.encode()))
    elif path.name.endswith(".jsonl"):
        path.write_text(lines)
    else:
        path.write_text(json.dumps(ROWS))
    return path


@pytest.mark.parametrize("name", ["runs.csv", "runs.jsonl", "runs.jsonl.gz", "runs.json"])
def test_every_kind_gives_the_same_table(tmp_path, name):
    made = read_observations(write(tmp_path / name))
    assert made.N.tolist() == [1e8, 3e8]
    assert made.loss.tolist() == [3.2, 2.9]


def test_columns_may_be_named(tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("size of it,tokens,val_loss\n1e8,2e9,3\n")
    with pytest.raises(InputError, match="two of N, D and C"):
        read_observations(path)
    assert read_observations(path, columns={"N": "size of it"}).N[0] == 1e8
    with pytest.raises(InputError, match="N=nowhere"):
        read_observations(path, columns={"N": "nowhere"})


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n{broken\n")
    with pytest.raises(InputError, match="line 2"):
        read_observations(path)


@pytest.mark.parametrize(
    ("name", "text"), [("a.csv", ""), ("a.csv", "params,tokens,loss\n"), ("a.txt", "x"), ("a.json", "{}")]
)
def test_files_that_are_no_table(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match="expected"):
        read_observations(path)
    with pytest.raises(InputError, match="expected a table of runs .*, found a folder; name the file in it"):
        read_observations(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_observations(tmp_path / "missing.csv")


def test_parquet_without_pyarrow_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="pip install"):
        read_observations(path)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as parquet

    parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "runs.parquet")
    assert read_observations(tmp_path / "runs.parquet").N.tolist() == [1e8, 3e8]


def kinds(made):
    return dict(Counter(item.code for item in made.dropped))


def columns(made):
    return {field: choice.column for field, choice in made.source.columns.items()}


class TestPublishedTables:
    """The raw files of published experiments: which rows and columns are read, what is dropped, what is reported."""

    def test_the_points_of_a_figure(self):
        made = read_observations(shared("chinchilla_svg/svg_extracted_data.csv"))
        assert (len(made), made.dropped, made.notices) == (245, (), ())
        assert columns(made) == {"params": "Model Size", "flops": "Training FLOP", "loss": "loss"}
        assert pytest.approx(made.C / (6 * made.N)) == made.D

    @pytest.mark.parametrize(("name", "rows", "runs"), [("hot", 220, 22), ("cool_end", 199, 20), ("hot_477", 1100, 22)])
    def test_checkpoints_of_runs(self, name, rows, runs):
        made = read_observations(shared(f"gemstones/wandb_df_for_fitting_{name}.jsonl"))
        assert (len(made), made.dropped, len(set(made.run_id))) == (rows, (), runs)
        assert columns(made) == {
            "params": "params_active_precise", "tokens": "tokens", "loss": "final_loss", "run_id": "run_name",
            "step": "step",
        }  # fmt: skip
        assert pytest.approx(6 * made.N * made.D, rel=1e-15) == made.C
        assert [notice.code for notice in made.notices] == ["checkpoints_of_runs"]

    def test_flops_next_to_parameters_and_tokens(self):
        made = read_observations(shared("gemstones/wandb_df_for_fitting_slim_chinchilla.jsonl"))
        assert (len(made), made.dropped, made.notices) == (28, (), ())
        assert made.source.flops_check.source == "column"
        assert made.source.flops_check.ratio_to_6nd == pytest.approx([1, 1, 1], abs=1e-9)

    @pytest.mark.parametrize(
        ("dataset", "file", "row", "rows", "dropped"),
        [("rw", "summary_df", 0, 107, 1), ("rw", "summary_df", 4, 121, 0), ("owt2", "summary_df_owt2", 3, 88, 0),
         ("rw", "summary_df_att", 2, 106, 0), ("rw", "summary_df_kaplan_tuned_hparams", 0, 104, 1)],
    )  # fmt: skip
    def test_one_condition_of_many(self, dataset, file, row, rows, dropped):
        path = shared("porian/isoflop_points.csv")
        made = read_observations(path, where=[f"dataset={dataset}", f"file={file}", f"row={row}"])
        assert (len(made), len(made.dropped)) == (rows, dropped)
        assert made.rows_read == 1748 == made.filtered + rows + dropped
        assert columns(made) == {"params": "orig_n", "tokens": "orig_t", "flops": "flops", "loss": "orig_loss"}
        assert all("N (params) is missing" in item.reason for item in made.dropped)
        assert made.notices == ()

    def test_all_conditions_at_once_are_remarked(self):
        made = read_observations(shared("porian/isoflop_points.csv"))
        assert kinds(made) == {"bad_value": 3, "worse_setting": 1121}
        assert [notice.code for notice in made.notices] == ["best_of_settings"]
        assert (
            "486 of 624 design points (same N and D) were run at 2 to 4 settings ('hparams', 'warmup', 'decay')"
            in made.notices[0].message
        )

    def test_optima(self):
        made = read_observations(shared("porian/optimal_pairs.csv"), optima=True, where=["file=summary_df", "row=4"])
        assert (len(made), made.dropped) == (12, ())
        assert columns(made) == {"params": "n", "flops": "flops", "loss": "loss"}

    def test_one_of_eight_losses(self):
        path = shared("overtraining/models_104.csv")
        with pytest.raises(InputError, match="8 columns could be the loss"):
            read_observations(path)
        loss = "loss[c4_val/shard-{0000000..0000010}.tar]"
        made = read_observations(path, columns={"loss": loss}, where=["dataset_name=rpj"])
        assert (len(made), made.dropped, made.filtered) == (35, (), 69)
        assert {key: columns(made)[key] for key in ("params", "tokens", "loss", "run_id", "peak_lr")} == {
            "params": "params", "tokens": "tokens", "loss": loss, "run_id": "name", "peak_lr": "lr",
        }  # fmt: skip
        assert [notice.code for notice in made.notices] == ["several_columns"]
        without = read_observations(path, columns={"loss": loss, "params": "params_no_embed"}, keep_all=True)
        assert (len(without), without.params_convention) == (104, "non_embedding")
        mixed = read_observations(path, columns={"loss": loss})
        assert len(mixed) == 104, "losses of models of different text are no settings of one point"
        assert telling_columns(mixed) == ("dataset_name",)

    def test_curves_of_one_length(self):
        path = shared("routed_lm/curves.csv.gz")
        with pytest.raises(InputError, match="6 columns could be the loss"):
            read_observations(path)
        with pytest.raises(RefusedError, match=r"all 223 runs end at step 248,000 to 250,000.*B and beta") as caught:
            read_observations(path, columns={"loss": "loss_validation"})
        assert caught.value.code == "one_horizon"
        dense = {"columns": {"loss": "loss_pile", "tokens": "130e9"}, "where": ["router_type=Dense"], "keep_all": True}
        made = read_observations(path, **dense)
        assert made.rows_read - made.filtered == 339
        assert (len(made), kinds(made)) == (12, {"earlier_checkpoint": 325, "bad_value": 2})
        made = read_observations(path, columns={"loss": "loss_pile", "tokens": "130e9"}, keep_all=True)
        # 15 losses of this column are NaN, five of them in the last row of a run
        assert kinds(made)["bad_value"] == 15
        assert len(made) == 223 - sum(item.code == "bad_value" and item.row in last_rows(path) for item in made.dropped)


def last_rows(path):
    """Numbers of the last row of each run of the routed language models."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    steps = {}
    for number, row in enumerate(rows, start=1):
        best = steps.get(row["hyper_id"], (-1, 0))
        steps[row["hyper_id"]] = max(best, (int(row["step"]), number))
    return {number for _, number in steps.values()}


def test_rows_are_not_read_one_by_one(tmp_path):
    """A Python function a row made 100,000 rows take 2.8 s; bench/fit/options.py has the times."""
    rng = np.random.default_rng(0)
    rows = 5000
    N = np.exp(rng.uniform(np.log(1e7), np.log(1e10), rows))
    D = N * np.exp(rng.uniform(np.log(2), np.log(200), rows))
    table = np.column_stack([np.arange(rows), N, D, 6 * N * D, 1.8 + 480 / N**0.35 + 2000 / D**0.37])
    np.savetxt(tmp_path / "a.csv", table, fmt="%.8g", delimiter=",", header="id,params,tokens,flops,loss", comments="")
    read_observations(tmp_path / "a.csv")  # what is imported on the way is no reading
    calls = Counter()
    sys.setprofile(lambda frame, event, argument: calls.update([event]))
    try:
        made = read_observations(tmp_path / "a.csv")
    finally:
        sys.setprofile(None)
    assert len(made) == rows
    assert calls["call"] < 4 * rows  # generator expressions count as calls; the old reader made 30 a row
