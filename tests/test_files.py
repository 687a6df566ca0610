import json
import math
import os
import resource
import subprocess
import sys

import hypothesis.strategies as st
import pytest
from hypothesis import given

from isoflop.errors import InputError
from isoflop.files import (
    decoding,
    json_value,
    read_json,
    read_regular,
    storing,
    toml_value,
    write_bytes_atomically,
    write_json_atomically,
)


def json_values():
    """Values as our own files hold them."""
    plain = (
        st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    )
    return st.recursive(plain | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


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

    from isoflop.runs.execute import execute
    from isoflop.runs.folder import RunFolder
    from isoflop.runs.ledger import Ledger

    folder = RunFolder.create(small_disk / "runs", small_spec(steps=40))
    filler = small_disk / "filler"
    ledger = Ledger(small_disk / "study.db")

    def fill(event):
        if event.kind == "progress" and not filler.exists():
            with open(filler, "wb", buffering=0) as file:
                while True:
                    try:
                        file.write(b"0" * 4096)
                    except OSError:
                        break

    with step_engine("local", small_disk.parent / "logs", 1, step_seconds=0.02) as engine:
        with pytest.raises(InputError, match="disk full"):
            execute([folder], engine, ledger, on_event=fill)
        assert folder.status() == "interrupted"
        filler.unlink()
        (result,) = execute([folder], engine, ledger, on_event=lambda event: None)
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


class TestJsonOfAnybody:
    """What `json_value` and `toml_value` let through."""

    @pytest.mark.parametrize("text", ["NaN", "[1, Infinity]", "1e999", "-1e999", "9" * 400, '{"a": [1E400]}'])
    def test_a_number_that_no_float_holds_is_none(self, text):
        with pytest.raises(ValueError, match="no finite number|digits"):
            json_value(text)

    @pytest.mark.parametrize("text", ["[" * 65 + "]" * 65, "[" * 100_000, '{"a":' * 2000 + "1" + "}" * 2000])
    def test_what_is_nested_too_deeply_is_none(self, text):
        with pytest.raises(ValueError, match="nested more than 64 deep"):
            json_value(text)

    def test_long_files_that_are_not_deep_are_read(self):
        assert json_value(json.dumps([[1, {"a": 2}]] * 1000)) == [[1, {"a": 2}]] * 1000

    @pytest.mark.parametrize(("text", "value"), [("-" + "9" * 400, -math.inf), ("1e999", math.inf), ("12", 12)])
    def test_tables_of_others_may_hold_infinity(self, text, value):
        assert json_value(text, finite=False) == value

    @given(json_values())
    def test_whatever_json_writes_is_read_as_it_is(self, value):
        assert json_value(json.dumps(value)) == value
        assert json_value(json.dumps(value).encode(), finite=False) == value

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (b"a = nan", "a: expected a number that is finite"),
            (b"[run.optimizer]\neps = -inf", "run.optimizer.eps: expected"),
            (b"a = " + b"[" * 50_000, "nested more than 64 deep"),
            (b".".join([b"a"] * 50_000) + b" = 1", "nested more than 64 deep"),
            (b"a = " + b"9" * 5000, "digits"),
            (b"a = 0x" + b"f" * 3000, "digits"),
            (b"a = '\xff'", "decode"),
        ],
    )
    def test_toml_too(self, text, message):
        with pytest.raises(ValueError, match=message):
            toml_value(text)


def test_a_named_pipe_and_a_device_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, kind in (("pipe", "is a named pipe"), ("zero", "is a device"), ("", "is a folder")):
        with pytest.raises(OSError, match=kind):
            read_regular(tmp_path / name)
        with pytest.raises(InputError, match=kind):
            read_json(tmp_path / name)
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link") == b"1"


def test_what_decoding_stumbles_over_names_the_file(tmp_path):
    for wrong in (lambda: {}["a"], lambda: float("x"), lambda: 1 / 0, lambda: [][0]):
        with pytest.raises(InputError, match="fit.json: not as isoflop writes it"), decoding(tmp_path / "fit.json"):
            wrong()
