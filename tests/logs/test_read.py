"""Folders of logs, links, other files, and what is not read."""

import os

import pytest

from isoflop.errors import InputError
from isoflop.logs import read, read_logs

CURVE = "step,val_loss\n" + "".join(f"{s},{4 - s / 1000}\n" for s in range(100, 600, 100))


def test_a_folder_of_files_and_folders(tmp_path):
    (tmp_path / "b.csv").write_text(CURVE.replace("3.5", "3.51"))
    (tmp_path / "a" / "run-1").mkdir(parents=True)
    (tmp_path / "a" / "run-1" / "metrics.csv").write_text(CURVE)
    (tmp_path / "README.md").write_text("Runs, losses and more: see below.\n")
    (tmp_path / "weights.bin").write_bytes(bytes(range(256)) * 10)
    logs = read_logs(tmp_path)
    assert [run.name for run in logs] == ["run-1", "b"]
    assert [notice.code for notice in logs.notices] == ["no_logs"]


def test_several_paths_in_one_call_and_names_that_clash(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.csv").write_text(CURVE)
    logs = read_logs([tmp_path / "x", tmp_path / "y" / "a.csv"])
    assert len({run.name for run in logs}) == 2
    logs = read_logs(tmp_path)
    assert [run.name for run in logs] == ["x/a.csv:a", "y/a.csv:a"]


def test_links_are_not_followed(tmp_path):
    (tmp_path / "a.csv").write_text(CURVE)
    (tmp_path / "latest.csv").symlink_to(tmp_path / "a.csv")
    (tmp_path / "loop").symlink_to(tmp_path)
    logs = read_logs(tmp_path)
    assert [run.name for run in logs] == ["a"]
    assert "links_not_followed" in {notice.code for notice in logs.notices}


def test_a_named_link_is_followed(tmp_path):
    (tmp_path / "a.csv").write_text(CURVE)
    (tmp_path / "latest.csv").symlink_to(tmp_path / "a.csv")
    assert len(read_logs(tmp_path / "latest.csv")) == 1


def test_a_damaged_log_in_a_folder_is_named_and_the_others_are_read(tmp_path):
    (tmp_path / "a.csv").write_text(CURVE)
    (tmp_path / "b.csv").write_text(CURVE + "600,3.0,7\n")
    logs = read_logs(tmp_path)
    assert len(logs) == 1
    (notice,) = [notice for notice in logs.notices if notice.code == "logs_not_read"]
    assert "b.csv" in notice.message
    with pytest.raises(InputError, match="row 6"):
        read_logs(tmp_path / "b.csv")


@pytest.mark.parametrize("make", ["nothing", "empty folder", "no log", "pipe"])
def test_what_is_no_log(tmp_path, make):
    path = tmp_path / "x"
    if make == "empty folder":
        path.mkdir()
    elif make == "no log":
        path.write_text("hello\n")
    elif make == "pipe":
        os.mkfifo(path)
    with pytest.raises(InputError, match="expected"):
        read_logs(path)


def test_a_pipe_in_a_folder_does_not_hold_the_reading(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.csv").write_text(CURVE)
    assert len(read_logs(tmp_path)) == 1


def test_a_folder_of_very_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(read, "MOST_ENTRIES", 50)
    for i in range(60):
        (tmp_path / f"{i}.txt").touch()
    with pytest.raises(InputError, match="more than 50 files"):
        read_logs(tmp_path)
