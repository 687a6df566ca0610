import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from isoflop.errors import InputError
from isoflop.runs import folder as folder_module
from isoflop.runs.folder import RunFolder, run_folders

from .conftest import result_of, small_spec


def test_create_writes_the_spec_and_twice_is_fine(tmp_path):
    spec = small_spec()
    folder = RunFolder.create(tmp_path / "runs", spec)
    folder.record_attempt(0)
    assert RunFolder.create(tmp_path / "runs", spec) == folder
    assert folder.run_id == spec.run_id
    assert folder.read_spec() == spec
    assert len(folder.attempts()) == 1
    assert [entry.name for entry in (tmp_path / "runs").iterdir()] == [spec.run_id]


def test_create_by_many_at_once_leaves_one_whole_folder(tmp_path):
    spec = small_spec()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: RunFolder.create(tmp_path, spec), range(32)))
    assert len(set(made)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [spec.run_id]


def test_create_adds_the_spec_to_a_folder_that_lacks_it(tmp_path):
    spec = small_spec()
    (tmp_path / spec.run_id).mkdir()
    (tmp_path / spec.run_id / "trainer.log").write_text("old\n")
    assert RunFolder.create(tmp_path, spec).read_spec() == spec
    assert (tmp_path / spec.run_id / "trainer.log").read_text() == "old\n"


def test_an_edited_spec_is_named(tmp_path):
    spec = small_spec()
    folder = RunFolder.create(tmp_path, spec)
    value = json.loads(folder.spec.read_text())
    folder.spec.write_text(json.dumps({**value, "seed": 7}))
    with pytest.raises(InputError, match="edited"):
        RunFolder.create(tmp_path, spec)


def test_run_folders_skips_what_is_none(tmp_path):
    assert run_folders(tmp_path / "absent") == ()
    folder = RunFolder.create(tmp_path, small_spec())
    (tmp_path / "notes").mkdir()
    (tmp_path / ".half.tmp").mkdir()
    assert run_folders(tmp_path) == (folder,)


def test_result_is_none_then_read_then_corrupt(folder):
    assert folder.read_result() is None
    folder.write_result(result_of(folder))
    assert folder.read_result() == result_of(folder)
    folder.result.write_text(folder.result.read_text()[:40])
    with pytest.raises(InputError, match=r"result\.json: not JSON"):
        folder.read_result()
    folder.result.write_text("{}")
    with pytest.raises(InputError, match=r"result\.json: result: \d+ problems"):
        folder.read_result()


def test_status_goes_through_its_stations(folder):
    assert folder.status() == "waiting"
    with folder.lock():
        folder.record_attempt(0)
        assert folder.status() == "running"
    assert folder.status() == "interrupted"
    folder.write_result(result_of(folder))
    assert folder.status() == "done"
    folder.write_result(result_of(folder, status="failed", reason="diverged", message="at step 3"))
    assert folder.status() == "failed"


def test_lock_sweeps_half_written_files_of_the_dead(folder):
    leftover = folder.path / ".result.json.999.tmp"
    leftover.write_text("{")
    with folder.lock():
        assert not leftover.exists()


def test_attempts_survive_a_torn_line(folder):
    folder.record_attempt(0)
    with open(folder.attempts_file, "a") as file:
        file.write('{"started": 17')
    folder.record_attempt(5)
    assert [attempt.from_step for attempt in folder.attempts()] == [0, 5]
    assert folder.attempts()[0].pid == os.getpid()


def test_heartbeat_is_throttled_and_keeps_no_nan(folder, monkeypatch):
    assert folder.read_heartbeat() is None
    folder.beat(step=1, tokens=64, train_loss_nats=float("nan"))
    folder.beat(step=2, tokens=128, train_loss_nats=2.0)
    assert folder.read_heartbeat().step == 1
    assert folder.read_heartbeat().train_loss_nats is None
    folder.beat(step=3, tokens=192, train_loss_nats=2.0, always=True)
    assert folder.read_heartbeat().step == 3
    os.utime(folder.heartbeat, (time.time() - 2, time.time() - 2))
    folder.beat(step=4, tokens=256, train_loss_nats=2.0)
    assert folder.read_heartbeat().step == 4
    # the clock is set back by an hour: beats go on
    now = time.time()
    monkeypatch.setattr(folder_module.time, "time", lambda: now - 3600)
    folder.beat(step=5, tokens=320, train_loss_nats=2.0)
    assert folder.read_heartbeat().step == 5
    folder.heartbeat.write_text("")
    assert folder.read_heartbeat() is None


def test_metrics_skip_a_torn_line_and_the_next_is_whole(folder):
    assert folder.read_metrics().lines == ()
    folder.append_metrics([{"step": 1, "train_loss_nats": 3.0}, {"step": 2, "train_loss_nats": float("inf")}])
    with open(folder.metrics, "a") as file:
        file.write('{"step": 3, "tra')
    folder.append_metrics([{"step": 4, "val_loss_nats": {"a": float("nan")}}])
    found = folder.read_metrics()
    assert [line["step"] for line in found.lines] == [1, 2, 4]
    assert found.skipped == 1
    assert found.lines[1]["train_loss_nats"] is None
    assert found.lines[2]["val_loss_nats"] == {"a": None}


def test_truncate_keeps_what_the_checkpoint_knows(folder):
    folder.truncate_metrics(5)
    assert not folder.metrics.exists()
    folder.append_metrics({"step": step} for step in range(1, 9))
    with open(folder.metrics, "a") as file:
        file.write("\x00\x00[1]\n[2]\n{")
    folder.truncate_metrics(5)
    found = folder.read_metrics()
    assert [line["step"] for line in found.lines] == [1, 2, 3, 4, 5]
    assert found.skipped == 0
    before = folder.metrics.stat().st_ino
    folder.truncate_metrics(5)  # nothing to drop: not rewritten
    assert folder.metrics.stat().st_ino == before


def test_no_folder_no_lock(tmp_path):
    with pytest.raises(InputError, match="no such run folder"), RunFolder(tmp_path / "nowhere").lock():
        pass
