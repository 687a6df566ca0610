import json
import os
import resource
import stat
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from isoflop.errors import InputError
from isoflop.files import decoding, read_json, storing, temporary_beside, write_bytes_atomically, write_json_atomically
from isoflop.regular_files import read_through_links


def test_json_is_sorted_and_read_back(tmp_path):
    path = tmp_path / "a.json"
    write_json_atomically(path, {"b": 1, "a": [0.1]})
    assert read_json(path) == {"a": [0.1], "b": 1}
    assert path.read_text().index('"a"') < path.read_text().index('"b"')
    assert os.listdir(tmp_path) == ["a.json"]


def test_nan_is_our_own_mistake_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json_atomically(path, 1)
    with pytest.raises(ValueError):
        write_json_atomically(path, {"loss": float("nan")})
    assert read_json(path) == 1


def test_reading_what_is_not_there_or_not_json(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InputError, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)


@pytest.mark.parametrize(
    ("code", "said"),
    [("ENOSPC", "disk full"), ("EDQUOT", "disk full"), ("EROFS", "read-only"), ("EACCES", "no permission")],
)
def test_what_the_disk_says_becomes_what_to_do(tmp_path, code, said):
    import errno

    with pytest.raises(InputError, match=said), storing(tmp_path / "a", 5 * 2**20):
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))
    with pytest.raises(OSError, match="broken"), storing(tmp_path / "a"):
        raise OSError(errno.EIO, "broken")


def test_a_file_where_a_folder_must_be(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(InputError, match="move it away"):
        write_bytes_atomically(tmp_path / "a" / "b", b"")


def test_a_process_killed_while_writing_leaves_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "a.json"
    code = (
        "import sys; from pathlib import Path; from isoflop.files import write_json_atomically\n"
        "n = 0\n"
        "while True:\n"
        "  n += 1; write_json_atomically(Path(sys.argv[1]), [n] * 20000, durable=False); print(n, flush=True)"
    )
    for lines in (1, 3, 7):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as writer:
            for _ in range(lines):
                writer.stdout.readline()
            writer.kill()
        value = json.loads(path.read_text())
        assert len(value) == 20000
        assert len(set(value)) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux to mount a small tmpfs")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"this machine mounts no tmpfs: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_leaves_the_old_file_whole_and_says_what_to_free(small_disk):
    path = small_disk / "state.bin"
    write_bytes_atomically(path, b"1" * 100_000)
    with pytest.raises(InputError, match=r"disk full while writing .*state\.bin: free at least 1 MiB there") as caught:
        write_bytes_atomically(path, b"2" * 400_000)
    assert "run the same command again" in str(caught.value)
    assert path.read_bytes() == b"1" * 100_000
    assert os.listdir(small_disk) == ["state.bin"]
    write_bytes_atomically(path, b"3" * 100_000)


def test_a_study_on_a_full_disk_stops_with_one_message_and_goes_on_after(small_disk):
    from runs.conftest import small_spec
    from runs.step_driver import step_engine

    from isoflop.runs.driver import execute
    from isoflop.runs.folder import RunFolder
    from isoflop.runs.run_index import RunIndex

    folder = RunFolder.create(small_disk / "runs", small_spec(steps=40))
    filler = small_disk / "filler"
    run_index = RunIndex(small_disk / "study.db")

    def fill(event):
        if event.kind == "progress" and not filler.exists():
            with open(filler, "wb", buffering=0) as file:
                while True:
                    try:
                        file.write(b"0" * 4096)
                    except OSError:
                        break

    with closing(step_engine("local", small_disk.parent / "logs", 1, step_seconds=0.02)) as engine:
        with pytest.raises(InputError, match="disk full"):
            execute([folder], engine, run_index, on_event=fill)
        assert folder.status() == "interrupted"
        filler.unlink()
        (result,) = execute([folder], engine, run_index, on_event=lambda event: None)
    assert (result.status, result.steps) == ("done", 40)
    assert [line["step"] for line in folder.read_metrics().lines] == list(range(1, 41))


def test_a_file_size_limit_is_named(tmp_path):
    code = (
        "import sys; from pathlib import Path; from isoflop.files import write_bytes_atomically\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from isoflop.errors import InputError\n"
        "try: write_bytes_atomically(Path(sys.argv[1]), b'0' * 100000)\n"
        "except InputError as error: print(error)"
    )
    path = tmp_path / "a"
    path.write_text("old")
    said = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    ).stdout
    assert "larger than this process may write" in said
    assert path.read_text() == "old"


