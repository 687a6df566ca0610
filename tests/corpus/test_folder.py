import errno
import fcntl
import os

import pytest

from isoflop.corpus.folder import built_whole
from isoflop.errors import InputError


def build(directory, text="new"):
    with built_whole(directory, "corpus.json") as folder:
        (folder / "corpus.json").write_text(text)


def test_a_folder_is_replaced_whole(tmp_path):
    build(tmp_path / "deep" / "corpus", "old")
    build(tmp_path / "deep" / "corpus")
    assert (tmp_path / "deep" / "corpus" / "corpus.json").read_text() == "new"
    assert os.listdir(tmp_path / "deep") == ["corpus"]


@pytest.mark.parametrize(("code", "told"), [(errno.ENOSPC, "free at least"), (errno.EROFS, "mounted read-only")])
def test_a_full_or_read_only_disk_keeps_what_stood(tmp_path, code, told):
    build(tmp_path / "corpus", "old")

    def fail_half_way():
        with built_whole(tmp_path / "corpus", "corpus.json") as folder:
            (folder / "corpus.json").write_text("half")
            raise OSError(code, os.strerror(code), str(folder / "train.bin"))

    with pytest.raises(InputError, match=told):
        fail_half_way()
    assert (tmp_path / "corpus" / "corpus.json").read_text() == "old"
    assert os.listdir(tmp_path) == ["corpus"]


def test_other_peoples_files_are_never_replaced(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds other files and no corpus.json"):
        build(tmp_path / "corpus")
    assert (tmp_path / "corpus" / "thesis.tex").read_text() == "years of work"


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "corpus"):
        with pytest.raises(InputError, match="move it away"):
            build(path)


def test_a_read_only_folder_is_told(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(InputError, match="no permission"):
        build(tmp_path / "closed" / "corpus")


def test_two_builders_do_not_meet(tmp_path):
    (tmp_path / ".corpus.building").mkdir()
    other = os.open(tmp_path / ".corpus.building", os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        with pytest.raises(InputError, match="another process is building"):
            build(tmp_path / "corpus")
    finally:
        os.close(other)
    build(tmp_path / "corpus")


@pytest.mark.parametrize("name", ["corpus", ".corpus.building", ".corpus.replaced"])
def test_a_link_in_the_place_of_a_folder_empties_and_moves_nothing(tmp_path, name):
    outside = tmp_path / "outside"
    (outside / "photos").mkdir(parents=True)
    (outside / "photos" / "1.jpg").write_text("dear")
    (outside / "corpus.json").write_text("not ours")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / name).symlink_to(outside)
    with pytest.raises(InputError, match="is a link to"):
        build(tmp_path / "study" / "corpus")
    assert sorted(path.name for path in outside.rglob("*")) == ["1.jpg", "corpus.json", "photos"]
    assert (tmp_path / "study" / name).is_symlink()


def test_links_that_a_killed_build_may_have_left_inside_are_removed_and_not_followed(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "thesis.tex").write_text("years of work")
    (tmp_path / ".corpus.building" / "deep").mkdir(parents=True)
    (tmp_path / ".corpus.building" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / ".corpus.building" / "deep" / "out").symlink_to(tmp_path / "outside")
    build(tmp_path / "corpus")
    assert os.listdir(tmp_path / "outside") == ["thesis.tex"]
    assert os.listdir(tmp_path / "corpus") == ["corpus.json"]
