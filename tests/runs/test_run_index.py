import os
import sqlite3
import subprocess
import sys

import pytest

from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder
from isoflop.runs.run_index import COLUMNS, RunIndex
from isoflop.spec import RunSpec

from .conftest import result_of, small_spec


@pytest.fixture
def folders(tmp_path):
    """A run in each state: waiting, interrupted, done, failed."""
    made = [RunFolder.create(tmp_path / "runs", small_spec(seed=seed)) for seed in range(4)]
    for folder in made[1:]:
        folder.record_attempt(0)
    made[2].write_result(result_of(made[2], val_loss_nats=0.1 + 0.2))
    unknown = dict.fromkeys(("train_loss_nats", "val_loss_nats", "val_loss_se", "bits_per_byte"))
    failed = {"status": "failed", "reason": "diverged", "message": "nan", "domains": {}, "flops": {}}
    made[3].write_result(result_of(made[3], **failed, **unknown))
    return made


@pytest.fixture
def run_index(tmp_path, folders):
    run_index = RunIndex(tmp_path / "study.db")
    for folder in folders:
        run_index.record(folder)
    return run_index


def test_rows_hold_what_the_folders_say(run_index, folders):
    rows = {row["run_id"]: row for row in run_index.rows()}
    assert [rows[folder.run_id]["status"] for folder in folders] == ["waiting", "interrupted", "done", "failed"]
    assert [rows[folder.run_id]["attempts"] for folder in folders] == [0, 1, 1, 1]
    done, failed = rows[folders[2].run_id], rows[folders[3].run_id]
    assert done["val_loss_nats"] == 0.1 + 0.2  # bit for bit
    assert done["domains"]["a"]["tokens"] == 64
    assert done["flops_matmul"] == 1.5e9
    assert done["flops_palm_mfu"] is None
    assert done["budget_flops"] == 1e9
    assert done["tied_embedding"] is False
    assert done["schedule"]["kind"] == "cosine"
    assert (failed["reason"], failed["val_loss_nats"], failed["flops_matmul"]) == ("diverged", None, None)
    assert rows[folders[0].run_id]["params_total"] == folders[0].read_spec().architecture.params().total


def test_rows_come_by_id_with_all_columns(run_index):
    rows = run_index.rows()
    assert [row["run_id"] for row in rows] == sorted(row["run_id"] for row in rows)
    assert all(list(row) == list(COLUMNS) for row in rows)


def test_every_field_of_a_spec_is_in_a_column():
    assert set(RunSpec.__dataclass_fields__) - {"architecture", "schema"} <= set(COLUMNS)


def test_recording_again_replaces_the_row(run_index, folders):
    folders[0].record_attempt(0)
    folders[0].write_result(result_of(folders[0]))
    run_index.record(folders[0])
    assert len(run_index.rows()) == 4
    assert sum(row["status"] == "done" for row in run_index.rows()) == 2


def test_reindex_gives_exactly_the_same_rows(run_index, tmp_path):
    rows = run_index.rows()
    run_index.reindex()
    assert run_index.rows() == rows
    other = RunIndex(tmp_path / "elsewhere" / "study.db")
    other.reindex(tmp_path / "runs")
    assert other.rows() == rows


def test_reindex_forgets_what_has_no_folder(run_index, folders):
    folders[0].spec.unlink()
    run_index.reindex()
    assert folders[0].run_id not in {row["run_id"] for row in run_index.rows()}


@pytest.mark.parametrize("damage", ["missing", "garbage", "empty", "truncated", "other version", "other table"])
def test_a_missing_or_corrupt_file_is_rebuilt(run_index, damage):
    rows, path = run_index.rows(), run_index.path
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(os.urandom(5000))
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99" if damage == "other version" else "DROP TABLE runs")
        db.close()
    assert run_index.rows() == rows
    assert run_index.rows() == rows


def test_it_is_in_wal_mode_and_read_while_written(run_index, folders):
    assert sqlite3.connect(run_index.path).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer = sqlite3.connect(run_index.path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM runs")
    assert len(run_index.rows()) == 4
    writer.execute("ROLLBACK")
    writer.close()


def test_a_killed_writer_leaves_a_whole_table(run_index, folders, tmp_path):
    rows = run_index.rows()
    code = (
        "import sys; from pathlib import Path; from isoflop.runs.run_index import RunIndex\n"
        "run_index = RunIndex(Path(sys.argv[1])); print('go', flush=True)\n"
        "while True: run_index.reindex()"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run_index.path)], stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        for _ in range(20):
            assert run_index.rows() == rows
        writer.kill()
    assert run_index.rows() == rows


def test_corrupt_folders_are_named_all_at_once(run_index, folders):
    folders[2].result.write_text("{")
    folders[3].result.write_text("{")
    with pytest.raises(InputError, match="run folders: 2 problems") as caught:
        run_index.reindex()
    assert str(folders[2].result) in str(caught.value)
    assert len(run_index.rows()) == 4  # what was there stays
