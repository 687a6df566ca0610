"""One driver a study; no part of it that isoflop writes may be a link, though the study may be reached by one."""

import os

import pytest
from runs.conftest import small_spec

from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder
from isoflop.runs.lock import LockedError, held, is_held
from isoflop.runs.run_index import RunIndex
from isoflop.study.lock import STUDY_PARTS, check_study_links, study_lock

NESTED = (
    "runs/0123456789ab",
    "runs/0123456789ab/metrics.jsonl",
    "runs/0123456789ab/attempts.jsonl",
    "runs/0123456789ab/result.json",
    "runs/0123456789ab/checkpoints",
    "runs/0123456789ab/checkpoints/step-00000010",
    "corpus/train.bin",
    "fits/sweep.json",
    "plans/final.json",
    "forecasts/final.json",
    "logs/worker-0.log",
    "tracked/lock",
    "tracked/tensorboard/a run",
)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "runs", small_spec())


@pytest.fixture
def outside(tmp_path):
    """A file and a folder that no study should touch."""
    (tmp_path / "outside" / "folder").mkdir(parents=True)
    (tmp_path / "outside" / "folder" / "thesis").write_text("years of work")
    (tmp_path / "outside" / "file").write_text("precious")
    yield tmp_path / "outside"
    assert (tmp_path / "outside" / "folder" / "thesis").read_text() == "years of work"
    assert (tmp_path / "outside" / "file").read_text() == "precious"
    assert sorted(os.listdir(tmp_path / "outside" / "folder")) == ["thesis"]


@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
@pytest.mark.parametrize("part", [*STUDY_PARTS, *NESTED])
def test_a_study_that_leads_out_by_a_link_is_refused_before_anything_is_written(tmp_path, outside, part, kind):
    place = tmp_path / "study" / part
    place.parent.mkdir(parents=True)
    place.symlink_to(outside / kind)
    before = sorted(os.walk(tmp_path / "study"))
    with (
        pytest.raises(InputError, match="is a link to .*and isoflop follows none here"),
        study_lock(tmp_path / "study"),
    ):
        pass
    assert sorted(os.walk(tmp_path / "study")) == before
    assert not (outside / "nothing").exists()


def test_the_study_and_what_is_above_it_may_be_reached_by_links(tmp_path):
    (tmp_path / "disk" / "studies" / "mine").mkdir(parents=True)
    (tmp_path / "scratch").symlink_to(tmp_path / "disk")
    (tmp_path / "mine").symlink_to(tmp_path / "scratch" / "studies" / "mine")
    with study_lock(tmp_path / "mine"):
        run = RunFolder.create(tmp_path / "mine" / "runs", small_spec())
        with run.lock():
            run.record_attempt(0)
    assert (tmp_path / "disk/studies/mine/runs" / run.run_id / "attempts.jsonl").exists()


def test_a_link_that_is_no_part_of_the_study_is_left_alone(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes").symlink_to(tmp_path)
    with study_lock(tmp_path / "study"):
        assert (tmp_path / "study" / "notes").readlink() == tmp_path


def test_looking_leaves_the_files_of_runs_out(tmp_path):
    (tmp_path / "runs" / "0123456789ab").mkdir(parents=True)
    (tmp_path / "runs" / "0123456789ab" / "metrics.jsonl").symlink_to("/nowhere")
    check_study_links(tmp_path, whole=False)
    (tmp_path / "runs" / "ba9876543210").symlink_to("/nowhere")
    with pytest.raises(InputError, match="ba9876543210: is a link"):
        check_study_links(tmp_path, whole=False)


@pytest.mark.parametrize(
    "name", ["lock", "attempts.jsonl", "metrics.jsonl", "heartbeat.json", "result.json", "checkpoints"]
)
def test_a_trainer_takes_no_run_folder_with_a_link(folder, outside, name):
    (folder.path / name).symlink_to(outside / "file")
    with pytest.raises(InputError, match="is a link"), folder.lock():
        pass


def test_what_is_appended_goes_through_no_link_even_where_nobody_looked(folder, outside):
    for path, write in (
        (folder.attempts_file, lambda: folder.record_attempt(0)),
        (folder.metrics, lambda: folder.append_metrics([{"step": 1}])),
        (folder.heartbeat, lambda: folder.beat(step=1, tokens=1, train_loss_nats=None, always=True)),
    ):
        path.symlink_to(outside / "file")
        with pytest.raises(InputError, match="is a link"):
            write()


def test_locks_are_not_taken_through_links(tmp_path, outside):
    (tmp_path / "lock").symlink_to(outside / "file")
    with pytest.raises(InputError, match="is a link"), held(tmp_path / "lock", "it"):
        pass
    with pytest.raises(InputError, match="is a link"):
        is_held(tmp_path / "lock")


def test_a_run_folder_that_is_a_link_is_given_no_spec(tmp_path, outside):
    spec = small_spec()
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / spec.run_id).symlink_to(outside / "folder")
    with pytest.raises(InputError, match="is a link"):
        RunFolder.create(tmp_path / "runs", spec)


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_the_run_index_is_written_through_no_link(tmp_path, folder, outside, suffix):
    run_index, place = RunIndex(tmp_path / "study.db"), tmp_path / f"study.db{suffix}"
    run_index.record(folder)
    place.unlink(missing_ok=True)
    place.symlink_to(outside / "file")
    with pytest.raises(InputError, match="is a link"):
        run_index.record(folder)


def test_two_drivers_on_one_study(tmp_path, monkeypatch):
    monkeypatch.setattr("isoflop.runs.lock.LOCK_TIMEOUT_SECONDS", 0.05)
    study = tmp_path / "study"
    busy = pytest.raises(InputError, match=rf"process {os.getpid()} on .* is working on it")
    with study_lock(study), busy as caught, study_lock(study):
        pass
    assert not isinstance(caught.value, LockedError)
    with study_lock(study):
        pass
