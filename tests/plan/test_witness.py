"""The digest in a file or a git note of the user's, and what does not count as one."""

import os
import subprocess

import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.plan import seal
from isoflop.plan.witness import GIT, add_witness, check_witness
from plan.forecasts import forecast


@pytest.fixture
def sealed(tmp_path):
    return seal(tmp_path / "forecasts" / "final.json", forecast())


def test_a_file_is_added_to_and_looked_up(tmp_path, sealed):
    path = tmp_path / "notes.txt"
    path.write_text("my own line, without an end")
    added = add_witness(sealed, str(path))
    assert added.added
    lines = path.read_text().splitlines()
    assert lines[0] == "my own line, without an end"
    assert lines[1].startswith(f"{sealed.digest}  isoflop forecast of run 0123456789ab, sealed 20")
    found = check_witness(sealed, str(path))
    assert (found.added, found.place, found.line) == (False, f"{path}, line 2", lines[1])
    assert not add_witness(sealed, str(path)).added
    assert path.read_text().splitlines() == lines


def test_another_forecast_is_not_there(tmp_path, sealed):
    path = tmp_path / "notes.txt"
    add_witness(sealed, str(path))
    other = seal(tmp_path / "other.json", forecast(loss=1.51))
    with pytest.raises(RefusedError, match=other.digest) as refused:
        check_witness(other, str(path))
    assert refused.value.code == "not_witnessed"
    with pytest.raises(RefusedError):
        check_witness(sealed, str(tmp_path / "none.txt"))


def test_a_digest_within_a_line_does_not_count(tmp_path, sealed):
    path = tmp_path / "notes.txt"
    path.write_text(f"not {sealed.digest}\n{sealed.digest}0\n")
    with pytest.raises(RefusedError):
        check_witness(sealed, str(path))


def test_what_is_no_file_is_neither_read_nor_written(tmp_path, sealed):
    target = tmp_path / "target.txt"
    target.write_text("kept")
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", "forecasts"):
        with pytest.raises(InputError, match="expected a file of lines"):
            add_witness(sealed, str(tmp_path / name))
    assert target.read_text() == "kept"
    with pytest.raises(InputError):
        add_witness(sealed, str(tmp_path / "no folder" / "notes.txt"))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of a person's, and the working folder."""
    if subprocess.run(["git", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("git is not installed")
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        monkeypatch.setenv(name, "A Person")
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(name, "person@example.org")
    git("init", "-q")
    return folder


def git(*arguments):
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=True).stdout


def test_a_git_note_of_head(repository, sealed):
    git("commit", "-q", "--allow-empty", "-m", "begun")
    git("notes", "--ref=isoflop", "add", "-m", "a note of my own")
    added = add_witness(sealed, GIT)
    head = git("rev-parse", "HEAD").strip()
    assert (added.added, head in added.place) == (True, True)
    assert sealed.digest in git("notes", "--ref=isoflop", "show")
    assert "a note of my own" in git("notes", "--ref=isoflop", "show")
    git("commit", "-q", "--allow-empty", "-m", "later")  # it is found wherever HEAD stands
    found = check_witness(sealed, GIT)
    assert (found.added, found.line) == (False, added.line)
    assert f"commit {head}, written 20" in found.place
    assert not add_witness(sealed, GIT).added
    assert git("status", "--porcelain") == ""


def test_a_repository_must_have_a_commit(repository, sealed):
    with pytest.raises(InputError, match="with a commit to bear the note"):
        add_witness(sealed, GIT)


def test_a_folder_without_a_repository(tmp_path, monkeypatch, sealed, repository):
    outside = tmp_path / "outside"
    outside.mkdir()
    monkeypatch.chdir(outside)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for call in (add_witness, check_witness):
        with pytest.raises(InputError, match="not a git repository"):
            call(sealed, GIT)


def test_another_forecast_is_in_no_note(repository, sealed, tmp_path):
    git("commit", "-q", "--allow-empty", "-m", "begun")
    with pytest.raises(RefusedError, match="refs/notes/isoflop"):
        check_witness(sealed, GIT)
