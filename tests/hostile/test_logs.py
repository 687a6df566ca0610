"""Three hundred damaged logs: each is read or refused with an InputError, whatever stands in it."""

import random
import time

import pytest

from hostile.logs import any_log
from isoflop.errors import InputError, printable
from isoflop.logs import read_logs
from isoflop.logs.final import final_table

EACH = 60
_SECONDS = 20.0


@pytest.mark.parametrize("batch", range(5))
def test_a_damaged_log_is_read_or_refused(batch, tmp_path):
    for seed in range(EACH * batch, EACH * (batch + 1)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        log = any_log(random.Random(seed), folder)
        before = time.process_time()
        try:
            table = final_table(read_logs(log)).as_csv()
        except InputError:
            pass
        except Exception as error:
            raise AssertionError(f"seed {seed}: {log}") from error
        else:
            assert table.startswith("run,"), f"seed {seed}"
        assert time.process_time() - before < _SECONDS, f"seed {seed}"


def test_some_are_read(tmp_path):
    """Else the test above would pass where everything is refused."""
    read = 0
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            read += bool(read_logs(any_log(random.Random(seed), folder)))
        except InputError:
            continue
    assert 5 <= read < 20


def test_a_line_of_many_megabytes(tmp_path):
    file = tmp_path / "runs.jsonl"
    file.write_text('{"run": "' + "x" * 20_000_000 + '", "curve": [[1, 2.0], [2, 1.5]]}\n')
    with pytest.raises(InputError, match="none of a kind that is known"):
        read_logs(file)
    wide = tmp_path / "wide.csv"
    wide.write_text("step,val_loss\n" + "1" * 5_000_000 + ",3\n2,2.5\n")
    with pytest.raises(InputError):
        read_logs(wide)


def test_json_as_deep_as_a_stack(tmp_path):
    file = tmp_path / "runs.json"
    file.write_text('{"run": 1, "curve": ' + "[" * 50_000 + "]" * 50_000 + "}")
    with pytest.raises(InputError):
        read_logs(file)


def test_names_with_control_characters_stay_names_and_leave_messages_printable(tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text(
        "run,step,val_loss\n" + "".join(f"\x1b[31m{name},{s},{4 - s / 10}\n" for name in "ab" for s in range(5))
    )
    logs = read_logs(file)
    assert [run.name for run in logs] == ["\x1b[31ma", "\x1b[31mb"]
    assert "\x1b" not in printable(logs[0].name)