def test_what_was_planted_under_the_name_of_a_temporary_is_not_written_through(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / f".a.json.{os.getpid()}.tmp").symlink_to(victim)
    write_json_atomically(tmp_path / "study" / "a.json", {"a": 1})
    assert victim.read_text() == "precious"
    assert read_json(tmp_path / "study" / "a.json") == {"a": 1}


def test_temporaries_have_names_of_their_own_and_leave_none(tmp_path):
    path = tmp_path / "a"
    with temporary_beside(path) as (first, _), temporary_beside(path) as (second, file):
        assert first != second
        assert {first.parent, second.parent} == {tmp_path}
        file.write(b"x")
    assert os.listdir(tmp_path) == []


def test_a_link_in_the_place_of_a_file_is_neither_followed_nor_replaced(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "link").symlink_to(victim)
    with pytest.raises(InputError, match="is a link to"):
        write_bytes_atomically(tmp_path / "link", b"new")
    assert ((tmp_path / "link").is_symlink(), victim.read_text()) == (True, "precious")


def test_files_keep_to_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_never_replaced(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to make a device")
    device = tmp_path / "null"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    write_bytes_atomically(device, b"gone")
    assert stat.S_ISCHR(device.lstat().st_mode)
    assert os.listdir(tmp_path) == ["null"]
    os.mknod(tmp_path / "disk", 0o666 | stat.S_IFBLK, os.makedev(7, 77))
    with pytest.raises(InputError, match="move it away"):
        write_bytes_atomically(tmp_path / "disk", b"harm")


def test_a_pipe_is_written_to_where_somebody_reads(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="nobody reads from this pipe"):
        write_bytes_atomically(pipe, b"x")
    data = os.urandom(300_000)  # more than a pipe holds
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        writer = threading.Thread(target=_write_once_read, args=(pipe, data))
        writer.start()
        assert reader.stdout.read() == data
        writer.join()
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def _write_once_read(pipe, data):
    while True:
        try:
            return write_bytes_atomically(pipe, data)
        except InputError:
            time.sleep(0.02)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_by_its_name_goes_on_after_what_was_printed(tmp_path, name):
    if not os.path.exists("/proc/self/fd"):
        pytest.skip("this system has no /proc")
    code = (
        "import sys; from pathlib import Path; from isoflop.files import write_bytes_atomically\n"
        "print('before'); write_bytes_atomically(Path(sys.argv[1]), b'file\\n'); print('after')"
    )
    with open(tmp_path / "said", "w") as said:
        subprocess.run([sys.executable, "-c", code, name], stdout=said, check=True)
    assert (tmp_path / "said").read_text() == "before\nfile\nafter\n"


def test_a_named_pipe_and_a_device_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, kind in (("pipe", "is a named pipe"), ("zero", "is a device"), ("", "is a folder")):
        with pytest.raises(OSError, match=kind):
            read_through_links(tmp_path / name)
        with pytest.raises(InputError, match=kind):
            read_json(tmp_path / name)
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("file")
    assert read_through_links(tmp_path / "link") == b"1"


def test_what_decoding_stumbles_over_names_the_file(tmp_path):
    for wrong in (lambda: {}["a"], lambda: float("x"), lambda: 1 / 0, lambda: [][0]):
        with pytest.raises(InputError, match="fit.json: not as isoflop writes it"), decoding(tmp_path / "fit.json"):
            wrong()
