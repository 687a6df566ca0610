import os
import stat
import time

import pytest

from isoflop.errors import InputError
from isoflop.state_folder import RETENTION_DAYS, fresh_folder, private_folder, state_home


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "isoflop"


def test_it_lies_where_the_user_says_or_in_the_home_folder(home, tmp_path, monkeypatch):
    assert state_home() == home
    monkeypatch.setenv("HOME", str(tmp_path))
    for unusable in ("", "relative/path"):  # the specification has both ignored
        monkeypatch.setenv("XDG_STATE_HOME", unusable)
        assert state_home() == tmp_path / ".local" / "state" / "isoflop"


def test_nobody_else_may_read_or_write_it(home):
    folder = private_folder("jobs")
    assert [stat.S_IMODE(part.stat().st_mode) for part in (home, folder)] == [0o700] * 2
    folder.chmod(0o777)
    private_folder("jobs")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_somebody_put_in_its_place_is_refused(home, tmp_path):
    home.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (home / "jobs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="expected a folder of your own"):
        private_folder("jobs")
    if os.geteuid() == 0:
        (home / "trusted").mkdir()
        os.chown(home / "trusted", 12345, 12345)
        with pytest.raises(InputError, match="expected a folder of your own"):
            private_folder("trusted")


def test_fresh_folders_are_new_and_those_of_old_are_removed(home):
    first, second = fresh_folder("jobs"), fresh_folder("jobs")
    assert first != second
    assert list(first.iterdir()) == []
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    long_ago = time.time() - (RETENTION_DAYS + 1) * 86400
    os.utime(first, (long_ago, long_ago))
    third = fresh_folder("jobs")
    assert sorted((home / "jobs").iterdir()) == sorted([second, third])


def test_a_place_that_takes_no_folder_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(InputError, match="isoflop"):
        private_folder("jobs")
