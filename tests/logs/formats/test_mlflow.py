"""MLflow's stores: files and a database; deleted and failed runs, restarts by time, what is no store."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs

DATABASE = Path(__file__).parents[2] / "golden" / "logs" / "mlflow_database" / "toy" / "mlflow.db"


def stored(root, name="a", *, status=3, stage="active", metrics=None, params=None, experiment="1"):
    """A run in the file store."""
    folder = root / "mlruns" / experiment / f"{name}0123"
    for inner in ("metrics", "params", "tags"):
        (folder / inner).mkdir(parents=True)
    (folder.parent / "meta.yaml").write_text(f"experiment_id: '{experiment}'\nlifecycle_stage: active\nname: e\n")
    meta = {"lifecycle_stage": stage, "run_id": f"{name}0123", "run_name": name, "status": status}
    (folder / "meta.yaml").write_text("".join(f"{key}: {value}\n" for key, value in meta.items()))
    for metric, lines in (metrics or {"train/loss": "1 5.0 10\n2 4.0 20\n"}).items():
        (folder / "metrics" / metric).parent.mkdir(parents=True, exist_ok=True)
        (folder / "metrics" / metric).write_text(lines)
    for param, text in (params or {}).items():
        (folder / "params" / param).write_text(text)
    return folder


def test_store_experiment_and_run_are_each_read(tmp_path):
    folder = stored(tmp_path, params={"params": "1000000", "optim.lr": "0.1", "name": "adamw"})
    stored(tmp_path, "b", experiment="2")
    assert sorted(run.name for run in read_logs(tmp_path / "mlruns")) == ["a", "b"]
    assert [run.name for run in read_logs(folder.parent)] == ["a"]
    (run,) = read_logs(folder)
    assert run.settings == {"params": 1e6, "optim.lr": 0.1, "name": "adamw"}
    assert run.params == 1e6
    assert run.training.values.tolist() == [5.0, 4.0]


def test_tags_of_a_program_are_settings_and_mlflows_own_are_not(tmp_path):
    folder = stored(tmp_path, params={"optimizer": "adamw"})
    for name, text in {"recipe": "wide", "mlflow.user": "someone", "optimizer": "another"}.items():
        (folder / "tags" / name).write_text(text)
    (run,) = read_logs(tmp_path)
    assert run.settings == {"recipe": "wide", "optimizer": "adamw"}


def test_deleted_runs_are_left_out_and_failed_ones_say_so(tmp_path):
    stored(tmp_path, "gone", stage="deleted")
    stored(tmp_path, "broken", status=4)
    stored(tmp_path, "killed", status=5)
    stored(tmp_path, "running", status=1)
    failures = {run.name: run.failure.partition(":")[0] for run in read_logs(tmp_path)}
    assert failures == {"broken": "crashed", "killed": "stopped", "running": ""}


def test_metrics_are_in_the_order_of_their_times(tmp_path):
    stored(
        tmp_path,
        metrics={
            "train/loss": "1 5.0 10\n4 4.0 20\n7 3.0 30\n11 3.5 20\n13 2.5 30\n",
            "val/loss": "2 5.5 10\n5 4.5 20\n8 3.25 30\n12 3.75 20\n",  # the one at 30 is of the branch given up
        },
    )
    (run,) = read_logs(tmp_path)
    assert run.training.values.tolist() == [5.0, 3.5, 2.5]
    assert run.evaluations["validation"].values.tolist() == [5.5, 3.75]


def test_the_data_set_behind_a_step_is_passed_over_and_a_torn_line_left_out(tmp_path):
    stored(tmp_path, metrics={"val/loss": "1 5.0 10 c4 digest\n2 4.0 20 c4 digest\n3 3."})
    (run,) = read_logs(tmp_path)
    assert run.evaluations["validation"].values.tolist() == [5.0, 4.0]


def test_a_broken_line_in_the_middle_is_an_error(tmp_path):
    folder = stored(tmp_path, metrics={"val/loss": "1 5.0 10\nx y z\n3 3.0 30\n"})
    with pytest.raises(InputError, match="line 2"):
        read_logs(folder)


def test_links_in_a_store_are_not_followed(tmp_path):
    folder = stored(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("9 1.0 30\n")
    (folder / "metrics" / "val_loss").symlink_to(secret)
    (folder / "params" / "key").symlink_to(secret)
    (folder.parent / "linked").symlink_to(folder)
    (run,) = read_logs(tmp_path / "mlruns")
    assert (run.evaluations, run.settings) == ({}, {})


def test_the_database_has_what_the_library_logged_and_is_not_written(tmp_path):
    copy = shutil.copy(DATABASE, tmp_path / "mlflow.db")
    before = Path(copy).read_bytes()
    (run,) = read_logs(copy)
    assert run.settings["optimizer"] == "adamw"
    assert Path(copy).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def changed(tmp_path, *statements):
    copy = tmp_path / "mlflow.db"
    shutil.copy(DATABASE, copy)
    database = sqlite3.connect(copy)
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()
    return copy


def test_marks_in_the_database(tmp_path):
    (run,) = read_logs(changed(tmp_path, "INSERT INTO tags SELECT 'recipe', 'wide', run_uuid FROM runs"))
    assert run.settings["recipe"] == "wide"
    (run,) = read_logs(changed(tmp_path, "UPDATE metrics SET value = 0, is_nan = 1 WHERE step = 50"))
    assert "diverged" in run.failure
    (run,) = read_logs(changed(tmp_path, "UPDATE runs SET status = 'FAILED'"))
    assert run.failure.startswith("crashed")
    assert len(read_logs(changed(tmp_path, "UPDATE runs SET lifecycle_stage = 'deleted'"))) == 0


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE metrics RENAME TO m", "CREATE VIEW metrics AS SELECT * FROM m"),
        ("DROP TABLE params",),
        ("DROP TABLE runs", "CREATE TABLE runs (a)"),
    ],
)
def test_a_database_of_another_kind_is_no_log(tmp_path, statements):
    with pytest.raises(InputError, match="none of a kind that is known"):
        read_logs(changed(tmp_path, *statements))


def test_a_damaged_database_is_one_message(tmp_path):
    data = bytearray(DATABASE.read_bytes())
    data[2048:] = bytes(len(data) - 2048)
    (tmp_path / "mlflow.db").write_bytes(data)
    with pytest.raises(InputError):
        read_logs(tmp_path / "mlflow.db")
