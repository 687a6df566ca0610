import os
import socket

import pytest

from isoflop.errors import InputError
from isoflop.regular_files import (
    make_folder,
    open_regular,
    open_to_append,
    read_regular,
    refuse_links,
    refuse_links_out,
)


def test_a_regular_file_is_made_appended_to_and_read(tmp_path):
    path = tmp_path / "a"
    for word in (b"one ", b"two"):
        with open_to_append(path) as file:
            file.write(word)
    assert read_regular(path) == b"one two"


def test_a_link_is_named_with_its_target_and_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("old")
    (tmp_path / "link").symlink_to(target)
    for reach in (open_to_append, read_regular):
        with pytest.raises(InputError, match=rf"link: is a link to {target}, and isoflop follows none here"):
            reach(tmp_path / "link")
    (tmp_path / "dangling").symlink_to(tmp_path / "made")
    with pytest.raises(InputError, match="is a link"):
        open_to_append(tmp_path / "dangling")
    assert (target.read_text(), (tmp_path / "made").exists()) == ("old", False)


def test_pipes_sockets_and_devices_are_no_files_and_nobody_waits_for_them(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path has 108 bytes
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        for name in ("pipe", "socket", "/dev/null"):
            with pytest.raises(InputError, match="expected a file, and this is a pipe, device or socket"):
                read_regular(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path, os.O_RDONLY)


def test_a_folder_is_made_and_a_link_to_one_is_none(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(InputError, match="is a link"):
        make_folder(tmp_path / "link")


def test_links_are_found_at_any_depth_and_the_folder_itself_may_be_one(tmp_path):
    deep = tmp_path / "real" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "way").symlink_to(tmp_path / "real")
    refuse_links(tmp_path / "way")
    (deep / "c").symlink_to("/nowhere")
    refuse_links(tmp_path / "way", deep=False)
    with pytest.raises(InputError, match="a/b/c: is a link to /nowhere"):
        refuse_links(tmp_path / "way")
    refuse_links(tmp_path / "absent")


def test_links_within_are_no_way_out(tmp_path):
    (tmp_path / "study" / "kept").mkdir(parents=True)
    (tmp_path / "study" / "kept" / "latest").symlink_to(tmp_path / "study" / "kept")
    refuse_links_out(tmp_path / "study" / "kept", tmp_path / "study")
    (tmp_path / "study" / "kept" / "out").symlink_to(tmp_path)
    with pytest.raises(InputError, match="out: is a link"):
        refuse_links_out(tmp_path / "study" / "kept", tmp_path / "study")
